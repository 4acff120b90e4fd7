"""Real calls as each kind of user: a line for each, and whether all of them held."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from saas.demo.client import Answer, Browser, call
from saas.demo.totp import PERIOD_SECONDS, code_of

# The contract's promises: an event within 1 s, a change of stock within 2 s, usage within 5 s.
EVENT_SECONDS = 1.0
STOCK_SECONDS = 2.0
USAGE_SECONDS = 5.0


class CheckFailedError(Exception):
    """A promise that did not hold; the message says how."""


def require(holds: object, otherwise: str) -> None:
    """Raise CheckFailedError with a sentence unless the condition holds."""
    if not holds:
        raise CheckFailedError(otherwise)


@dataclass(frozen=True)
class Check:
    """One thing a kind of user relies on; `run` returns a detail or raises CheckFailedError."""

    user: str
    claim: str
    run: Callable[[], str]


class StoreChecks:
    """What a store's developer and its pages rely on."""

    def __init__(self, summary: dict[str, Any]) -> None:
        self._base, self._inference = summary["base_url"], summary["inference_url"]
        self._first, self._second = summary["tenants"][:2]
        live = self._first["environments"]["live"]
        self._key, self._page_key = live["secret_key"], live["publishable_key"]
        self._test_key = self._first["environments"]["test"]["secret_key"]

    def __iter__(self) -> Iterator[Check]:
        developer, page = "store developer", "store page"
        yield Check(developer, "a known shopper gets personal recommendations", self._for_user)
        yield Check(developer, "similar items do not hold the item itself", self._similar)
        yield Check(developer, "an item's partners are what is bought with it", self._together)
        yield Check(developer, "popular items answer without a shopper", self._popular)
        yield Check(developer, "a new visitor's views count within a second", self._fold_in)
        yield Check(developer, "a sold-out item is gone within two seconds", self._sold_out)
        yield Check(developer, "an item and an event can be sent and read back", self._round_trip)
        yield Check(developer, "a token made from the key opens the same store", self._token)
        yield Check(developer, "the test environment answers for itself", self._test_environment)
        yield Check(developer, "the other store's key does not find this store's item", self._apart)
        yield Check(developer, "a wrong key is 401 in problem+json", self._wrong_key)
        yield Check(developer, "the inference process of its own answers", self._inference_alone)
        yield Check(page, "a publishable key recommends", self._page_recommends)
        yield Check(page, "a publishable key cannot write the catalogue", self._page_is_held)

    def _for_user(self) -> str:
        answer = self._recommend("for-user", user_id=self._first["sample_user_id"], limit=10)
        body = _expect(answer, 200)
        require(body["items"], "the answer is empty")
        require(body["model"], "no model is served")
        require(body["fallback"] is None, f"fell back: {body['fallback']}")
        return f"{len(body['items'])} items by {body['strategy']}, model {body['model']['version']}"

    def _similar(self) -> str:
        item = self._top_item()
        body = _expect(self._recommend("similar", item_id=item, limit=5), 200)
        ids = [each["id"] for each in body["items"]]
        require(ids, "the answer is empty")
        require(item not in ids, f"item '{item}' came back")
        return f"{len(ids)} items like '{item}'"

    def _together(self) -> str:
        item = self._top_item()
        body = _expect(self._recommend("bought-together", item_ids=[item], limit=5), 200)
        ids = [each["id"] for each in body["items"]]
        require(ids, "the answer is empty")
        require(item not in ids, f"item '{item}' came back")
        return f"{len(ids)} items beside '{item}' by {body['strategy']}"

    def _popular(self) -> str:
        body = _expect(self._recommend("popular", limit=5, include=["product"]), 200)
        return f"first: {body['items'][0]['product']['title']}"

    def _fold_in(self) -> str:
        visitor = f"visitor-{time.time_ns()}"
        before = self._ids("for-user", anonymous_id=visitor)
        seed = self._ids("for-user", user_id=self._first["sample_user_id"])[-3:]
        events = [{"type": "view", "anonymous_id": visitor, "item_id": each} for each in seed]
        _expect(self._call("POST", "/v1/events", {"events": events}), 202)
        changed = within(
            EVENT_SECONDS, lambda: self._ids("for-user", anonymous_id=visitor) != before
        )
        require(changed is not None, f"nothing changed within {EVENT_SECONDS} s")
        return f"after {changed:.2f} s"

    def _sold_out(self) -> str:
        item = self._top_item()
        patched = self._call("PATCH", f"/v1/items/{item}", {"in_stock": False})
        _expect(patched, 200)
        try:
            gone = within(STOCK_SECONDS, lambda: item not in self._ids("popular"))
            require(gone is not None, f"'{item}' is still recommended after {STOCK_SECONDS} s")
        finally:
            _expect(self._call("PATCH", f"/v1/items/{item}", {"in_stock": True}), 200)
        return f"'{item}' after {gone:.2f} s"

    def _round_trip(self) -> str:
        item = {"title": "A visitor's check", "price": "1.50", "currency": "EUR"}
        answer = self._call("PUT", "/v1/items/demo%2Fcheck", {"id": "demo/check", **item})
        require(answer.status in {200, 201}, f"PUT answered {answer.status}: {answer.text}")
        read = _expect(self._call("GET", "/v1/items/demo%2Fcheck"), 200)
        require(read["price"] == "1.50", f"the price came back as {read['price']}")
        event = {"type": "view", "user_id": "demo-check", "item_id": "demo/check"}
        accepted = _expect(self._call("POST", "/v1/events", event), 202)
        require(accepted["accepted"] == 1, f"the event was not accepted: {accepted}")
        _expect(self._call("DELETE", "/v1/items/demo%2Fcheck"), 204)
        return f"watermark {accepted['watermark']}"

    def _token(self) -> str:
        body = _expect(self._call("POST", "/v1/auth/token", {"api_key": self._key}), 200)
        token = body["access_token"]
        _expect(call("GET", f"{self._base}/v1/me", key=token), 200)
        _expect(self._recommend("popular", key=token), 200)
        return f"expires in {body['expires_in']} s"

    def _test_environment(self) -> str:
        body = _expect(self._recommend("popular", key=self._test_key), 200)
        require(body["items"], "the sample store is empty")
        return f"{len(body['items'])} items of the sample"

    def _apart(self) -> str:
        item = self._top_item()
        other = self._second["environments"]["live"]["secret_key"]
        _expect(call("GET", f"{self._base}/v1/items/{item}", key=other), 404)
        return f"404 for '{item}'"

    def _wrong_key(self) -> str:
        answer = self._recommend("popular", key="sk_live_" + "0" * 36)
        body = _expect(answer, 401)
        kind = answer.headers["content-type"]
        require(kind.startswith("application/problem+json"), f"the error came as {kind}")
        return f"401 {body['code']}"

    def _inference_alone(self) -> str:
        answer = call("POST", f"{self._inference}/v1/recommend/popular", key=self._key, body={})
        return f"{len(_expect(answer, 200)['items'])} items from {self._inference}"

    def _page_recommends(self) -> str:
        body = _expect(self._recommend("popular", key=self._page_key), 200)
        require("strategy" not in body, "a page learned more than it needs")
        return f"{len(body['items'])} items"

    def _page_is_held(self) -> str:
        answer = call("PATCH", f"{self._base}/v1/items/x", key=self._page_key, body={"title": "x"})
        return f"403 {_expect(answer, 403)['code']}"

    def _top_item(self) -> str:
        return self._ids("popular")[0]

    def _ids(self, type_: str, **fields: Any) -> list[str]:
        body = _expect(self._recommend(type_, **fields), 200)
        return [each["id"] for each in body["items"]]

    def _recommend(self, type_: str, *, key: str | None = None, **fields: Any) -> Answer:
        url = f"{self._base}/v1/recommend/{type_}"
        return call("POST", url, key=key or self._key, body=fields)

    def _call(self, method: str, path: str, body: Any = None) -> Answer:
        return call(method, f"{self._base}{path}", key=self._key, body=body)


