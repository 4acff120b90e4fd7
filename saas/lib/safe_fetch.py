"""Fetches what stores' URLs name, and nothing inside: over https, with bounds on time and size.

Python's own `http.client` is enough and does little by itself: no proxies of the environment, no
cookies, no redirects, no unpacking. What it lacks is here: it connects to the very addresses that
were checked, with the name for the certificate, and it ends at a deadline whatever the other side
does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from urllib.parse import urljoin

from saas.lib.checked_connection import Deadline, connected, reason_of
from saas.lib.destinations import (
    INTERNET,
    Destination,
    Network,
    read_destination,
)
from saas.lib.errors import UrlNotAllowed

MAX_REDIRECTS = 3
_BLOCK_BYTES = 64 * 1024
_MAX_VALIDATOR_CHARACTERS = 1_024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Kept as it comes; whoever reads the file unpacks it within limits.
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})


class FetchFailedError(Exception):
    """The file could not be fetched this time; the message is for the shop's developer."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said of a file, to ask it later whether that still holds."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a fetch: `is_unchanged` says that the server sent nothing anew."""

    is_unchanged: bool
    bytes: int
    validators: Validators


def fetch(
    url: str,
    *,
    write: Callable[[bytes], object],
    max_bytes: int,
    seconds: float,
    known: Validators | None = None,
    network: Network = INTERNET,
) -> Fetched:
    """Fetch a file, block by block.

    Parameters
    ----------
    url
        https; up to three redirects are followed, each checked as this one.
    write
        Takes the blocks; what it raises ends the fetch.
    max_bytes, seconds
        Of the file as it comes, and of everything together.
    known
        Of the file as it was fetched last: if it is the same still, nothing is written.
    network
        How the outside is reached; tests have one of their own.

    Returns
    -------
    Fetched
        The size and the validators of the file.

    Raises
    ------
    UrlNotAllowed
        The URL or one that it redirects to may not be called (RFC 9110, 15.4, leaves it to us).
    FetchFailedError
        It did not work out: no answer, another status than 200, too large, too slow, broken off.
    """
    deadline = Deadline(seconds)
    destination = read_destination(url)
    for _ in range(MAX_REDIRECTS + 1):
        with _answer(destination, known=known, deadline=deadline, network=network) as response:
            if response.status not in _REDIRECTS:
                return _take(response, destination, write, max_bytes, deadline, known)
            location = response.headers.get("Location", "")
        destination = _redirected(destination, location)
    raise FetchFailedError(
        f"'{read_destination(url).host}' redirects more than {MAX_REDIRECTS} times; "
        "give the feed the address where it ends."
    )


def _redirected(destination: Destination, location: str) -> Destination:
    try:
        return read_destination(urljoin(destination.url, location))
    except UrlNotAllowed as refusal:
        raise UrlNotAllowed(f"'{destination.host}' redirects elsewhere. {refusal.detail}") from None


@contextmanager
def _answer(
    destination: Destination, *, known: Validators | None, deadline: Deadline, network: Network
) -> Iterator[HTTPResponse]:
    with connected(destination, network=network, deadline=deadline) as connection:
        with _explained(destination, deadline):
            connection.request("GET", destination.target, headers=_headers(known))
            response = connection.getresponse()
        with response:
            yield response


def _headers(known: Validators | None) -> dict[str, str]:
    headers = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": "Shelfwise"}
    if known is not None and known.etag is not None:
        headers["If-None-Match"] = known.etag
    if known is not None and known.last_modified is not None:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def _take(
    response: HTTPResponse,
    destination: Destination,
    write: Callable[[bytes], object],
    max_bytes: int,
    deadline: Deadline,
    known: Validators | None,
) -> Fetched:
    if response.status == HTTPStatus.NOT_MODIFIED and known is not None:
        return Fetched(is_unchanged=True, bytes=0, validators=known)
    _check_head(response, destination, max_bytes)
    size = 0
    while True:
        with _explained(destination, deadline):
            block = response.read(_BLOCK_BYTES)
        _check_time(destination, deadline)
        if not block:
            break
        size += len(block)
        if size > max_bytes:
            raise _too_large(max_bytes)
        write(block)
    if response.length:
        raise FetchFailedError(
            f"'{destination.host}' broke off {response.length} bytes before the end of the file."
        )
    if not size:
        raise FetchFailedError(
            f"'{destination.host}' sent an empty file; see what it serves there."
        )
    validators = Validators(
        etag=_validator(response, "ETag"), last_modified=_validator(response, "Last-Modified")
    )
    return Fetched(is_unchanged=False, bytes=size, validators=validators)


def _check_head(response: HTTPResponse, destination: Destination, max_bytes: int) -> None:
    if response.status != HTTPStatus.OK:
        with suppress(ValueError):
            response.reason = HTTPStatus(response.status).phrase
        raise FetchFailedError(
            f"'{destination.host}' answered {response.status} {response.reason[:60]} where the "
            "file was expected; see that the address opens without a login."
        )
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise FetchFailedError(
            f"'{destination.host}' packed the file with '{encoding[:60]}'; have it send the file "
            "with gzip or as it is."
        )
    if response.length is not None and response.length > max_bytes:
        raise _too_large(max_bytes)


def _check_time(destination: Destination, deadline: Deadline) -> None:
    if deadline.has_passed:
        raise FetchFailedError(
            f"'{destination.host}' took more than {deadline.seconds:.0f} seconds to send the file; "
            "make it smaller, pack it with gzip, or serve it from a faster place."
        )


def _validator(response: HTTPResponse, name: str) -> str | None:
    value = response.headers.get(name)
    if value is None or len(value) > _MAX_VALIDATOR_CHARACTERS or not value.isascii():
        return None
    return value if value.isprintable() else None


def _too_large(max_bytes: int) -> FetchFailedError:
    return FetchFailedError(
        f"The file has more than {max_bytes:,} bytes; make it smaller, or send it as several feeds."
    )


@contextmanager
def _explained(destination: Destination, deadline: Deadline) -> Iterator[None]:
    """Turn what can go wrong on the way into a sentence."""
    try:
        yield
    except (OSError, HTTPException) as error:
        _check_time(destination, deadline)
        raise FetchFailedError(f"'{destination.host}' {reason_of(error)}") from error
