"""The pages of placements: what calls for a place on the store's pages take as defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from billing.metering.record import tag_of
from billing.models.usage import UsageDetail, UsageLabel
from tenants.context import in_environment, on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.selectors.settings import settings
from tenants.services.change_settings import change_settings
from tests.people import visitor
from tests.saas.portal.deeds import questions

PAGE = "/settings/live/placements/"
HOME = {
    "limit": 12,
    "exclude_purchased": False,
    "filter": {"in": ["categories", "Home > Küche"]},
    "boost": [
        {"filter": {"==": ["brand", "Acorn"]}, "factor": 1.5},
        {"filter": {">": ["price", 50]}, "factor": 0.5},
    ],
    "diversity": 0.3,
    "max_per_brand": 2,
    "max_per_category": 3,
    "collapse": "none",
    "include": ["product"],
}
IN_WORDS = (
    "12 items",
    "With purchased items",
    "Diversity 0.3",
    "At most 2 of a brand",
    "At most 3 of a category",
    "All variants",
    "With product data",
    "Filter {&quot;in&quot;: [&quot;categories&quot;, &quot;Home &gt; Küche&quot;]}",
    "2 boosts",
)
ATTACK = '"><script>alert(1)</script>'


@pytest.fixture
def client(acorn: Environment) -> Client:
    return visitor(acorn.tenant, "admin")


def page_of(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def one(name: str) -> str:
    return f"{PAGE}one/?placement={quote(name, safe='')}"


def post(client: Client, path: str, **form: Any) -> str:
    return client.post(path, form, follow=True).content.decode()


def stored(environment: Environment) -> dict[str, Any]:
    placements: dict[str, Any] = settings(environment_id=environment.pk)["placements"]
    return placements


def store(environment: Environment, **placements: dict[str, Any]) -> None:
    with in_environment(environment):
        change_settings(environment=environment, changes={"placements": placements}, actor="system")


def have_called(environment: Environment, name: str, *, calls: int, days_ago: int = 1) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
    with on_platform():
        UsageLabel.objects.get_or_create(environment_id=environment.pk, tag=tag_of(name), name=name)
        UsageDetail.objects.create(
            environment_id=environment.pk,
            hour=hour,
            key_tag=1,
            placement_tag=tag_of(name),
            calls=calls,
            units=calls,
        )


def test_a_store_without_placements_is_told_what_to_do(client: Client) -> None:
    page = page_of(client)

    assert "No placement yet" in page
    assert "&quot;placement&quot;:&quot;home&quot;" in page
    assert "sk_live_YOUR_KEY" in page


def test_a_new_placement_is_kept_shown_and_audited(client: Client, acorn: Environment) -> None:
    page = post(client, PAGE, name="home", limit="4", exclude_purchased="True", filter=" ")

    assert "Saved; calls for &#x27;home&#x27; take these defaults from now on." in page
    assert "<li>4 items</li><li>Without purchased items</li>" in page
    assert stored(acorn) == {"home": {"limit": 4, "exclude_purchased": True}}
    with on_platform():
        deed = AuditEvent.objects.filter(tenant=acorn.tenant).latest("pk")
    assert (deed.action, deed.before) == ("settings_changed", {"placements": {}})
    assert deed.after == {"placements": stored(acorn)}
    assert "No placement yet" in page_of(client, "/settings/test/placements/")


def test_each_default_is_said_in_words_and_comes_back_from_its_form(
    client: Client, acorn: Environment
) -> None:
    store(acorn, home=HOME, cart={})
    page = page_of(client)
    assert all(f"<li>{each}</li>" in page for each in IN_WORDS)
    assert "None yet" in page

    form = client.get(one("home")).context["form"]
    shown = {field.name: field.value() for field in form if field.value() is not None}
    store(acorn, home={"limit": 1})
    post(client, one("home"), **shown)

    assert stored(acorn) == {"home": HOME, "cart": {}}


def test_an_emptied_field_is_no_default_any_more(client: Client, acorn: Environment) -> None:
    store(acorn, home=HOME, cart={"limit": 3})

    post(client, one("home"), diversity="0")

    assert stored(acorn) == {"home": {"diversity": 0.0}, "cart": {"limit": 3}}


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("filter", "price < 5", "The text is not JSON: "),
        ("filter", '{"in": ["colour", "red"]}', "&#x27;colour&#x27; is no field"),
        ("filter", "[1]", "&#x27;filter&#x27; has "),
        (
            "boost",
            '[{"filter": {"<": ["price", 5]}, "factor": 20}]',
            "&#x27;boost&#x27; has the value 20; send",
        ),
        ("boost", '[{"filter": {"near": []}, "factor": 2}]', "&#x27;near&#x27; is no operator"),
        ("limit", "101", "less than or equal to 100"),
        ("diversity", "NaN", "Enter a number"),
        ("collapse", "some", "Select a valid choice"),
        ("name", "x" * 101, "at most 100 characters"),
    ],
)
def test_a_wrong_default_is_refused_beside_its_field(
    client: Client, acorn: Environment, field: str, text: str, sentence: str
) -> None:
    answer = client.post(PAGE, {"name": "home", field: text})

    form = answer.context["form"]
    assert list(form.errors) == [field]
    assert form[field].value() == text
    page = answer.content.decode()
    assert sentence in page[page.index(f'id="id_{field}_error"') :]
    assert stored(acorn) == {}


def test_a_name_that_has_defaults_keeps_them(client: Client, acorn: Environment) -> None:
    store(acorn, home=HOME)

    page = post(client, PAGE, name="home", limit="3")

    assert "&#x27;home&#x27; has defaults already" in page
    assert stored(acorn) == {"home": HOME}


def test_more_placements_than_may_be_are_refused(client: Client, acorn: Environment) -> None:
    store(acorn, **{f"place-{number}": {} for number in range(50)})

    assert "50 are allowed" in post(client, PAGE, name="one more")
    assert len(stored(acorn)) == 50


def test_names_of_calls_are_listed_with_their_calls_of_thirty_days(
    client: Client, acorn: Environment
) -> None:
    store(acorn, home={"limit": 4})
    have_called(acorn, "home", calls=1_200)
    have_called(acorn, "home", calls=34, days_ago=2)
    have_called(acorn, "cart", calls=7)
    have_called(acorn, "search", calls=9)
    have_called(acorn, "gone", calls=8, days_ago=31)

    answer = client.get(PAGE)

    rows = [(row.name, row.calls, row.is_stored) for row in answer.context["rows"]]
    assert rows == [("home", 1_234, True), ("search", 9, False), ("cart", 7, False)]
    assert "1,234" in answer.content.decode()
    assert "Remove the defaults" not in page_of(client, one("cart"))
    post(client, one("cart"), limit="3")
    assert stored(acorn) == {"home": {"limit": 4}, "cart": {"limit": 3}}


def test_any_name_leads_to_its_page_and_runs_nowhere(client: Client, acorn: Environment) -> None:
    name = f"a/b?c=&d#{ATTACK} %41~é"
    have_called(acorn, name, calls=1)

    post(client, one(name), limit="2")

    assert stored(acorn) == {name: {"limit": 2}}
    for page in (page_of(client), page_of(client, one(name))):
        assert "<script>alert" not in page
    assert f'href="{one(name)}"' in page_of(client)


def test_removed_defaults_are_gone(client: Client, acorn: Environment) -> None:
    store(acorn, home=HOME, cart={"limit": 3})

    assert "Calls for &#x27;home&#x27; have no defaults any more." in post(
        client, f"{PAGE}remove/", placement="home"
    )
    assert stored(acorn) == {"cart": {"limit": 3}}
    assert client.post(f"{PAGE}remove/", {"placement": "home"}).status_code == 404
    assert client.get(f"{PAGE}remove/").status_code == 405


def test_what_nobody_names_and_another_stores_placement_are_not_there(
    client: Client, acorn: Environment, birch: Environment
) -> None:
    store(birch, shoes={"limit": 3})
    have_called(birch, "boots", calls=3)

    for name in ("shoes", "boots", "", "a\0b"):
        assert client.get(one(name)).status_code == 404, name
        assert client.post(one(name), {"limit": "2"}).status_code == 404, name
    assert client.post(f"{PAGE}remove/", {"placement": "shoes"}).status_code == 404
    assert (stored(acorn), stored(birch)) == ({}, {"shoes": {"limit": 3}})


def test_more_placements_cost_no_more_queries(client: Client, acorn: Environment) -> None:
    page_of(client)
    with questions() as few:
        page_of(client)
    store(acorn, home=HOME, cart=HOME, product=HOME)
    have_called(acorn, "home", calls=1)
    have_called(acorn, "search", calls=1)

    with questions() as many:
        page_of(client)

    assert len(many) == len(few) == 6, "\n".join(many)
