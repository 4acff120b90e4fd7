"""Calls Shelfwise over HTTP as its users do."""

from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What came back: a status, the headers, and the body as text and as JSON where it is."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The body's JSON."""
        return json.loads(self.text)


def call(
    method: str, url: str, *, key: str | None = None, body: Any = None, origin: str | None = None
) -> Answer:
    """Make one API call; an error status is an answer like any other."""
    headers = {"Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if origin:
        headers["Origin"] = origin
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    return _send(urllib.request.build_opener(), method, url, headers=headers, data=data)


class Browser:
    """A person's browser: it keeps cookies and posts forms with their CSRF token."""

    def __init__(self) -> None:
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies)
        )

    def get(self, url: str) -> Answer:
        """Open a page."""
        return _send(self._opener, "GET", url, headers={"Accept": "text/html"})

    def post(self, url: str, **fields: str) -> Answer:
        """Send a form of the page that was opened before, and follow where it leads."""
        token = next((each.value for each in self._cookies if each.name == "csrftoken"), "")
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token or ""}).encode()
        return _send(self._opener, "POST", url, headers={"Referer": url}, data=data)


def _send(
    opener: urllib.request.OpenerDirector,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    data: bytes | None = None,
) -> Answer:
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return Answer(response.status, dict(response.headers), response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers), error.read().decode())
