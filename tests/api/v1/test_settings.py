"""/v1/settings: what a store decides about training, limits, times and money."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.selectors.credential import forget_credentials
from tests.api.conftest import ApiClient, assert_problem
from tests.engine.importing import counts, import_file

DEFAULTS = {
    "auto_train": "daily",
    "auto_promote": True,
    "on_limit": "popular",
    "explore_share": 0.1,
    "placements": {},
    "timezone": None,
    "currency": None,
}


def _put(api: ApiClient, key: str, **changes: Any) -> Any:
    answer = api.put("/v1/settings", json=changes, key=key)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_new_store_trains_daily_and_has_named_no_money_or_time(
    api: ApiClient, acorn_key: str
) -> None:
    assert api.get("/v1/settings", key=acorn_key).json() == DEFAULTS


def test_put_changes_what_it_names_in_this_environment_alone(
    api: ApiClient, acorn_key: str, acorn_test_key: str, birch_key: str
) -> None:
    changed = _put(api, acorn_key, auto_promote=False, timezone="Europe/Berlin", currency="CHF")
    wanted = {**DEFAULTS, "auto_promote": False, "timezone": "Europe/Berlin", "currency": "CHF"}
    assert changed == wanted
    assert _put(api, acorn_key, on_limit="error", explore_share=0, timezone=None) == {
        **wanted,
        "on_limit": "error",
        "explore_share": 0,
        "timezone": None,
    }
    for key in (acorn_test_key, birch_key):
        assert api.get("/v1/settings", key=key).json() == DEFAULTS


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"auto_train": "hourly"}, "invalid_parameter", "/auto_train"),
        ({"auto_promote": "no"}, "invalid_parameter", "/auto_promote"),
        ({"auto_promote": None}, "invalid_parameter", "/auto_promote"),
        ({"on_limit": "fail"}, "invalid_parameter", "/on_limit"),
        ({"explore_share": 0.6}, "invalid_parameter", "/explore_share"),
        ({"explore_share": -0.1}, "invalid_parameter", "/explore_share"),
        ({"explore_share": "some"}, "invalid_parameter", "/explore_share"),
        ({"explore_share": None}, "invalid_parameter", "/explore_share"),
        ({"timezone": "Europe/Bern"}, "invalid_parameter", "/timezone"),
        ({"timezone": "../etc/passwd"}, "invalid_parameter", "/timezone"),
        ({"currency": "EURO"}, "invalid_parameter", "/currency"),
        ({"currency": "eur"}, "invalid_parameter", "/currency"),
        ({"currency": 978}, "invalid_parameter", "/currency"),
        ({"auto_trian": "daily"}, "unknown_field", "/auto_trian"),
    ],
)
def test_a_bad_setting_is_refused_with_the_good_ones_beside_it(
    api: ApiClient, acorn_key: str, changes: dict[str, Any], code: str, pointer: str
) -> None:
    answer = api.put("/v1/settings", json={"on_limit": "error", **changes}, key=acorn_key)
    problem = assert_problem(answer, 400, code)
    assert problem["errors"][0]["pointer"] == pointer
    assert api.get("/v1/settings", key=acorn_key).json() == DEFAULTS


def test_changes_are_audited_and_what_changes_nothing_is_not(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _put(api, acorn_key, currency="CHF", on_limit="popular")
    _put(api, acorn_key, currency="CHF")
    _put(api, acorn_key)
    with on_platform():
        (row,) = AuditEvent.objects.filter(tenant=acorn.tenant, action="settings_changed")
    assert row.actor.startswith("key:key_")
    assert row.object == "settings:live"
    assert (row.before["currency"], row.after["currency"]) == (None, "CHF")


def test_items_are_priced_in_the_stores_currency_where_they_name_none(
    api: ApiClient, acorn_key: str
) -> None:
    _put(api, acorn_key, currency="CHF")
    forget_credentials()
    answer = api.put("/v1/items/pan", json={"title": "Pan", "price": 5}, key=acorn_key)
    assert answer.json()["currency"] == "CHF"


def test_an_import_that_names_no_time_zone_has_the_stores(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    events = "type,user_id,item_id,ts\nview,ada,pan,2026-05-01 13:02:11\n"
    assert counts(import_file(acorn, events, kind="events")) == {"rejected": 1}
    _put(api, acorn_key, timezone="Europe/Berlin")
    with on_platform():
        store = Environment.objects.get(pk=acorn.pk)
    assert counts(import_file(store, events, kind="events")) == {"accepted": 1}
    tokyo = events.replace("ada", "ben")
    import_file(store, tokyo, kind="events", time_zone="Asia/Tokyo")
    shown = api.get("/v1/events", key=acorn_key).json()["data"]
    assert {event["user_id"]: event["ts"] for event in shown} == {
        "ada": "2026-05-01T11:02:11Z",
        "ben": "2026-05-01T04:02:11Z",
    }


def test_a_placement_is_replaced_or_removed_and_the_others_stay(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    home, cart = {"limit": 8, "diversity": 0.3}, {"exclude_purchased": False}
    _put(api, acorn_key, placements={"home": {"limit": 4}, "old": {}, "cart": cart})
    changed = _put(api, acorn_key, placements={"home": home, "old": None, "never": None})
    assert changed == {**DEFAULTS, "placements": {"home": home, "cart": cart}}
    assert api.get("/v1/settings", key=acorn_key).json() == changed
    with on_platform():
        deed = AuditEvent.objects.filter(tenant=acorn.tenant).latest("pk")
    assert deed.before["placements"]["home"] == {"limit": 4}
    assert deed.after == {"placements": {"home": home, "cart": cart}}


@pytest.mark.parametrize(
    ("placements", "code", "pointer"),
    [
        ([], "invalid_parameter", "/placements"),
        (None, "invalid_parameter", "/placements"),
        ({"home": 3}, "invalid_parameter", "/placements/home"),
        ({"home": {"limit": "ten"}}, "invalid_parameter", "/placements/home/limit"),
        ({"home": {"fliter": {}}}, "unknown_field", "/placements/home/fliter"),
        ({"home": {"filter": {}}}, "invalid_filter", "/placements/home/filter"),
        (
            {"home": {"filter": {"exists": "attributes.margin"}}},
            "invalid_filter",
            "/placements/home/filter/exists",
        ),
        ({f"place {n}": {} for n in range(51)}, "invalid_parameter", "/placements"),
        (
            {"home": {"filter": {"in": ["id", ["x" * 100] * 1000]}}},
            "invalid_parameter",
            "/placements",
        ),
    ],
)
def test_placements_that_cannot_be_are_refused(
    api: ApiClient, acorn_key: str, placements: Any, code: str, pointer: str
) -> None:
    declared = {"type": "number", "filterable": False}
    assert api.put("/v1/attributes/margin", json=declared, key=acorn_key).status_code < 300
    answer = api.put("/v1/settings", json={"placements": placements}, key=acorn_key)
    problem = assert_problem(answer, status=400, code=code)
    assert problem["errors"][0]["pointer"] == pointer
    assert api.get("/v1/settings", key=acorn_key).json()["placements"] == {}


def test_an_attribute_that_a_placement_filters_by_stays_filterable(
    api: ApiClient, acorn_key: str
) -> None:
    _put(api, acorn_key, placements={"home": {"filter": {"exists": "attributes.margin"}}})
    url, declared = "/v1/attributes/margin", {"type": "number", "filterable": False}
    answer = api.put(url, json=declared, key=acorn_key)
    assert "'home'" in assert_problem(answer, status=409, code="conflict")["detail"]
    _put(api, acorn_key, placements={"home": None})
    assert api.put(url, json=declared, key=acorn_key).status_code < 300
