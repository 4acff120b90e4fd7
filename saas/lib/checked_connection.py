"""A connection to the outside: to addresses that were checked, and never beyond its deadline."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPSConnection

from typing_extensions import override

from saas.lib.destinations import Destination, Network, SocketAddress, addresses_of

CONNECT_SECONDS = 10.0
# Shops' systems write a feed when it is asked for, so the first byte takes its time.
SILENT_SECONDS = 60.0


class Deadline:
    """Ends a conversation at a moment, even one that goes on a byte at a time.

    Attributes
    ----------
    seconds
        How long it may take, as it was asked for.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Return how many seconds remain, never none, which sockets take for no limit."""
        return max(0.001, self._end - time.monotonic())

    @property
    def has_passed(self) -> bool:
        """Say whether the moment is over."""
        return time.monotonic() >= self._end

    def watch(self, connected: socket.socket) -> Callable[[], None]:
        """Shut a connection down at the end; the returned function lets it go."""
        # The TLS layer takes the socket over; a second handle reaches the connection below it.
        handle = connected.dup()

        def end() -> None:
            with suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self.left, end)
        timer.daemon = True
        timer.start()

        def release() -> None:
            timer.cancel()
            timer.join()
            handle.close()

        return release


class CheckedConnection(HTTPSConnection):
    """Connects to addresses that were checked, and to nothing else."""

    def __init__(
        self,
        destination: Destination,
        addresses: Sequence[SocketAddress],
        *,
        tls: ssl.SSLContext,
        deadline: Deadline,
    ) -> None:
        super().__init__(destination.host, destination.port, context=tls)
        self._addresses = addresses
        self._tls = tls
        self._deadline = deadline
        self._release: Callable[[], None] | None = None

    @override
    def connect(self) -> None:
        raw = self._connected()
        try:
            raw.settimeout(min(SILENT_SECONDS, self._deadline.left))
            self._release = self._deadline.watch(raw)
            # An end without a farewell may be a cut: a full import would delete what is missing.
            # Debian's Python 3.11.2 has OpenSSL 3 take one for the other.
            self._tls.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
            self.sock = self._tls.wrap_socket(
                raw, server_hostname=self.host, suppress_ragged_eofs=False
            )
        except BaseException:
            raw.close()
            raise

    def _connected(self) -> socket.socket:
        last: OSError = OSError("no address")
        for family, address in self._addresses:
            raw = socket.socket(family, socket.SOCK_STREAM)
            raw.settimeout(min(CONNECT_SECONDS, self._deadline.left))
            try:
                raw.connect(address)
            except OSError as error:
                raw.close()
                last = error
            else:
                return raw
        raise last

    def let_go(self) -> None:
        """Close the connection and end its watch.

        Not in `close()`: that is called before the body of a last answer is read.
        """
        self.close()
        if self._release is not None:
            self._release()


@contextmanager
def connected(
    destination: Destination, *, network: Network, deadline: Deadline
) -> Iterator[CheckedConnection]:
    """Give a connection to where a destination leads now, and let go of it in the end.

    Raises
    ------
    UrlNotAllowed
        It leads to where nobody may call.
    """
    addresses = addresses_of(destination, network=network)
    connection = CheckedConnection(destination, addresses, tls=network.tls(), deadline=deadline)
    try:
        yield connection
    finally:
        connection.let_go()


def reason_of(error: OSError | HTTPException) -> str:
    """Return what went wrong in words that follow the host's name."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has no valid certificate ({error.verify_message}); renew it."
    if isinstance(error, TimeoutError):
        return "did not answer in time; see that it answers, also from outside of your network."
    if isinstance(error, ssl.SSLError):
        return "broke off, or does not speak TLS as a browser knows it; see that it answers."
    if isinstance(error, HTTPException):
        return "broke off, or does not speak HTTP as a browser knows it; see that it answers."
    return "cannot be reached; see that it answers, also from outside of your network."
