"""What a store may name for us to call: every way to write an inner address is refused."""

from __future__ import annotations

import socket
import threading

import pytest

from saas.lib.destinations import (
    MAX_URL_BYTES,
    Network,
    SocketAddress,
    addresses_of,
    check_url,
    read_destination,
)
from saas.lib.errors import UrlNotAllowed
from saas.lib.public_addresses import is_public

# The real resolver reads these without a network.
NUMBERS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "192.88.99.1",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:8.8.8.8]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[2001:db8::1]",
    "[fc00::1]",
    "[fd12:3456:789a::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "\uff11\uff12\uff17.0.0.1",
    "127。0。0。1",
]
TEXTS = [
    "http://shop.example/",
    "HTTP://shop.example/",
    "ftp://shop.example/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/csv,id",
    "gopher://shop.example/",
    "//shop.example/",
    "shop.example/items.csv",
    "",
    "https://",
    "https:///items.csv",
    "https://:443/",
    "https://user@shop.example/",
    "https://user:password@shop.example/",
    "https://@shop.example/",
    "https://shop.example@127.0.0.1/",
    "https://shop.example:80/",
    "https://shop.example:22/",
    "https://shop.example:0/",
    "https://shop.example:99999/",
    "https://shop.example:abc/",
    "https://shop.example\\@127.0.0.1/",
    "https://shop.example/a b",
    "https://shop.example/\t",
    "https://shop.example/\r\nHost: inside",
    "https://shop.exam\nple/",
    " https://shop.example/",
    "https://shop.example/\0",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://%31%32%37.0.0.1/",
    "https://shop..example/",
    "https://" + "a" * 64 + ".example/",
    "https://shop.example/" + "a" * MAX_URL_BYTES,
    "https://shop.example/" + "é" * (MAX_URL_BYTES // 2),
]
PUBLIC = "93.184.215.14"


def resolving(*addresses: str) -> Network:
    def resolve(_host: str, port: int) -> list[SocketAddress]:
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, (address, port))
            for address in addresses
        ]

    return Network(resolve=resolve)


@pytest.mark.parametrize("host", NUMBERS)
def test_an_inner_address_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(UrlNotAllowed) as refused:
        check_url(f"https://{host}/items.csv", seconds=60)
    assert (refused.value.code, refused.value.status) == ("url_not_allowed", 422)
    assert refused.value.errors[0].pointer == "/url"


@pytest.mark.parametrize("url", TEXTS)
def test_a_url_that_says_something_else_is_refused(url: str) -> None:
    with pytest.raises(UrlNotAllowed):
        check_url(url, network=resolving(PUBLIC), seconds=60)


@pytest.mark.parametrize("host", [PUBLIC, "1572395790", "0x5db8d70e", "[2606:4700:4700::1111]"])
def test_a_public_address_is_no_less_public_for_being_written_oddly(host: str) -> None:
    check_url(f"https://{host}/items.csv", seconds=60)


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("https://shop.example", "shop.example", 443, "/"),
        ("HTTPS://Shop.Example:8443/a?b=c&d=%20#e", "shop.example", 8443, "/a?b=c&d=%20"),
        ("https://shop.example?x=1", "shop.example", 443, "/?x=1"),
        ("https://bücher.example/käse", "xn--bcher-kva.example", 443, "/k%C3%A4se"),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, "/"),
    ],
)
def test_a_url_is_read_into_what_is_called(url: str, host: str, port: int, target: str) -> None:
    destination = read_destination(url)
    assert (destination.host, destination.port, destination.target) == (host, port, target)


def test_a_name_with_one_inner_address_is_refused_whole() -> None:
    destination = read_destination("https://shop.example/")
    assert len(addresses_of(destination, network=resolving(PUBLIC, "2606:4700::1111"))) == 2
    for inner in ("10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "no address"):
        with pytest.raises(UrlNotAllowed):
            addresses_of(destination, network=resolving(PUBLIC, inner))


def test_unknown_and_inner_names_are_refused_with_one_sentence() -> None:
    def unknown(_host: str, _port: int) -> list[SocketAddress]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    details = set()
    for network in (Network(resolve=unknown), resolving(), resolving("10.0.0.1")):
        with pytest.raises(UrlNotAllowed) as refused:
            check_url("https://intranet/", network=network, seconds=60)
        details.add(refused.value.detail)
    assert len(details) == 1
    assert "10.0.0.1" not in details.pop()


def test_a_request_does_not_wait_for_a_resolver_that_does_not_answer() -> None:
    answer = threading.Event()

    def resolve(_host: str, _port: int) -> list[SocketAddress]:
        answer.wait()
        return []

    check_url("https://shop.example/", network=Network(resolve=resolve), seconds=0.01)
    answer.set()


@pytest.mark.parametrize("address", ["", "shop.example", "93.184.215", "1.2.3.4/24", "fe80::1%1"])
def test_what_is_no_address_is_not_public(address: str) -> None:
    assert not is_public(address)
