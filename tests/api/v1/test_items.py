"""/v1/items: what a store can do with its catalogue, and what each bad row is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.models.item import Item, ItemRef
from tenants.context import in_environment, on_platform
from tenants.models.environment import CatalogueClock, Environment
from tenants.selectors.credential import forget_credentials
from tests.api.conftest import ApiClient, assert_problem
from tests.engine.importing import import_file, row_errors
from tests.engine.statements import tenant_statements

PAN = {"id": "pan-24", "title": "Pan 24 cm", "price": "39.90", "currency": "EUR"}


def _clock(environment: Environment) -> int:
    with on_platform():
        return CatalogueClock.objects.get(environment=environment).change_seq


def _batch(api: ApiClient, key: str, *items: Any, **members: Any) -> Any:
    answer = api.post("/v1/items:batch", json={"items": list(items), **members}, key=key)
    assert answer.status_code == 200, answer.content
    return answer.json()


def _counts(answer: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in answer.items() if name != "errors" and count}


def test_put_creates_an_item_and_shows_it_whole(api: ApiClient, acorn_key: str) -> None:
    answer = api.put("/v1/items/pan-24", json=PAN, key=acorn_key)
    assert answer.status_code == 201
    assert answer.json() == {
        "id": "pan-24",
        "title": "Pan 24 cm",
        "description": None,
        "categories": [],
        "brand": None,
        "price": "39.90",
        "list_price": None,
        "currency": "EUR",
        "in_stock": True,
        "recommendable": True,
        "available_from": None,
        "available_until": None,
        "url": None,
        "image_url": None,
        "group_id": None,
        "aliases": [],
        "attributes": {},
        "source_updated_at": None,
    }
    assert api.get("/v1/items/pan-24", key=acorn_key).json() == answer.json()


def test_put_replaces_an_item_whole_but_keeps_what_is_out_of_stock(
    api: ApiClient, acorn_key: str
) -> None:
    api.put("/v1/items/pan-24", json={**PAN, "brand": "Ember", "in_stock": False}, key=acorn_key)
    answer = api.put("/v1/items/pan-24", json={"title": "Pan"}, key=acorn_key)
    assert answer.status_code == 200
    item = answer.json()
    assert (item["title"], item["brand"], item["price"]) == ("Pan", None, None)
    assert item["in_stock"] is False


def test_patch_merges_and_null_clears(api: ApiClient, acorn_key: str) -> None:
    api.put(
        "/v1/items/pan-24",
        json={**PAN, "attributes": {"colour": "red", "width": 24, "oven": True}},
        key=acorn_key,
    )
    answer = api.patch(
        "/v1/items/pan-24",
        json={"price": None, "brand": "Ember", "attributes": {"colour": "black", "oven": None}},
        key=acorn_key,
    )
    assert answer.status_code == 200
    item = answer.json()
    assert (item["title"], item["price"], item["brand"]) == ("Pan 24 cm", None, "Ember")
    assert item["attributes"] == {"colour": "black", "width": 24}


def test_a_deleted_item_is_gone_and_can_come_back(api: ApiClient, acorn_key: str) -> None:
    api.put("/v1/items/pan-24", json={**PAN, "brand": "Ember", "in_stock": False}, key=acorn_key)
    assert api.delete("/v1/items/pan-24", key=acorn_key).status_code == 204
    for answer in (
        api.get("/v1/items/pan-24", key=acorn_key),
        api.patch("/v1/items/pan-24", json={"title": "Pan"}, key=acorn_key),
        api.delete("/v1/items/pan-24", key=acorn_key),
    ):
        assert_problem(answer, 404, "not_found")
    assert api.get("/v1/items", key=acorn_key).json()["data"] == []
    again = api.put("/v1/items/pan-24", json={"title": "Pan"}, key=acorn_key)
    assert again.status_code == 201
    assert (again.json()["brand"], again.json()["in_stock"]) == (None, True)


@pytest.mark.parametrize(
    ("item_id", "path"),
    [
        ("Kitchen/pan 24", "Kitchen%2Fpan%2024"),
        ("..", ".."),
        ("a:batch", "a%3Abatch"),
        ("Größe-ß", "Gr%C3%B6%C3%9Fe-%C3%9F"),
        ("100%", "100%25"),
        ("x" * 256, "x" * 256),
    ],
)
def test_an_id_is_any_printable_text(
    api: ApiClient, acorn_key: str, item_id: str, path: str
) -> None:
    assert api.put(f"/v1/items/{path}", json={"title": "Pan"}, key=acorn_key).status_code == 201
    assert api.get(f"/v1/items/{path}", key=acorn_key).json()["id"] == item_id


def test_another_stores_item_does_not_exist(
    api: ApiClient, acorn_key: str, birch_key: str, acorn_test_key: str
) -> None:
    api.put("/v1/items/pan-24", json=PAN, key=acorn_key)
    for key in (birch_key, acorn_test_key):
        assert_problem(api.get("/v1/items/pan-24", key=key), 404, "not_found")
        assert_problem(api.delete("/v1/items/pan-24", key=key), 404, "not_found")
    assert api.get("/v1/items/pan-24", key=acorn_key).status_code == 200


def test_money_comes_as_text_or_number_and_leaves_as_text(api: ApiClient, acorn_key: str) -> None:
    for sent, shown in (("12.90", "12.90"), (12.9, "12.90"), (7, "7.00"), (0.125, "0.125")):
        answer = api.put("/v1/items/pan-24", json={"title": "Pan", "price": sent}, key=acorn_key)
        assert answer.json()["price"] == shown


@pytest.mark.parametrize(
    ("members", "pointer", "code", "detail"),
    [
        (
            {"price": "abc"},
            "/price",
            "invalid_price",
            "Item 'pan-24' has price 'abc'; send a decimal string such as '12.90'.",
        ),
        (
            {"price": -1},
            "/price",
            "invalid_price",
            "Item 'pan-24' has price -1; send an amount from 0 to 9999999999.",
        ),
        (
            {"currency": "euro"},
            "/currency",
            "invalid_currency",
            "Item 'pan-24' has currency 'euro'; send an ISO 4217 code such as 'EUR'.",
        ),
        (
            {"url": "javascript:alert(1)"},
            "/url",
            "invalid_url",
            "Item 'pan-24' has url 'javascript:alert(1)'; "
            "send an address that begins with https:// or http://.",
        ),
        (
            {"title": "Pan\0"},
            "/title",
            "invalid_text",
            "Item 'pan-24' has title 'Pan�'; leave the NUL character out.",
        ),
        (
            {"attributes": {"a/b\0": "x"}},
            "/attributes/a~1b\0",
            "invalid_text",
            "Item 'pan-24' has attributes an object; leave the NUL character out.",
        ),
        (
            {"available_from": "2024-05-01T10:00:00"},
            "/available_from",
            "invalid_datetime",
            "Item 'pan-24' has available_from '2024-05-01T10:00:00'; it has no offset from UTC; "
            "send RFC 3339 with an offset, such as '2024-05-01T13:02:11+02:00'.",
        ),
        (
            {"in_stock": "yes"},
            "/in_stock",
            "invalid_type",
            "Item 'pan-24' has in_stock 'yes'; send true or false.",
        ),
        (
            {"aliases": ["a", "x" * 257]},
            "/aliases/1",
            "id_too_long",
            "Item 'pan-24' has aliases a list; it has 257 characters; 256 are allowed.",
        ),
        (
            {"titel": "Pan"},
            "/titel",
            "unknown_field",
            "Item 'pan-24' has the unknown field 'titel' (did you mean 'title'?); "
            "extras belong inside attributes.",
        ),
        (
            {"title": None},
            "/title",
            "invalid_type",
            "Item 'pan-24' has title null; send the name that shoppers see.",
        ),
    ],
)
def test_a_bad_member_is_named_with_the_way_out(
    api: ApiClient,
    acorn_key: str,
    members: dict[str, Any],
    pointer: str,
    code: str,
    detail: str,
) -> None:
    answer = api.put("/v1/items/pan-24", json={"title": "Pan", **members}, key=acorn_key)
    problem = assert_problem(answer, 422, "invalid_object")
    assert problem["errors"] == [
        {"id": "pan-24", "pointer": pointer, "code": code, "detail": detail}
    ]
    assert problem["detail"] == detail
    assert_problem(api.get("/v1/items/pan-24", key=acorn_key), 404, "not_found")


def test_an_item_needs_a_title_when_it_is_made(api: ApiClient, acorn_key: str) -> None:
    problem = assert_problem(
        api.put("/v1/items/pan-24", json={}, key=acorn_key), 422, "invalid_object"
    )
    assert problem["errors"][0]["code"] == "missing_field"
    assert problem["errors"][0]["pointer"] == "/title"


def test_the_path_and_the_body_name_one_item(api: ApiClient, acorn_key: str) -> None:
    answer = api.put("/v1/items/pan-24", json={"id": "pan-28", "title": "Pan"}, key=acorn_key)
    assert_problem(answer, 422, "invalid_object")


def test_an_id_in_the_path_has_at_most_256_characters(api: ApiClient, acorn_key: str) -> None:
    assert_problem(api.get(f"/v1/items/{'x' * 257}", key=acorn_key), 400, "invalid_parameter")


def test_a_batch_counts_what_each_row_did(api: ApiClient, acorn_key: str) -> None:
    first = _batch(api, acorn_key, PAN, {"id": "lid-24", "title": "Lid"})
    assert _counts(first) == {"accepted": 2, "created": 2}
    second = _batch(
        api,
        acorn_key,
        PAN,
        {"id": "lid-24", "price": "9.90"},
        {"id": "pot-3l", "title": "Pot"},
        {"id": "never-seen", "deleted": True},
    )
    assert _counts(second) == {"accepted": 4, "created": 1, "updated": 1, "unchanged": 2}
    third = _batch(api, acorn_key, {"id": "pot-3l", "deleted": True})
    assert _counts(third) == {"accepted": 1, "deleted": 1}


def test_the_good_rows_of_a_batch_are_stored_and_the_bad_ones_named(
    api: ApiClient, acorn_key: str
) -> None:
    answer = _batch(api, acorn_key, PAN, {"id": "lid-24", "title": "Lid", "price": "abc"}, 17, {})
    assert _counts(answer) == {"accepted": 1, "created": 1, "rejected": 3}
    assert answer["errors"] == [
        {
            "index": 1,
            "id": "lid-24",
            "pointer": "/items/1/price",
            "code": "invalid_price",
            "detail": "Item 'lid-24' has price 'abc'; send a decimal string such as '12.90'.",
        },
        {
            "index": 2,
            "pointer": "/items/2",
            "code": "invalid_type",
            "detail": 'Item number 2 is no object; send {"id": …, "title": …}.',
        },
        {
            "index": 3,
            "pointer": "/items/3/id",
            "code": "missing_field",
            "detail": "Item number 3 has no id; send the store's own id.",
        },
    ]
    assert api.get("/v1/items/pan-24", key=acorn_key).status_code == 200


def test_a_batch_of_bad_rows_is_refused_with_its_counts(api: ApiClient, acorn_key: str) -> None:
    answer = api.post(
        "/v1/items:batch", json={"items": [{"id": "x" * 257, "title": "X"}]}, key=acorn_key
    )
    problem = assert_problem(answer, 422, "rows_rejected")
    assert (problem["accepted"], problem["rejected"]) == (0, 1)
    assert [error["code"] for error in problem["errors"]] == ["id_too_long"]


def test_an_atomic_batch_with_one_bad_row_writes_nothing(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    before = _clock(acorn)
    answer = api.post(
        "/v1/items:batch",
        json={"items": [PAN, {"id": "lid-24"}], "atomic": True},
        key=acorn_key,
    )
    problem = assert_problem(answer, 422, "rows_rejected")
    assert (problem["accepted"], problem["created"], problem["rejected"]) == (0, 0, 1)
    assert problem["errors"][0]["pointer"] == "/items/1/title"
    assert_problem(api.get("/v1/items/pan-24", key=acorn_key), 404, "not_found")
    assert _clock(acorn) == before


def test_a_batch_has_at_most_1000_rows(api: ApiClient, acorn_key: str) -> None:
    rows = [{"id": f"i{number}", "title": "I"} for number in range(1001)]
    answer = api.post("/v1/items:batch", json={"items": rows}, key=acorn_key)
    assert_problem(answer, 413, "batch_too_large")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "invalid_parameter"),
        ({}, "invalid_parameter"),
        ({"items": {}}, "invalid_parameter"),
        ({"items": [], "op": "upsert"}, "invalid_parameter"),
        ({"items": [], "op": ["merge"]}, "invalid_parameter"),
        ({"items": [], "atomic": "true"}, "invalid_parameter"),
        ({"item": []}, "unknown_field"),
    ],
)
def test_an_envelope_that_cannot_be_read_is_refused(
    api: ApiClient, acorn_key: str, body: Any, code: str
) -> None:
    assert_problem(api.post("/v1/items:batch", json=body, key=acorn_key), 400, code)


def test_rows_of_one_item_apply_in_their_order(api: ApiClient, acorn_key: str) -> None:
    answer = _batch(
        api,
        acorn_key,
        {**PAN, "brand": "Ember"},
        {"id": "pan-24", "title": "Second"},
        {"id": "pan-24", "title": "Last"},
    )
    assert _counts(answer) == {"accepted": 3, "created": 1, "updated": 2}
    item = api.get("/v1/items/pan-24", key=acorn_key).json()
    assert (item["title"], item["brand"]) == ("Last", "Ember")


def test_an_older_row_is_stale_on_every_way_in(api: ApiClient, acorn_key: str) -> None:
    old, new = "2024-05-01T10:00:00Z", "2024-05-02T10:00:00Z"
    api.put("/v1/items/pan-24", json={**PAN, "source_updated_at": new}, key=acorn_key)
    late = {"id": "pan-24", "title": "Old", "source_updated_at": old}
    assert _counts(_batch(api, acorn_key, late)) == {"accepted": 1, "stale": 1}
    assert _counts(_batch(api, acorn_key, late, op="replace")) == {"accepted": 1, "stale": 1}
    deletion = {"id": "pan-24", "deleted": True, "source_updated_at": old}
    assert _counts(_batch(api, acorn_key, deletion)) == {"accepted": 1, "stale": 1}
    patched = api.patch(
        "/v1/items/pan-24", json={"title": "Old", "source_updated_at": old}, key=acorn_key
    )
    assert (patched.status_code, patched.json()["title"]) == (200, "Pan 24 cm")


def test_the_clock_moves_with_changes_alone(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    start = _clock(acorn)
    _batch(api, acorn_key, PAN, {"id": "lid-24", "title": "Lid"})
    assert _clock(acorn) == start + 1
    _batch(api, acorn_key, PAN, {"id": "lid-24", "title": "Glass lid"})
    assert _clock(acorn) == start + 2
    _batch(api, acorn_key, PAN)
    # Only the time stamp is newer: kept for later comparisons, nothing for serving to read.
    stamped = {**PAN, "source_updated_at": "2024-05-02T10:00:00Z"}
    assert _counts(_batch(api, acorn_key, stamped)) == {"accepted": 1, "unchanged": 1}
    assert _clock(acorn) == start + 2
    with in_environment(acorn):
        numbers = dict(Item.objects.values_list("item_id", "change_seq"))
        stamp = Item.objects.get(item_id="pan-24").source_updated_at
    assert numbers == {"pan-24": start + 1, "lid-24": start + 2}
    assert stamp == datetime(2024, 5, 2, 10, tzinfo=UTC)


def _named(environment: Environment) -> dict[str, str | None]:
    with in_environment(environment):
        return dict(ItemRef.objects.values_list("ref", "item__item_id"))


def test_ids_and_aliases_name_the_item_and_an_own_id_beats_an_alias(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    with in_environment(acorn):
        ItemRef.objects.create(ref="page-24")
    _batch(api, acorn_key, {**PAN, "aliases": ["page-24", "feed-24"]})
    assert _named(acorn) == {"pan-24": "pan-24", "page-24": "pan-24", "feed-24": "pan-24"}
    _batch(api, acorn_key, {"id": "page-24", "title": "A page of its own"})
    _batch(api, acorn_key, {"id": "pan-24", "aliases": ["page-24", "till-24"]})
    assert _named(acorn) == {
        "pan-24": "pan-24",
        "page-24": "page-24",
        "feed-24": None,
        "till-24": "pan-24",
    }


def test_an_alias_that_names_another_item_is_refused_on_every_way_in(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _batch(api, acorn_key, {**PAN, "aliases": ["page-24"]}, {"id": "lid-24", "title": "Lid"})
    detail = (
        "Item 'lid-24' has alias 'page-24', which names item 'pan-24' already; "
        "take it from that item first, or leave it out."
    )
    for answer in (
        api.patch("/v1/items/lid-24", json={"aliases": ["till", "page-24"]}, key=acorn_key),
        api.put(
            "/v1/items/lid-24", json={"title": "Lid", "aliases": ["till", "page-24"]}, key=acorn_key
        ),
    ):
        assert assert_problem(answer, 422, "invalid_object")["errors"] == [
            {"id": "lid-24", "pointer": "/aliases/1", "code": "alias_taken", "detail": detail}
        ]
    batch = _batch(api, acorn_key, {"id": "lid-24", "aliases": ["pan-24"]}, PAN)
    assert [error["pointer"] for error in batch["errors"]] == ["/items/0/aliases/0"]
    import_file(acorn, "id,title,aliases\nlid-24,Lid,page-24\n")
    assert row_errors(acorn) == [(2, "aliases", "page-24", "alias_taken")]
    assert _named(acorn)["page-24"] == "pan-24"


def test_an_alias_is_free_once_its_item_lets_go_of_it(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _batch(api, acorn_key, {**PAN, "aliases": ["page-24"]})
    moved = _batch(
        api,
        acorn_key,
        {"id": "lid-24", "title": "Lid", "aliases": ["page-24"]},
        {"id": "pan-24", "aliases": []},
        {"id": "lid-24", "title": "Lid", "aliases": ["page-24"]},
    )
    assert (moved["rejected"], moved["updated"], moved["created"]) == (1, 1, 1)
    assert _named(acorn)["page-24"] == "lid-24"


def test_a_deleted_item_lets_go_of_its_names_and_takes_back_those_that_are_free(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    pan = {**PAN, "aliases": ["page-24", "feed-24"]}
    _batch(api, acorn_key, pan, {"id": "pan-24", "deleted": True})
    renamed = {"id": "pan-iron", "title": "Iron pan", "aliases": ["pan-24", "page-24"]}
    assert _counts(_batch(api, acorn_key, renamed)) == {"accepted": 1, "created": 1}
    named = _named(acorn)
    assert (named["pan-24"], named["page-24"], named["feed-24"]) == ("pan-iron",) * 2 + ("pan-24",)
    back = api.post("/v1/items:batch", json={"items": [pan]}, key=acorn_key)
    assert_problem(back, 422, "rows_rejected")
    _batch(api, acorn_key, {"id": "pan-iron", "aliases": ["pan-24"]}, pan)
    named = _named(acorn)
    assert (named["pan-24"], named["page-24"], named["feed-24"]) == ("pan-24",) * 3


def test_a_price_without_a_currency_is_in_the_stores_own(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(currency="CHF")
    forget_credentials()
    _batch(
        api,
        acorn_key,
        {"id": "a", "title": "A", "price": 1},
        {"id": "b", "title": "B"},
        {"id": "c", "title": "C", "price": 1, "currency": "EUR"},
    )
    _batch(api, acorn_key, {"id": "b", "list_price": 2}, {"id": "c", "price": 3})
    items = api.get("/v1/items", key=acorn_key).json()["data"]
    assert [item["currency"] for item in items] == ["CHF", "CHF", "EUR"]


def test_an_availability_window_has_to_open_before_it_closes(
    api: ApiClient, acorn_key: str
) -> None:
    window = {
        "available_from": "2026-06-02T00:00:00Z",
        "available_until": "2026-06-02T02:00:00+02:00",
    }
    answer = api.put("/v1/items/pan-24", json={**PAN, **window}, key=acorn_key)
    problem = assert_problem(answer, 422, "invalid_object")
    assert problem["errors"][0]["pointer"] == "/available_until"
    assert problem["errors"][0]["code"] == "conflicting_fields"
    opening = {**PAN, "available_from": window["available_from"]}
    api.put("/v1/items/pan-24", json=opening, key=acorn_key)
    early = {"available_until": window["available_until"]}
    assert_problem(api.patch("/v1/items/pan-24", json=early, key=acorn_key), 422, "invalid_object")
    cleared = {**early, "available_from": None}
    assert api.patch("/v1/items/pan-24", json=cleared, key=acorn_key).status_code == 200


def test_the_list_has_every_item_once_in_a_stable_order(api: ApiClient, acorn_key: str) -> None:
    _batch(api, acorn_key, *({"id": f"i{number}", "title": "I"} for number in range(5)))
    first = api.get("/v1/items?limit=3", key=acorn_key).json()
    assert [item["id"] for item in first["data"]] == ["i0", "i1", "i2"]
    assert first["has_more"] is True
    last = api.get(f"/v1/items?limit=3&cursor={first['next_cursor']}", key=acorn_key).json()
    assert [item["id"] for item in last["data"]] == ["i3", "i4"]
    assert (last["has_more"], last["next_cursor"]) == (False, None)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "cursor=%00", "cursor=abc", "colour=red"]
)
def test_a_bad_page_is_refused(api: ApiClient, acorn_key: str, query: str) -> None:
    assert_problem(api.get(f"/v1/items?{query}", key=acorn_key), 400, "invalid_parameter")


def test_a_batch_takes_the_same_few_statements_whatever_its_size(
    api: ApiClient, acorn_key: str
) -> None:
    _batch(api, acorn_key, PAN)
    for rows in (1, 200):
        items = [{"id": f"n{rows}-{number}", "title": "N"} for number in range(rows)]
        with tenant_statements() as statements:
            _batch(api, acorn_key, *items)
        # Types of attributes, lock the clock, read, write items, claim refs, move the clock.
        assert len(statements) == 6, statements


def test_a_page_takes_one_statement(api: ApiClient, acorn_key: str) -> None:
    with tenant_statements() as statements:
        api.get("/v1/items", key=acorn_key)
    assert len(statements) == 1, statements
