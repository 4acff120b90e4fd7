"""What somebody relies on who signs up: a store within seconds that answers a first call."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from saas.demo.checks import Check, require, within
from saas.demo.client import Browser, call

# From the confirmed address to the store.
SIGN_UP_SECONDS = 5.0
MAIL_SECONDS = 5.0


class NewcomerChecks:
    """Signs up as a person does, by the link of a mail."""

    def __init__(self, summary: dict[str, Any], *, mails: Path) -> None:
        self._base, self._portal = summary["base_url"], summary["portal_url"]
        self._mails = mails

    def __iter__(self) -> Iterator[Check]:
        claim = "signs up and gets a first answer from a store of the own within five seconds"
        # A mail server of the user's own keeps what it is sent to itself.
        if os.environ["SHELFWISE_MAIL_URL"] == self._mails.as_uri():
            yield Check("newcomer", claim, self._sign_up)

    def _sign_up(self) -> str:
        browser, email = Browser(), f"check-{time.time_ns()}@newcomer.example"
        form = f"{self._portal}/sign-up/"
        browser.get(form)
        browser.post(form, store="Newcomer", email=email, password1=f"only for {email}")
        within(MAIL_SECONDS, lambda: self._link(email) is not None)
        link = self._link(email)
        require(link, f"no mail to {email} within {MAIL_SECONDS} s")
        browser.get(str(link))
        browser.post(str(link))
        progress = f"{self._portal}/sign-up/progress/"
        seconds = within(
            SIGN_UP_SECONDS, lambda: "Make my first test key" in browser.get(progress).text
        )
        require(seconds is not None, f"no store within {SIGN_UP_SECONDS} s")
        page = browser.post(f"{self._portal}/sign-up/key/").text
        key = re.search(r"sk_test_\w{36}", page)
        require(key, "the page shows no key")
        url = f"{self._base}/v1/recommend/popular"
        answer = call("POST", url, key=key[0] if key else None, body={})
        require(answer.status == 200, f"{url} answered {answer.status}: {answer.text[:300]}")
        require(answer.body["items"], "the sample store is empty")
        return f"after {seconds:.1f} s, {len(answer.body['items'])} items"

    def _link(self, email: str) -> str | None:
        for path in self._mails.glob("*.log"):
            text = path.read_text()
            if email in text:
                found = re.search(r"http://\S+/account/confirm/\S+", text)
                return found[0] if found else None
        return None
