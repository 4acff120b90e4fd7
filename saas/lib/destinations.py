"""Reads the addresses that stores name for us to call, and finds out where they really lead."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from saas.lib.errors import UrlNotAllowed
from saas.lib.public_addresses import is_public

MAX_URL_BYTES = 2_048
HTTPS_PORT = 443
# Below are the services of systems, above are shops behind other ports.
_FIRST_FREE_PORT = 1_024
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_.])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
# Percent signs and what RFC 3986 reserves stay as they are.
_KEPT = "%/:?#[]@!$&'()*+,;=~"

SocketAddress = tuple[int, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a URL leads, as its parts say.

    Attributes
    ----------
    url
        The whole, for relative redirects.
    host
        In ASCII, lower case; an IPv6 address without its brackets.
    target
        Path and query, as the request line has them.
    """

    url: str
    host: str
    port: int
    target: str


def _resolve(host: str, port: int) -> list[SocketAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


@dataclass(frozen=True)
class Network:
    """How the outside is reached.

    The defaults are the public internet, and nothing that a deployment sets changes them: a test
    that has a server of its own on the loopback hands over another network.
    """

    resolve: Callable[[str, int], Sequence[SocketAddress]] = _resolve
    is_allowed: Callable[[str], bool] = is_public
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context


INTERNET = Network()


def read_destination(url: str) -> Destination:
    """Return the parts of a URL that may be called, as far as its text says.

    Raises
    ------
    UrlNotAllowed
        It is not https, too long, names a user or an odd port, or is no URL.
    """
    if len(url.encode()) > MAX_URL_BYTES:
        raise _refused(f"it has more than {MAX_URL_BYTES} bytes")
    if not url.isprintable() or any(each in " \\" for each in url):
        raise _refused("it holds spaces, backslashes or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode().lower()
    except (ValueError, UnicodeError):
        raise _refused("it cannot be read") from None
    if parts.scheme != "https":
        raise _refused("it does not begin with https://")
    if "@" in parts.netloc:
        raise _refused("it names a user or a password")
    if not _HOST.fullmatch(host):
        raise _refused("its host is no name and no address")
    port = HTTPS_PORT if port is None else port
    if port != HTTPS_PORT and port < _FIRST_FREE_PORT:
        raise _refused(f"its port is {port}; use {HTTPS_PORT} or one from {_FIRST_FREE_PORT} up")
    query = f"?{parts.query}" if parts.query else ""
    target = quote((parts.path or "/") + query, safe=_KEPT)
    return Destination(url=url, host=host, port=port, target=target)


def addresses_of(destination: Destination, *, network: Network) -> list[SocketAddress]:
    """Return where a destination leads now: every address of it may be called.

    Connect to what this returned; a name that is resolved again may lead elsewhere by then.

    Raises
    ------
    UrlNotAllowed
        The name is not known, or one of its addresses is not public. One sentence for both, so
        that nobody learns which names are known inside.
    """
    try:
        found = list(network.resolve(destination.host, destination.port))
    except (OSError, UnicodeError):
        found = []
    if not found or not all(network.is_allowed(str(address[0])) for _, address in found):
        raise _refused(
            f"'{destination.host}' is not known, or not a public address of the internet"
        )
    return found


def check_url(url: str, *, network: Network = INTERNET, seconds: float = 2) -> None:
    """Refuse a URL that could not be called now.

    Whoever calls it later checks again: this only tells a store early. A resolver that does not
    answer in time is left to that later check.

    Parameters
    ----------
    url
        As the store sent it.
    network
        How the outside is reached.
    seconds
        How long a request waits for the resolver.

    Raises
    ------
    UrlNotAllowed
        It could not.
    """
    destination = read_destination(url)
    refusals: list[UrlNotAllowed] = []

    def look() -> None:
        try:
            addresses_of(destination, network=network)
        except UrlNotAllowed as refusal:
            refusals.append(refusal)

    # getaddrinfo() has no time limit, and a store may name a server that never answers.
    thread = threading.Thread(target=look, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if refusals:
        raise refusals[0]


def _refused(reason: str) -> UrlNotAllowed:
    return UrlNotAllowed(
        f"This URL is not called: {reason}. Send one such as 'https://shop.example/items.csv'.",
        pointer="/url",
    )
