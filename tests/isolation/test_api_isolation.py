"""Every route, asked by everyone who might try: nobody sees or touches Acorn's data but Acorn."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.http import HttpResponse

from engine.models.imports import Import
from engine.models.privacy import PrivacyRequest
from engine.models.training import ModelVersion, TrainingRun
from engine.services.declare_attribute import declare_attribute
from engine.services.ingest_events import ingest_events
from engine.services.write_items import put_item
from engine.services.write_users import patch_user
from saas.lib.ids import new_ulid
from tenants import tokens
from tenants.context import in_environment, on_platform
from tenants.db.connection import connection
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tenants.models.export import Export
from tenants.models.feed import Feed
from tenants.models.webhook import Webhook
from tests.api.conftest import ApiClient, assert_problem
from tests.conftest import make_key
from tests.isolation.routes import api_routes
from tests.isolation.table import ANY, FEED_URL, FORM_TYPE, PUBLIC, ROUTES, Row

# Stands in everything of Acorn's that an answer could show.
MARKER = "Only for Acorn's eyes"
READ_SCOPES = [scope for scope in tokens.SCOPES if scope.endswith(":read")]


@dataclass(frozen=True)
class Objects:
    """The ids of Acorn's planted objects, by the name of the route's parameter."""

    item_id: str
    key_id: str
    version: str
    other_version: str
    run_id: str
    request_id: str
    import_id: str
    export_id: str
    feed_id: str
    webhook_id: str
    event_id: str
    user_id: str
    attribute_name: str

    def fill(self, text: str) -> str:
        for name, value in vars(self).items():
            text = text.replace(f"<id:{name}>", value).replace(f"{{{name}}}", value)
        return text


@pytest.fixture
def objects(acorn: Environment) -> Objects:
    """One of everything in Acorn's live environment."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    version, run_id, import_id, request_id = (new_ulid() for _ in range(4))
    victim = ApiKey.objects.get(digest=tokens.digest(make_key(acorn)))
    ApiKey.objects.filter(pk=victim.pk).update(name=MARKER)
    with in_environment(acorn):
        put_item(environment=acorn, item_id="acorn-item", members={"title": MARKER})
        declare_attribute(
            environment=acorn, name="colour", members={"type": "string"}, actor="test"
        )
        patch_user(
            environment=acorn, user_id="acorn-user", members={"attributes": {"note": MARKER}}
        )
        ingest_events(
            environment=acorn,
            rows=[
                {
                    "type": "search",
                    "event_id": "acorn-event",
                    "user_id": "acorn-user",
                    "query": MARKER,
                }
            ],
            received_at=now,
        )
        ModelVersion.objects.create(
            version=version,
            trained_at=now,
            verdict=ModelVersion.Verdict.PROMOTED,
            reason=MARKER,
            recipe={},
            data_window={},
            counts={},
            metrics={},
            baselines={},
            promoted_at=now,
        )
        TrainingRun.objects.create(
            id=run_id, status="failed", stage="", error=MARKER, created_at=now, finished_at=now
        )
        PrivacyRequest.objects.create(
            id=request_id, kind="export", status="failed", error=MARKER, created_at=now
        )
        Import.objects.create(
            id=import_id,
            kind="items",
            format="plain",
            mode="full",
            dry_run=False,
            status=Import.Status.NEEDS_CONFIRMATION,
            error=MARKER,
            created_at=now,
        )
    export = Export.objects.create(
        id=new_ulid(), environment=acorn, kind="items", format="csv", error=MARKER, created_at=now
    )
    feed = Feed.objects.create(
        id=new_ulid(),
        environment=acorn,
        url=f"{FEED_URL}?{MARKER}",
        kind="items",
        format="auto",
        mode="incremental",
        every="24h",
        created_at=now,
        next_run_at=now,
    )
    webhook = Webhook.objects.create(
        id=new_ulid(),
        environment=acorn,
        url=f"{FEED_URL}?{MARKER}",
        events=["feed.failed"],
        secret=MARKER,
        created_at=now,
    )
    return Objects(
        item_id="acorn-item",
        key_id=victim.pk,
        version=version,
        other_version=version,
        run_id=run_id,
        request_id=request_id,
        import_id=import_id,
        export_id=export.pk,
        feed_id=feed.pk,
        webhook_id=webhook.pk,
        event_id="acorn-event",
        user_id="acorn-user",
        attribute_name="colour",
    )


def test_the_table_names_every_route_and_no_other() -> None:
    assert sorted(ROUTES) == sorted(api_routes())


Ask = Callable[[str | None], HttpResponse]


