"""The catalogue's pages: found by text and by what is amiss, one item, and what is described."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from engine.selectors import found_items
from engine.selectors.catalogue_state import CatalogueState
from engine.services.write_items import write_items
from saas.portal.pages import catalogue
from tenants.context import in_environment
from tenants.models.environment import Environment
from tenants.models.person import Member
from tests.engine.model_versions import add_version
from tests.engine.privacy import take_in
from tests.engine.statements import tenant_statements
from tests.people import visitor

ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def owner(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


def stock(environment: Environment, *items: dict[str, Any]) -> None:
    with in_environment(environment):
        write_items(environment=environment, rows=[{"title": "Lamp", **each} for each in items])


def shown(client: Client, query: str = "", *, path: str = "/live/catalogue/") -> str:
    answer = client.get(f"{path}{query}")
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_an_empty_catalogue_says_what_to_send(owner: Client) -> None:
    assert "POST /v1/items:batch" in shown(owner)
    assert "POST /v1/items:batch" in shown(owner, path="/live/catalogue/completeness/")


def test_items_are_found_by_title_id_alias_and_group(owner: Client, acorn: Environment) -> None:
    stock(
        acorn,
        {"id": "lamp-1", "title": "Brass lamp", "aliases": ["ean-9"], "group_id": "lamps"},
        {"id": "vase-1", "title": "Vase 50% off"},
    )
    for text in ("BRASS", "mp-1", "ean-9", "lamps"):
        page = shown(owner, f"?q={text}")
        assert "lamp-1" in page
        assert "vase-1" not in page
    # What LIKE would take for a pattern is a text.
    assert "lamp-1" not in shown(owner, "?q=50%25")
    assert "No item&#x27;s title or id holds &#x27;ean-&#x27;" in shown(owner, "?q=ean-")


def test_each_view_keeps_what_it_is_named_after(owner: Client, acorn: Environment) -> None:
    stock(
        acorn,
        {"id": "gone", "in_stock": False},
        {"id": "hidden", "recommendable": False},
        {"id": "later", "available_from": "2199-01-01T00:00:00Z"},
        {"id": "past", "available_until": "2020-01-01T00:00:00Z"},
        {"id": "shown"},
    )
    kept = {
        view: [
            name
            for name in ("gone", "hidden", "later", "past", "shown")
            if f"id={name}" in shown(owner, f"?view={view}")
        ]
        for view in ("out-of-stock", "withheld", "new")
    }
    assert kept == {
        "out-of-stock": ["gone"],
        "withheld": ["hidden", "later", "past"],
        "new": ["gone", "hidden", "later", "past", "shown"],
    }
    assert owner.get("/live/catalogue/?view=odd").status_code == 404


def test_never_recommended_is_what_no_kept_event_answers_a_recommendation_about(
    owner: Client, acorn: Environment
) -> None:
    stock(acorn, {"id": "seen", "aliases": ["ean"]}, {"id": "viewed"}, {"id": "unknown"})
    take_in(acorn, {"type": "view", "user_id": "ada", "item_id": "viewed"})
    assert "None of the newest events says" in shown(owner, "?view=never-recommended")
    impression = {"type": "impression", "user_id": "ada", "item_id": "ean"}
    take_in(acorn, {**impression, "recommendation_id": "01JDAAAA"})
    metrics = {"coverage@10": {"value": 0.5, "low": 0.4, "high": 0.6}}
    version = add_version(acorn, day=20, metrics=metrics)
    Environment.objects.filter(pk=acorn.pk).update(live_version=version)
    page = shown(owner, "?view=never-recommended")
    assert "put 50.0 % of the catalogue" in page
    assert "id=viewed" in page
    assert "id=unknown" in page
    assert "id=seen" not in page


def test_a_page_looks_at_a_bounded_part_and_the_next_goes_on(
    owner: Client, acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(acorn, *({"id": f"i{number}", "in_stock": number != 5} for number in range(6)))
    monkeypatch.setattr(found_items, "PAGE", 2)
    first = shown(owner)
    assert "after=i1" in first
    assert "id=i2" not in first
    assert "id=i2" in shown(owner, "?after=i1")
    monkeypatch.setattr(found_items, "MOST_WALKED", 3)
    waiting = shown(owner, "?view=out-of-stock")
    assert "3 items were looked at, up to <code>i2</code>" in waiting
    assert "id=i5" in shown(owner, "?view=out-of-stock&after=i2")


def test_counts_of_a_part_are_shown_as_shares(
    owner: Client, acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(acorn, {"id": "a", "in_stock": False}, {"id": "b"})
    assert "in the catalogue now" in shown(owner)
    part = CatalogueState(items=200, is_sample=True, out_of_stock=5, withheld=0, new=1)
    monkeypatch.setattr(catalogue, "catalogue_state", lambda: part)
    page = shown(owner)
    assert "spread over the catalogue" in page
    assert '<span class="figure">2.5 %</span>' in page


def test_one_item_is_shown_with_what_shoppers_did_and_its_variants(
    owner: Client, acorn: Environment
) -> None:
    stock(
        acorn,
        {
            "id": "a/b?c",
            "title": "Brass lamp",
            "aliases": ["ean-9"],
            "group_id": "lamps",
            "attributes": {"colour": "gold", "sizes": [1, 2], "is_new": True},
            "in_stock": False,
            "url": "https://acorn.example/a",
        },
        {"id": "other", "group_id": "lamps"},
    )
    view = {"type": "view", "user_id": "ada", "ts": "2026-01-05T11:00:00Z"}
    take_in(acorn, {**view, "item_id": "ean-9"}, {**view, "item_id": "a/b?c"})
    page = shown(owner, "?id=a%2Fb%3Fc", path="/live/catalogue/item/")
    for text in (
        "Brass lamp",
        "ean-9",
        "gold",
        "1, 2",
        "<dd>yes</dd>",
        "id=other",
        "it is out of stock",
        "5 January 2026",
    ):
        assert text in page
    assert '<td class="number">2</td><td class="number">2</td><td class="number">0</td>' in page
    by_alias = owner.get("/live/catalogue/item/?id=ean-9")
    assert by_alias.headers["Location"] == "/live/catalogue/item/?id=a%2Fb%3Fc"


def test_an_item_of_nobody_or_of_another_store_is_not_there(
    owner: Client, birch: Environment
) -> None:
    stock(birch, {"id": "shoe"})
    answer = owner.get("/live/catalogue/item/?id=shoe")
    assert answer.status_code == 404
    assert "no item &#x27;shoe&#x27;" in answer.content.decode()
    assert owner.get("/live/catalogue/item/?id=%00").status_code == 404


def test_completeness_is_a_figure_with_its_table_and_what_to_do(
    owner: Client, acorn: Environment
) -> None:
    stock(acorn, {"id": "a", "brand": "Acorn", "attributes": {"colour": "red"}}, {"id": "b"})
    page = shown(owner, path="/live/catalogue/completeness/")
    assert '<th scope="row">brand</th><td class="number" data-value="50.0">50.0</td>' in page
    assert '<th scope="row">colour</th><td class="number" data-value=""></td>' in page
    assert "These items have no brand" in page


def test_what_a_store_sends_is_shown_and_never_run(owner: Client, acorn: Environment) -> None:
    stock(
        acorn,
        {
            "id": ATTACK,
            "title": f'"{ATTACK}',
            "brand": ATTACK,
            "description": ATTACK,
            "categories": [ATTACK],
            "aliases": [f"'{ATTACK}"],
            "group_id": ATTACK,
            "attributes": {ATTACK: ATTACK},
            "image_url": 'https://a.example/"onerror="alert(1).jpg',
        },
    )
    quoted = "%3Cscript%3Ealert%281%29%3C%2Fscript%3E"
    for page in (
        shown(owner),
        shown(owner, f"?q={quoted}"),
        shown(owner, path="/live/catalogue/completeness/"),
        shown(owner, f"?id={quoted}", path="/live/catalogue/item/"),
    ):
        assert ATTACK not in page
        assert '"onerror="' not in page
    assert owner.get(f"/live/catalogue/?view={quoted}").status_code == 404


def test_roles_without_the_right_are_told_so(acorn: Environment) -> None:
    finance = visitor(acorn.tenant, Member.Role.FINANCE)
    assert finance.get("/live/catalogue/").status_code == 403
    assert visitor(acorn.tenant, Member.Role.ANALYST).get("/live/catalogue/").status_code == 200


def test_a_page_asks_the_store_few_things(owner: Client, acorn: Environment) -> None:
    stock(acorn, *({"id": f"i{number}"} for number in range(30)))
    asked = {}
    for path in ("catalogue/", "catalogue/completeness/", "catalogue/item/?id=i7"):
        with tenant_statements() as statements:
            assert owner.get(f"/live/{path}").status_code == 200
        asked[path] = len(statements)
    assert asked == {"catalogue/": 3, "catalogue/completeness/": 6, "catalogue/item/?id=i7": 3}
