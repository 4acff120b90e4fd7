"""The calls that Explore makes, as a store would make them, and what it shows of their answers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson
from django import forms
from django.http import QueryDict

from api.inference.placements import Placements, with_defaults
from saas.lib.config import config
from saas.portal.json_field import JsonField
from saas.portal.previews import Given

MAX_ID: Final = 256
_SUBJECTS: Final = ("user_id", "anonymous_id", "item_id")
TITLES: Final = {
    "for-user": "For this shopper",
    "popular": "What is popular",
    "similar": "Similar items",
    "bought-together": "Bought together",
}


class Options(forms.Form):
    """What a store may add to a call; what is left empty is left out of it."""

    placement = forms.ChoiceField(
        label="Placement",
        required=False,
        help_text="Its defaults hold for what stays empty here.",
    )
    limit = forms.IntegerField(label="Items", min_value=1, max_value=50, required=False)
    exclude_purchased = forms.TypedChoiceField(
        label="Purchased items",
        choices=[("", "As usual"), ("true", "Leave out"), ("false", "Keep")],
        coerce=lambda text: text == "true",
        empty_value=None,
        required=False,
    )
    diversity = forms.FloatField(
        label="Diversity, 0 to 1", min_value=0, max_value=1, required=False
    )
    max_per_brand = forms.IntegerField(
        label="Most of a brand", min_value=1, max_value=100, required=False
    )
    filter = JsonField(
        label="Filter",
        rows=2,
        help_text='Such as {"in": ["categories", "Home"]} or {"<": ["price", 50]}.',
    )

    def __init__(self, query: QueryDict, *, placements: Iterable[str]) -> None:
        super().__init__(query)
        names = sorted(placements)
        if names:
            self.fields["placement"].choices = [("", "None"), *zip(names, names, strict=True)]  # type: ignore[attr-defined]
        else:
            del self.fields["placement"]

    @property
    def members(self) -> dict[str, Any]:
        """Return what the calls have beside their subject."""
        given = self.cleaned_data if self.is_valid() else {}
        chosen = {name: value for name, value in given.items() if value not in (None, "")}
        return chosen if "placement" in chosen else {"limit": 10} | chosen


@dataclass(frozen=True, slots=True)
class Call:
    """A recommendation call."""

    type: str
    body: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where it goes."""
        return f"/v1/recommend/{self.type}"

    def question(self, meant: str) -> dict[str, Any]:
        """Return what asks why an item stands where it stands in the call's answer."""
        question = {**self.body, "type": self.type}
        if self.type == "similar":
            question["similar_to"] = question["item_id"]
        return {**question, "item_id": meant}

    def curl(self, *, key: str) -> str:
        """Return the call as a command line, with a placeholder in the place of the key."""
        lines = (
            f"curl -s {shlex.quote(config().api_url + self.path)}",
            f"-H {shlex.quote(f'Authorization: Bearer {key}')}",
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(orjson.dumps(self.body).decode())}",
        )
        return " \\\n  ".join(lines)


def call_of(type_: str, subject: Mapping[str, str], members: Mapping[str, Any]) -> Call:
    """Return the call of a type about a shopper or an item."""
    own: Mapping[str, Any]
    if type_ == "popular":
        own = {}
    elif type_ == "bought-together":
        own = {"item_ids": [subject["item_id"]]}
    else:
        own = subject
    if type_ != "for-user":
        members = {name: it for name, it in members.items() if name != "exclude_purchased"}
    return Call(type_, {**own, **members, "include": ["product"]})


def is_about(type_: str, subject: Mapping[str, str]) -> bool:
    """Say whether a call of the type can be made about the subject."""
    if type_ == "popular":
        return True
    if type_ == "for-user":
        return "user_id" in subject or "anonymous_id" in subject
    return "item_id" in subject


def subject_of(query: QueryDict) -> dict[str, str]:
    """Return the shopper or the item that a page is about; PostgreSQL takes no NUL."""
    named = {name: query.get(name, "").replace("\x00", "")[:MAX_ID] for name in _SUBJECTS}
    return {name: id_ for name, id_ in named.items() if id_}


@dataclass(frozen=True, slots=True)
class Pick:
    """A recommended item as a page shows it; links and pictures only where they are safe."""

    id: str
    rank: int
    title: str
    brand: str | None
    price: str | None
    link: str | None
    picture: str | None
    reason: str
    score: float
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A call with what came back."""

    call: Call
    given: Given
    picks: list[Pick]
    rules: list[str]
    curl: str

    @property
    def title(self) -> str:
        """Name what was asked for."""
        return TITLES[self.call.type]


def shelf_of(
    call: Call, given: Given, *, query: Mapping[str, Any], kind: str, placements: Placements
) -> Shelf:
    """Return an answer as a page shows it; `query` leads back to the call."""
    items = given.body["items"] if given.is_answer else []
    return Shelf(
        call=call,
        given=given,
        picks=[_pick(each, {**query, "type": call.type, "meant": each["id"]}) for each in items],
        rules=_rules(call.type, with_defaults(dict(call.body), placements)),
        curl=call.curl(key=f"sk_{kind}_YOUR_KEY"),
    )


def safe_link(url: str | None, *, schemes: tuple[str, ...] = ("https", "http")) -> str | None:
    """Return a store's URL where a page may lead there.

    >>> safe_link("javascript:alert(1)"), safe_link("https://shop.example/1")
    (None, 'https://shop.example/1')
    """
    try:
        return url if url and urlsplit(url).scheme in schemes else None
    except ValueError:
        return None


def safe_picture(url: str | None) -> str | None:
    """Return a picture's URL where the page's policy lets it load."""
    return safe_link(url, schemes=("https",))


def _pick(item: Mapping[str, Any], query: Mapping[str, Any]) -> Pick:
    product = item.get("product") or {}
    price = product.get("price")
    return Pick(
        id=item["id"],
        rank=item["rank"],
        title=product.get("title") or item["id"],
        brand=product.get("brand"),
        price=f"{price} {product.get('currency') or ''}".strip() if price else None,
        link=safe_link(product.get("url")),
        picture=safe_picture(product.get("image_url")),
        reason=item["reason"]["text"],
        score=item["score"],
        source=item["source"],
        why=urlencode(query),
    )


def _rules(type_: str, members: Mapping[str, Any]) -> list[str]:
    """Say what an item must meet to stand in the answer."""
    rules = ["In stock, available now and recommendable"]
    if members.get("collapse") != "none":
        rules.append("One variant of each group")
    if type_ == "for-user":
        keeps = members.get("exclude_purchased") is False
        rules.append("Purchased items may come again" if keeps else "Not purchased before")
    if type_ in ("similar", "bought-together"):
        rules.append("Neither the item itself nor a variant of it")
    if "filter" in members:
        rules.append(f"Meets the filter {orjson.dumps(members['filter']).decode()}")
    if "max_per_brand" in members:
        rules.append(f"At most {members['max_per_brand']} of a brand")
    if "max_per_category" in members:
        rules.append(f"At most {members['max_per_category']} of a category")
    if members.get("diversity"):
        rules.append(f"Items that differ, by {members['diversity']} of 1")
    return rules
