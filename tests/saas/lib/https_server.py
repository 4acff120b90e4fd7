"""A server on the loopback with a certificate of its own, and the network that leads to it."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from saas.lib.destinations import Network, SocketAddress

HOST = "shop.example"
LOOPBACK = "127.0.0.1"

# Gets the connection after the request's head was read, and the head.
Answer = Callable[[ssl.SSLSocket, str], None]
Resolve = Callable[[str, int], Sequence[SocketAddress]]


@cache
def certificate() -> bytes:
    """Return the key and the certificate of HOST, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ip_address(LOOPBACK))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + made.public_bytes(Encoding.PEM)


def trusting() -> ssl.SSLContext:
    """Return a client's context that knows the server's certificate."""
    return ssl.create_default_context(cadata=certificate().decode())


class HttpsServer:
    """Answers each connection from a thread of its own; keeps the heads of the requests."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.heads: list[str] = []
        self.names: list[str | None] = []
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "pem"
            path.write_bytes(certificate())
            self._tls.load_cert_chain(path)
        self._tls.sni_callback = lambda _sock, name, _context: self.names.append(name)
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> SocketAddress:
        return (socket.AF_INET, (LOOPBACK, self.port))

    def network(self, resolve: Resolve | None = None) -> Network:
        """Return a network in which every name leads here, and only the loopback is allowed."""
        return Network(
            resolve=resolve or (lambda _host, _port: [self.address]),
            is_allowed=lambda address: address == LOOPBACK,
            tls=trusting,
        )

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(timeout=15)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection.dup())
                thread = threading.Thread(target=self._converse, args=[connection], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _converse(self, connection: socket.socket) -> None:
        # A client that has heard enough leaves.
        with suppress(OSError), self._tls.wrap_socket(connection, server_side=True) as secured:
            head = b""
            while b"\r\n\r\n" not in head:
                block = secured.recv(4096)
                if not block:
                    return
                head += block
            self.heads.append(head.decode())
            self._answer(secured, head.decode())


def say(*parts: bytes) -> Answer:
    """Return an answer of these bytes, and a proper farewell."""

    def answer(connection: ssl.SSLSocket, _head: str) -> None:
        for part in parts:
            connection.sendall(part)
        connection.unwrap().close()

    return answer


def file_answer(content: bytes, *, headers: str = "") -> bytes:
    """Return a whole answer with a file."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n{headers}\r\n".encode() + content


@contextmanager
def serving(answer: Answer) -> Iterator[HttpsServer]:
    server = HttpsServer(answer)
    try:
        yield server
    finally:
        server.stop()