@pytest.fixture
def ask(request: pytest.FixtureRequest, api: ApiClient, objects: Objects) -> Ask:
    """Call the test's route with Acorn's ids and somebody's credential."""
    route: str = request.getfixturevalue("route")
    method, _, template = route.partition(" ")
    row = ROUTES[route]
    path = objects.fill(template) + row.query
    assert not re.search(r"[<>]", path), "the table's fixture plants no such object"
    body = None if row.body is None else orjson.loads(objects.fill(orjson.dumps(row.body).decode()))

    def call(key: str | None) -> HttpResponse:
        sent = {"json": body} if row.form is None else {"body": row.form, "content_type": FORM_TYPE}
        response: HttpResponse = api.request(method, path, key=key, **sent)
        return response

    return call


every_route = pytest.mark.parametrize("route", ROUTES)


@every_route
def test_the_own_key_opens_it(route: str, ask: Ask, acorn_key: str) -> None:
    answer = ask(acorn_key)
    assert answer.status_code == ROUTES[route].own, answer.content


@every_route
def test_another_store_sees_and_changes_nothing(
    route: str, ask: Ask, acorn: Environment, birch_key: str
) -> None:
    _assert_shut(route, ask, acorn, birch_key)


@every_route
def test_the_test_environment_sees_and_changes_nothing(
    route: str, ask: Ask, acorn: Environment, acorn_test_key: str
) -> None:
    _assert_shut(route, ask, acorn, acorn_test_key)


@every_route
def test_without_a_key_nothing_opens(route: str, ask: Ask, acorn: Environment) -> None:
    before = contents(acorn)
    answer = ask(None)
    if ROUTES[route].scope == PUBLIC:
        assert answer.status_code == ROUTES[route].own
    else:
        assert_problem(answer, 401, "invalid_token")
    assert MARKER.encode() not in answer.content
    assert contents(acorn) == before


@every_route
def test_a_publishable_key_opens_its_two_scopes_alone(
    route: str, ask: Ask, acorn: Environment, acorn_publishable_key: str
) -> None:
    _assert_scoped(route, ask, acorn, acorn_publishable_key, tokens.PUBLISHABLE_SCOPES)


@every_route
def test_a_reading_key_reads_and_does_not_write(route: str, ask: Ask, acorn: Environment) -> None:
    _assert_scoped(route, ask, acorn, make_key(acorn, scopes=READ_SCOPES), READ_SCOPES)


def _assert_shut(route: str, ask: Ask, acorn: Environment, key: str) -> None:
    before = contents(acorn)
    answer = ask(key)
    assert answer.status_code == ROUTES[route].foreign, answer.content
    if answer.status_code == 404:
        assert_problem(answer, 404, "not_found")
    assert MARKER.encode() not in answer.content
    assert contents(acorn) == before


def _assert_scoped(route: str, ask: Ask, acorn: Environment, key: str, scopes: Any) -> None:
    row: Row = ROUTES[route]
    before = contents(acorn)
    answer = ask(key)
    is_for_server = row.is_for_server or route.startswith("DELETE ")
    is_kept_from_page = scopes is tokens.PUBLISHABLE_SCOPES and is_for_server
    if row.scope in {PUBLIC, ANY, *scopes} and not is_kept_from_page:
        assert answer.status_code == row.own, answer.content
        return
    problem = assert_problem(answer, 403, "insufficient_scope")
    assert problem["scope"] == row.scope
    assert contents(acorn) == before


def contents(environment: Environment) -> dict[str, str]:
    """Return a digest of each of the environment's tables, and of its rows in `public`."""
    with in_environment(environment), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE 'engine_%%'",
            [environment.schema_name],
        )
        tables = {name: f"SELECT t::text FROM {name} t" for (name,) in cursor.fetchall()}
        assert len(tables) > 5
        digests = {name: _digest(cursor, query) for name, query in tables.items()}
    public = {
        "keys": "SELECT (id, name, scopes, expires_at, revoked_at)::text FROM tenants_apikey",
        "jobs": "SELECT (id, kind, state)::text FROM tenants_job",
        "feeds": "SELECT f::text FROM tenants_feed f",
        "webhooks": "SELECT w::text FROM tenants_webhook w",
        "exports": "SELECT e::text FROM tenants_export e",
        "replays": "SELECT (id, route)::text FROM tenants_idempotencyrecord",
    }
    with on_platform(), connection.cursor() as cursor:
        for name, query in public.items():
            digests[name] = _digest(cursor, f"{query} WHERE environment_id = {environment.pk}")
        digests["environment"] = _digest(
            cursor,
            "SELECT (live_version, is_pinned, auto_promote)::text FROM tenants_environment "
            f"WHERE id = {environment.pk}",
        )
    return digests


def _digest(cursor: Any, query: str) -> str:
    cursor.execute(f"SELECT coalesce(md5(string_agg(r, ',' ORDER BY r)), '') FROM ({query}) q(r)")
    return str(cursor.fetchone()[0])
