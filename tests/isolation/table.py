"""Every route of the web process, who may call it, and what an outsider gets.

One row per method and route. `foreign` is the answer to a good credential of another environment
that names Acorn's own ids: 404 where the route names an object, else its own (empty) view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Served to anybody: the same answer with and without a credential.
PUBLIC = "public"
# Any good credential will do.
ANY = ""


@dataclass(frozen=True)
class Row:
    """How to call a route as Acorn would, and what comes of it."""

    scope: str
    own: int
    foreign: int
    body: Any = None
    query: str = ""
    # A multipart body, where the route takes a file.
    form: bytes | None = None
    # A page's key gets 403 though it has the scope.
    is_for_server: bool = False


# A public address; nobody calls it here, and no resolver is asked for it.
FEED_URL = "https://93.184.215.14/items.csv"
FORM_TYPE = "multipart/form-data; boundary=part"
_IMPORT = b"".join(
    b'--part\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % part
    for part in ((b"kind", b"items"), (b'file"; filename="items.csv', b"id,title\nmine,Mine\n"))
)

ROUTES: dict[str, Row] = {
    "GET /docs": Row(PUBLIC, 200, 200),
    "GET /docs/errors": Row(PUBLIC, 200, 200),
    "GET /.well-known/jwks.json": Row(PUBLIC, 200, 200),
    "GET /v1/openapi.json": Row(PUBLIC, 200, 200),
    "POST /v1/auth/token": Row(PUBLIC, 400, 400, body={}),
    "POST /v1/auth/user-token": Row(
        "events:write", 200, 200, body={"user_id": "acorn-user"}, is_for_server=True
    ),
    # Without a secret there is no webhook; with one, the signature is the credential.
    "POST /v1/stripe/webhook": Row(PUBLIC, 404, 404, body={}),
    "GET /v1/me": Row(ANY, 200, 200),
    "GET /v1/keys": Row("settings:write", 200, 200),
    "POST /v1/keys": Row("settings:write", 201, 201, body={"name": "another"}),
    "POST /v1/keys/<id:key_id>:rotate": Row("settings:write", 201, 404, body={}),
    "DELETE /v1/keys/<id:key_id>": Row("settings:write", 204, 404),
    "GET /v1/items": Row("catalogue:read", 200, 200),
    "POST /v1/items:batch": Row(
        "catalogue:write", 200, 200, body={"items": [{"id": "acorn-item", "title": "Mine"}]}
    ),
    "GET /v1/items/<id:item_id>": Row("catalogue:read", 200, 404),
    "PUT /v1/items/<id:item_id>": Row("catalogue:write", 200, 201, body={"title": "Mine"}),
    "PATCH /v1/items/<id:item_id>": Row("catalogue:write", 200, 404, body={"brand": "Mine"}),
    "DELETE /v1/items/<id:item_id>": Row("catalogue:write", 204, 404),
    "GET /v1/attributes": Row("catalogue:read", 200, 200),
    "GET /v1/attributes/<id:attribute_name>": Row("catalogue:read", 200, 404),
    "PUT /v1/attributes/<id:attribute_name>": Row(
        "catalogue:write", 200, 201, body={"type": "string"}
    ),
    "DELETE /v1/attributes/<id:attribute_name>": Row("catalogue:write", 204, 404),
    "POST /v1/users:batch": Row(
        "catalogue:write", 200, 200, body={"users": [{"id": "acorn-user", "attributes": {}}]}
    ),
    "POST /v1/users:merge": Row(
        "catalogue:write", 200, 200, body={"anonymous_id": "visitor", "user_id": "acorn-user"}
    ),
    "GET /v1/users/<id:user_id>": Row("catalogue:read", 200, 404),
    "PATCH /v1/users/<id:user_id>": Row("catalogue:write", 200, 200, body={"attributes": {}}),
    "DELETE /v1/users/<id:user_id>": Row("catalogue:write", 204, 404),
    "GET /v1/imports": Row("catalogue:read", 200, 200),
    "POST /v1/imports": Row("catalogue:write", 202, 202, form=_IMPORT + b"--part--\r\n"),
    "GET /v1/imports/<id:import_id>": Row("catalogue:read", 200, 404),
    "GET /v1/imports/<id:import_id>/errors.csv": Row("catalogue:read", 200, 404),
    "POST /v1/imports/<id:import_id>:cancel": Row("catalogue:write", 200, 404, body={}),
    "POST /v1/imports/<id:import_id>:confirm": Row("catalogue:write", 200, 404, body={}),
    "GET /v1/feeds": Row("catalogue:read", 200, 200),
    "POST /v1/feeds": Row("catalogue:write", 201, 201, body={"url": FEED_URL, "kind": "items"}),
    "GET /v1/feeds/<id:feed_id>": Row("catalogue:read", 200, 404),
    "PATCH /v1/feeds/<id:feed_id>": Row("catalogue:write", 200, 404, body={"every": "1h"}),
    "DELETE /v1/feeds/<id:feed_id>": Row("catalogue:write", 204, 404),
    "POST /v1/feeds/<id:feed_id>:run": Row("catalogue:write", 202, 404, body={}),
    "GET /v1/exports": Row("catalogue:read", 200, 200),
    "POST /v1/exports": Row("catalogue:read", 202, 202, body={"kind": "items"}),
    "GET /v1/exports/<id:export_id>": Row("catalogue:read", 200, 404),
    "POST /v1/privacy/erase": Row("privacy:write", 202, 202, body={"user_id": "acorn-user"}),
    "POST /v1/privacy/export": Row("privacy:write", 202, 202, body={"user_id": "acorn-user"}),
    "GET /v1/privacy/requests": Row("privacy:write", 200, 200),
    "GET /v1/privacy/requests/<id:request_id>": Row("privacy:write", 200, 404),
    "GET /v1/readiness": Row("models:read", 200, 200),
    "GET /v1/data-quality": Row("events:read", 200, 200),
    "GET /v1/webhooks": Row("settings:write", 200, 200),
    "POST /v1/webhooks": Row("settings:write", 201, 201, body={"url": FEED_URL}),
    "DELETE /v1/webhooks/<id:webhook_id>": Row("settings:write", 204, 404),
    "GET /v1/webhooks/<id:webhook_id>/deliveries": Row("settings:write", 200, 404),
    "GET /v1/audit": Row("audit:read", 200, 200),
    "GET /v1/usage": Row("usage:read", 200, 200),
    # Neither store has a plan here, so there is nothing to cap.
    "PUT /v1/usage/limits": Row("usage:write", 409, 409, body={"spend_cap": None}),
    "GET /v1/settings": Row("settings:write", 200, 200),
    "PUT /v1/settings": Row("settings:write", 200, 200, body={"auto_promote": False}),
    "GET /v1/models": Row("models:read", 200, 200),
    "GET /v1/models/<id:version>": Row("models:read", 200, 404),
    # Its files were never written.
    "GET /v1/models/<id:version>/compare/<id:other_version>": Row("models:read", 409, 404),
    "POST /v1/models/<id:version>:promote": Row("models:write", 200, 404, body={}),
    "POST /v1/models:rollback": Row("models:write", 200, 404, body={"version": "{version}"}),
    "POST /v1/models:train": Row("models:write", 202, 202, body={}),
    "GET /v1/training-runs": Row("models:read", 200, 200),
    "GET /v1/training-runs/<id:run_id>": Row("models:read", 200, 404),
    "GET /v1/events": Row("events:read", 200, 200),
    "POST /v1/events": Row(
        "events:write", 202, 202, body={"type": "view", "session_id": "s", "item_id": "acorn-item"}
    ),
    "POST /v1/collect/ga4": Row(
        "events:write",
        202,
        202,
        body={"client_id": "1.2", "name": "view_item", "params": {"items": [{"item_id": "i"}]}},
    ),
    "POST /v1/collect/segment": Row(
        "events:write",
        202,
        202,
        body={"anonymousId": "a", "event": "Product Viewed", "properties": {"product_id": "i"}},
    ),
    "DELETE /v1/events/<id:event_id>": Row("events:write", 204, 404),
}