class PeopleChecks:
    """What tenant admins and platform staff rely on."""

    def __init__(self, summary: dict[str, Any]) -> None:
        self._summary = summary

    def __iter__(self) -> Iterator[Check]:
        admin, staff = "tenant admin", "platform staff"
        yield Check(admin, "logs in and sees the live model beside popularity", self._portal)
        yield Check(staff, "logs in and sees the tenants", self._staff)
        yield Check(staff, "the calls made here are in the usage ledger", self._ledger)

    def _portal(self) -> str:
        store = self._summary["tenants"][0]
        page = self._log_in(Browser(), self._summary["portal_url"], store["members"][0])
        require(store["name"] in page, "the page does not name the store")
        require("NDCG" in page, "the page shows no model quality")
        return str(self._summary["portal_url"])

    def _staff(self) -> str:
        browser = Browser()
        staff = self._summary["staff"]
        self._log_in(browser, self._summary["staff_url"], staff)
        for seconds in (0, PERIOD_SECONDS, -PERIOD_SECONDS):
            # A code is good once, and a check just before may have used this one.
            code = code_of(staff["totp_secret"], at=time.time() + seconds)
            answer = browser.post(f"{self._summary['staff_url']}/second-factor/", code=code)
            if "Stores that need a look" in answer.text:
                break
        page = browser.get(f"{self._summary['staff_url']}/tenants/tenant/").text
        for store in self._summary["tenants"]:
            require(store["name"] in page, f"{store['name']} is not listed")
        return str(self._summary["staff_url"])

    def _ledger(self) -> str:
        from billing.selectors.usage import usage_by_operation
        from tenants.context import on_platform

        environment_id = self._summary["tenants"][0]["environment_ids"]["live"]

        def counted() -> int:
            now = datetime.now(tz=UTC)
            with on_platform():
                usage = usage_by_operation(
                    environment_id=environment_id,
                    since=now - timedelta(days=30),
                    until=now + timedelta(hours=1),
                )
            return sum(each.calls for each in usage)

        after = within(USAGE_SECONDS, lambda: counted() > 0)
        require(after is not None, f"no usage within {USAGE_SECONDS} s")
        return f"{counted()} calls"

    def _log_in(self, browser: Browser, url: str, person: dict[str, str]) -> str:
        login = f"{url}/login/"
        form = browser.get(login)
        require(form.status == 200, f"{login} answered {form.status}")
        answer = browser.post(login, login=person["email"], password=person["password"])
        require(answer.status == 200, f"{login} answered {answer.status}")
        return answer.text


def _expect(answer: Answer, status: int) -> Any:
    require(answer.status == status, f"answered {answer.status}, not {status}: {answer.text[:300]}")
    return answer.body if answer.text else None


def within(seconds: float, is_true: Callable[[], bool]) -> float | None:
    """Return the seconds until it held, or `None` where the time ran out."""
    started = time.monotonic()
    while (waited := time.monotonic() - started) <= seconds:
        if is_true():
            return waited
        time.sleep(0.02)
    return None
