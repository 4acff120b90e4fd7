"""Sends to what stores' URLs name, and to nothing inside: over https, with a bound on the time."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException

from saas.lib.checked_connection import Deadline, connected, reason_of
from saas.lib.destinations import INTERNET, Network, read_destination


class PostFailedError(Exception):
    """No answer came; the message is for the shop's developer."""


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
    network: Network = INTERNET,
) -> int:
    """Send a body and return the status of the answer, whose own body is not read.

    Parameters
    ----------
    url
        https; a redirect is an answer like another.
    seconds
        How long it may take, from the name to the answer's head.
    network
        How the outside is reached; tests have one of their own.

    Raises
    ------
    UrlNotAllowed
        The URL may not be called.
    PostFailedError
        It cannot be reached, or did not answer in time.
    """
    deadline = Deadline(seconds)
    destination = read_destination(url)
    try:
        with connected(destination, network=network, deadline=deadline) as connection:
            connection.request("POST", destination.target, body=body, headers=dict(headers))
            with connection.getresponse() as response:
                return response.status
    except (OSError, HTTPException) as error:
        if deadline.has_passed:
            raise PostFailedError(
                f"'{destination.host}' took more than {seconds:.0f} seconds to answer; "
                "have it answer first and work afterwards."
            ) from error
        raise PostFailedError(f"'{destination.host}' {reason_of(error)}") from error
