"""Fetching what stores' URLs name: over https, from checked addresses, with an end."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from saas.lib.destinations import Network, SocketAddress
from saas.lib.errors import UrlNotAllowed
from saas.lib.safe_fetch import Fetched, FetchFailedError, Validators, fetch
from tests.saas.lib.https_server import HOST, LOOPBACK, HttpsServer, file_answer, say, serving

CONTENT = b"id,title\nlamp,Lamp\n" * 10_000
URL = f"https://{HOST}/items.csv?token=a%20b"
SECONDS = 30


def fetched(
    server: HttpsServer,
    url: str = URL,
    *,
    network: Network | None = None,
    **options: Any,
) -> tuple[bytes, Fetched]:
    blocks: list[bytes] = []
    result = fetch(
        url,
        write=blocks.append,
        network=network or server.network(),
        **{"max_bytes": 2**20, "seconds": SECONDS, **options},
    )
    return b"".join(blocks), result


def refusal(server: HttpsServer, url: str = URL, **options: Any) -> str:
    with pytest.raises(FetchFailedError) as failed:
        fetched(server, url, **options)
    return str(failed.value)


def test_a_file_comes_in_blocks_from_the_host_that_was_named() -> None:
    headers = 'ETag: "v1"\r\nLast-Modified: Mon, 01 Jun 2026 12:00:00 GMT\r\n'
    with serving(say(file_answer(CONTENT, headers=headers))) as server:
        content, result = fetched(server)
    assert content == CONTENT
    assert result == Fetched(
        is_unchanged=False,
        bytes=len(CONTENT),
        validators=Validators('"v1"', "Mon, 01 Jun 2026 12:00:00 GMT"),
    )
    (head,) = server.heads
    assert head.startswith("GET /items.csv?token=a%20b HTTP/1.1\r\n")
    assert f"\r\nHost: {HOST}\r\n" in head
    assert server.names == [HOST]


def test_a_file_that_is_the_same_still_is_not_sent() -> None:
    known = Validators('"v1"', "Mon, 01 Jun 2026 12:00:00 GMT")
    with serving(say(b"HTTP/1.1 304 Not Modified\r\n\r\n")) as server:
        content, result = fetched(server, known=known)
    assert (content, result.is_unchanged, result.validators) == (b"", True, known)
    assert '\r\nIf-None-Match: "v1"\r\n' in server.heads[0]
    assert "\r\nIf-Modified-Since: Mon, 01 Jun 2026 12:00:00 GMT\r\n" in server.heads[0]


def test_a_name_is_resolved_once_and_its_checked_address_is_called() -> None:
    with serving(say(file_answer(b"good"))) as server:
        looks: list[list[SocketAddress]]
        looks = [[server.address], [(socket.AF_INET, ("10.0.0.1", 443))]]
        answers = iter(looks)
        content, _ = fetched(server, network=server.network(lambda *_: next(answers)))
        assert content == b"good"
        assert len(list(answers)) == 1, "rebinding needs a second look, and there is none"


def test_a_name_is_checked_anew_when_it_redirects_to_itself() -> None:
    with serving(say(b"HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n")) as server:
        answers: list[Sequence[SocketAddress]]
        answers = [[server.address], [(socket.AF_INET, ("10.0.0.1", 443))]]
        network = server.network(lambda *_: answers.pop(0))
        with pytest.raises(UrlNotAllowed):
            fetched(server, network=network)
    assert (len(server.heads), answers) == (1, [])


def test_one_inner_address_among_many_refuses_the_name() -> None:
    with serving(say(file_answer(b"x"))) as server:
        mixed = [server.address, (socket.AF_INET6, ("fd00::1", 443, 0, 0))]
        with pytest.raises(UrlNotAllowed):
            fetched(server, network=server.network(lambda *_: mixed))
    assert server.heads == []


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with serving(say(file_answer(b"x"))) as server, socket.create_server((LOOPBACK, 0)) as gone:
        port = gone.getsockname()[1]
        gone.close()
        addresses = [(socket.AF_INET, (LOOPBACK, port)), server.address]
        assert fetched(server, network=server.network(lambda *_: addresses))[0] == b"x"


@pytest.mark.parametrize(
    "location",
    [
        f"http://{HOST}/items.csv",
        "https://169.254.169.254/latest/meta-data/",
        "https://user:password@shop.example/",
        "https://[::1]/",
        "file:///etc/passwd",
        "//10.0.0.1/",
    ],
)
def test_a_redirect_leads_nowhere_that_the_url_could_not(location: str) -> None:
    with serving(say(f"HTTP/1.1 307 T\r\nLocation: {location}\r\n\r\n".encode())) as server:

        def resolve(host: str, port: int) -> list[SocketAddress]:
            return [server.address] if host == HOST else [(socket.AF_INET, (host, port))]

        with pytest.raises(UrlNotAllowed):
            fetched(server, network=server.network(resolve))
    assert len(server.heads) == 1


def test_three_redirects_are_followed_and_no_fourth() -> None:
    hops = 3

    def answer(connection: ssl.SSLSocket, head: str) -> None:
        number = int(head.split()[1].removeprefix("/"))
        if number == hops:
            say(file_answer(b"there"))(connection, head)
        else:
            say(f"HTTP/1.1 301 M\r\nLocation: {number + 1}\r\n\r\n".encode())(connection, head)

    with serving(answer) as server:
        assert fetched(server, f"https://{HOST}/0")[0] == b"there"
        hops = 4
        assert "redirects more than 3 times" in refusal(server, f"https://{HOST}/0")


def test_a_certificate_of_another_name_is_refused() -> None:
    with serving(say(file_answer(b"x"))) as server:
        assert "no valid certificate" in refusal(server, "https://other.example/")
    assert server.heads == []


def test_a_certificate_of_nobodys_is_refused() -> None:
    with serving(say(file_answer(b"x"))) as server:
        network = replace(server.network(), tls=ssl.create_default_context)
        assert "no valid certificate" in refusal(server, network=network)


def test_the_network_of_production_does_not_reach_the_loopback() -> None:
    with serving(say(file_answer(b"x"))) as server, pytest.raises(UrlNotAllowed):
        fetch(f"https://127.0.0.1:{server.port}/", write=print, max_bytes=1, seconds=SECONDS)
    assert server.heads == []


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(say(file_answer(b"x"))) as server:
        assert fetched(server)[0] == b"x"


def test_a_file_that_says_it_is_too_large_is_not_begun() -> None:
    with serving(say(b"HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n")) as server:
        written: list[bytes] = []
        with pytest.raises(FetchFailedError, match="more than 1,024 bytes"):
            fetch(URL, write=written.append, max_bytes=1024, seconds=9, network=server.network())
    assert written == []


def test_a_file_without_an_end_is_cut_at_the_limit() -> None:
    def answer(connection: ssl.SSLSocket, _head: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    with serving(answer) as server:
        assert "more than 1,048,576 bytes" in refusal(server)


def test_a_packed_file_is_not_unpacked_here() -> None:
    packed = gzip.compress(bytes(2**20))
    with serving(say(file_answer(packed, headers="Content-Encoding: gzip\r\n"))) as server:
        content, result = fetched(server, max_bytes=4096)
    assert (content, result.bytes) == (packed, len(packed))
    assert len(packed) < 4096


def _wait(connection: ssl.SSLSocket, _head: str) -> None:
    connection.recv(1)


def _drip(*, after: bytes = b"") -> Callable[[ssl.SSLSocket, str], None]:
    def answer(connection: ssl.SSLSocket, _head: str) -> None:
        connection.sendall(after)
        pause = threading.Event()
        while not pause.wait(0.01):
            connection.sendall(b"x")

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        _wait,
        _drip(after=b"HTTP/1.1 200 OK\r\nX-Drip: "),
        _drip(after=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"),
        _drip(after=b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    ids=["silent", "head", "body", "endless body"],
)
def test_a_slow_server_is_left_at_the_deadline(answer: Any) -> None:
    with serving(answer) as server:
        assert "took more than 0 seconds" in refusal(server, seconds=0.3)


def test_a_server_that_never_greets_is_left_at_the_deadline() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        address = (socket.AF_INET, listener.getsockname())
        network = Network(resolve=lambda *_: [address], is_allowed=lambda _: True)
        with pytest.raises(FetchFailedError, match="took more than"):
            fetch(URL, write=print, max_bytes=1, seconds=0.2, network=network)


def _slam(*parts: bytes) -> Callable[[ssl.SSLSocket, str], None]:
    """Close without the farewell of TLS."""

    def answer(connection: ssl.SSLSocket, _head: str) -> None:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_RDWR)

    return answer


@pytest.mark.parametrize("leave", [say, _slam])
@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nid,title",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nid,title",
        b"HTTP/1.1 200 OK\r\nX-Cut",
        b"",
    ],
    ids=["length", "chunks", "head", "nothing"],
)
def test_a_file_that_breaks_off_is_no_file(leave: Any, start: bytes) -> None:
    with serving(leave(start)) as server:
        # A head that was cut properly looks like a file without bytes.
        assert re.search("broke off|sent an empty file", refusal(server))


def test_a_file_without_a_length_ends_with_a_farewell_or_not_at_all() -> None:
    start = b"HTTP/1.0 200 OK\r\n\r\nid,title\n"
    with serving(say(start)) as server:
        assert fetched(server)[0] == b"id,title\n"
    with serving(_slam(start)) as server:
        assert "broke off" in refusal(server)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Whatever\r\nContent-Length: 0\r\n\r\n", "answered 404 Not Found"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "answered 503 Service Unavailable"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", "packed the file with 'br'"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "does not speak HTTP"),
    ],
)
def test_what_is_no_file_is_explained(answer: bytes, reason: str) -> None:
    with serving(say(answer)) as server:
        message = refusal(server)
    assert reason in message
    assert HOST in message


def test_a_full_disk_is_not_the_shops_fault() -> None:
    def write(_: bytes) -> None:
        raise OSError("No space left on device")

    with serving(say(file_answer(b"x"))) as server, pytest.raises(OSError, match="No space"):
        fetch(URL, write=write, max_bytes=9, seconds=SECONDS, network=server.network())
