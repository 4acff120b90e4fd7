"""/v1/attributes: what a declaration does to items, to models and to who may see it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.services import declare_attribute
from tenants.context import on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import CatalogueClock, Environment
from tests.api.conftest import ApiClient, assert_problem
from tests.engine.importing import counts, import_file, row_errors

PAN = {
    "id": "pan-24",
    "title": "Pan",
    "attributes": {"colour": "red", "width": 24, "oven": True, "fits": ["gas"]},
}


def _put_items(api: ApiClient, key: str, *items: dict[str, Any], op: str = "merge") -> Any:
    answer = api.post("/v1/items:batch", json={"items": list(items), "op": op}, key=key)
    assert answer.status_code == 200, answer.content
    return answer.json()


def _declare(api: ApiClient, key: str, name: str, **members: Any) -> dict[str, Any]:
    answer = api.put(f"/v1/attributes/{name}", json=members, key=key)
    assert answer.status_code in {200, 201}, answer.content
    declared: dict[str, Any] = answer.json()
    return declared


def _attributes_of(api: ApiClient, key: str, item_id: str) -> Any:
    return api.get(f"/v1/items/{item_id}", key=key).json()["attributes"]


def _clock(environment: Environment) -> tuple[int, int]:
    with on_platform():
        clock = CatalogueClock.objects.get(environment=environment)
    return clock.change_seq, clock.shown_seq


def test_attributes_that_items_have_are_listed_with_their_types(
    api: ApiClient, acorn_key: str
) -> None:
    _put_items(api, acorn_key, PAN, {"id": "lid", "title": "Lid", "attributes": {"width": "wide"}})
    _put_items(api, acorn_key, {"id": "pot", "title": "Pot", "attributes": {"width": 28}})
    listed = api.get("/v1/attributes", key=acorn_key).json()
    assert [(each["name"], each["type"]) for each in listed["data"]] == [
        ("colour", "string"),
        ("fits", "list"),
        ("oven", "boolean"),
        ("width", "number"),
    ]
    assert listed["data"][0] == {
        "name": "colour",
        "type": "string",
        "filterable": True,
        "learn": True,
        "public": False,
        "is_declared": False,
    }


def test_the_list_has_pages(api: ApiClient, acorn_key: str) -> None:
    _put_items(api, acorn_key, PAN)
    first = api.get("/v1/attributes?limit=3", key=acorn_key).json()
    rest = api.get(f"/v1/attributes?cursor={first['next_cursor']}", key=acorn_key).json()
    names = [each["name"] for each in (*first["data"], *rest["data"])]
    assert (names, rest["has_more"]) == (["colour", "fits", "oven", "width"], False)


def test_the_attributes_of_deleted_items_are_not_listed(api: ApiClient, acorn_key: str) -> None:
    _put_items(api, acorn_key, PAN, {"id": "pan-24", "deleted": True})
    assert api.get("/v1/attributes", key=acorn_key).json()["data"] == []


def test_a_first_declaration_takes_the_type_of_the_values(api: ApiClient, acorn_key: str) -> None:
    _put_items(api, acorn_key, PAN)
    answer = api.put("/v1/attributes/width", json={"public": True}, key=acorn_key)
    assert answer.status_code == 201
    assert answer.json() == {
        "name": "width",
        "type": "number",
        "filterable": True,
        "learn": True,
        "public": True,
        "is_declared": True,
    }
    assert api.get("/v1/attributes/width", key=acorn_key).json() == answer.json()


def test_a_later_declaration_changes_what_it_names(api: ApiClient, acorn_key: str) -> None:
    _declare(api, acorn_key, "width", type="number", filterable=False)
    again = api.put("/v1/attributes/width", json={"learn": False}, key=acorn_key)
    assert again.status_code == 200
    assert (again.json()["type"], again.json()["filterable"]) == ("number", False)
    assert again.json()["learn"] is False


def test_an_attribute_that_no_item_has_needs_a_type(api: ApiClient, acorn_key: str) -> None:
    answer = api.put("/v1/attributes/width", json={}, key=acorn_key)
    problem = assert_problem(answer, 400, "invalid_parameter")
    assert problem["errors"][0]["pointer"] == "/type"


def test_an_unknown_attribute_is_answered_with_the_nearest(api: ApiClient, acorn_key: str) -> None:
    _put_items(api, acorn_key, PAN)
    _declare(api, acorn_key, "material", type="string")
    for name, meant in (("color", "colour"), ("materiel", "material")):
        problem = assert_problem(api.get(f"/v1/attributes/{name}", key=acorn_key), 404, "not_found")
        assert f"did you mean '{meant}'?" in problem["detail"]
    assert_problem(api.delete("/v1/attributes/width", key=acorn_key), 404, "not_found")


@pytest.mark.parametrize(
    ("members", "code", "pointer"),
    [
        ({"type": "text"}, "invalid_parameter", "/type"),
        ({"type": None}, "invalid_parameter", "/type"),
        ({"type": "string", "public": "yes"}, "invalid_parameter", "/public"),
        ({"type": "string", "learn": 1}, "invalid_parameter", "/learn"),
        ({"type": "string", "filter": True}, "unknown_field", "/filter"),
    ],
)
def test_a_bad_declaration_is_refused(
    api: ApiClient, acorn_key: str, members: dict[str, Any], code: str, pointer: str
) -> None:
    answer = api.put("/v1/attributes/width", json=members, key=acorn_key)
    problem = assert_problem(answer, 400, code)
    assert problem["errors"][0]["pointer"] == pointer
    assert_problem(api.get("/v1/attributes/width", key=acorn_key), 404, "not_found")


def test_a_mistaken_member_is_told_the_nearest(api: ApiClient, acorn_key: str) -> None:
    answer = api.put("/v1/attributes/width", json={"filtrable": True}, key=acorn_key)
    assert "filterable" in assert_problem(answer, 400, "unknown_field")["detail"]


def test_a_name_has_as_many_characters_as_in_items(api: ApiClient, acorn_key: str) -> None:
    assert _declare(api, acorn_key, "x" * 128, type="string")["name"] == "x" * 128
    answer = api.put(f"/v1/attributes/{'x' * 129}", json={"type": "string"}, key=acorn_key)
    assert_problem(answer, 400, "invalid_parameter")


def test_there_is_an_end_to_declarations_and_a_way_out(
    api: ApiClient, acorn_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declare_attribute, "MAX_DECLARED", 1)
    _declare(api, acorn_key, "colour", type="string")
    _declare(api, acorn_key, "colour", type="list")
    refused = api.put("/v1/attributes/width", json={"type": "number"}, key=acorn_key)
    assert "DELETE" in assert_problem(refused, 409, "conflict")["detail"]
    assert api.delete("/v1/attributes/colour", key=acorn_key).status_code == 204
    _declare(api, acorn_key, "width", type="number")


def test_a_withdrawn_attribute_is_what_its_values_are(api: ApiClient, acorn_key: str) -> None:
    _put_items(api, acorn_key, PAN)
    _declare(api, acorn_key, "width", type="string", public=True)
    assert api.delete("/v1/attributes/width", key=acorn_key).status_code == 204
    state = api.get("/v1/attributes/width", key=acorn_key).json()
    assert (state["type"], state["public"], state["is_declared"]) == ("number", False, False)


def test_a_value_of_another_type_is_refused_on_every_way_in(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    _put_items(api, acorn_key, {"id": "pan-24", "title": "Pan"})
    _declare(api, acorn_key, "width", type="number")
    bad = {"attributes": {"width": "wide"}}
    detail = (
        "Item 'pan-24' has attribute 'width' 'wide', which is declared a number; send a number "
        "such as 24 or '24.5', or declare it anew with PUT /v1/attributes."
    )
    for answer in (
        api.put("/v1/items/pan-24", json={"title": "Pan", **bad}, key=acorn_key),
        api.patch("/v1/items/pan-24", json=bad, key=acorn_key),
    ):
        assert assert_problem(answer, 422, "invalid_object")["errors"] == [
            {
                "id": "pan-24",
                "pointer": "/attributes/width",
                "code": "attribute_type_mismatch",
                "detail": detail,
            }
        ]
    batch = _put_items(api, acorn_key, {"id": "pan-24", **bad}, {"id": "lid", "title": "Lid"})
    assert (batch["rejected"], batch["accepted"]) == (1, 1)
    assert batch["errors"][0]["pointer"] == "/items/0/attributes/width"
    done = import_file(acorn, "id,title,width\npan-24,Pan,wide\nlid,Lid,24\n")
    assert counts(done) == {"accepted": 1, "updated": 1, "rejected": 1}
    assert row_errors(acorn) == [(2, "width", "wide", "attribute_type_mismatch")]
    assert _attributes_of(api, acorn_key, "lid") == {"width": 24}


def test_what_is_stored_already_stays(api: ApiClient, acorn_key: str) -> None:
    _put_items(api, acorn_key, {**PAN, "attributes": {"width": "wide"}})
    _declare(api, acorn_key, "width", type="number")
    _put_items(api, acorn_key, {"id": "pan-24", "title": "Iron pan"})
    assert _attributes_of(api, acorn_key, "pan-24") == {"width": "wide"}


def test_null_takes_a_declared_attribute_away(api: ApiClient, acorn_key: str) -> None:
    _put_items(api, acorn_key, PAN)
    _declare(api, acorn_key, "width", type="number")
    _put_items(api, acorn_key, {"id": "pan-24", "attributes": {"width": None}})
    assert "width" not in _attributes_of(api, acorn_key, "pan-24")


def test_only_what_answers_show_moves_the_clocks(
    api: ApiClient, acorn: Environment, acorn_key: str
) -> None:
    written, shown = _clock(acorn)
    _declare(api, acorn_key, "width", type="number")
    assert _clock(acorn) == (written, shown)
    _declare(api, acorn_key, "width", public=True)
    assert _clock(acorn) == (written + 1, written + 1)
    _declare(api, acorn_key, "width", public=True)
    _put_items(api, acorn_key, PAN)
    assert _clock(acorn) == (written + 2, written + 1)
    api.delete("/v1/attributes/width", key=acorn_key)
    assert _clock(acorn) == (written + 3, written + 3)


def test_declarations_are_audited(api: ApiClient, acorn: Environment, acorn_key: str) -> None:
    _declare(api, acorn_key, "width", type="number", public=True)
    _declare(api, acorn_key, "width", public=True)
    api.delete("/v1/attributes/width", key=acorn_key)
    with on_platform():
        rows = AuditEvent.objects.filter(tenant=acorn.tenant, object="attribute:width")
        assert list(rows.order_by("pk").values_list("action", flat=True)) == [
            "attribute_declared",
            "attribute_withdrawn",
        ]
        assert rows.order_by("pk")[0].after["public"] is True
