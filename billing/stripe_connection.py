"""The connection to Stripe: the `stripe` client with our timeouts, retries, back-off and checks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from saas.lib.errors import BillingUnavailable

if TYPE_CHECKING:
    from stripe import StripeClient

# The client's own default is 80 s, which a page or a worker cannot wait.
TIMEOUT_SECONDS = 10.0
# Of what the client repeats itself: dropped connections, 409 and 5xx; never a 429.
RETRIES = 2
# A 429's, which the client leaves to us: half a second, doubled, with jitter; 7.5 s in all.
BACKOFF_SECONDS, MOST_BACKOFFS = 0.5, 4
# How far a webhook's signature may be from our clock, either way.
_SIGNED_WITHIN = 300
_AWAY = "Our payment provider does not answer; try again in a minute."

Answer = TypeVar("Answer")


class StripeRefusedError(Exception):
    """Stripe said no to what we sent, and would again."""

    def __init__(self, message: str, *, code: str | None) -> None:
        super().__init__(message)
        self.code = code

    @property
    def is_duplicate_event(self) -> bool:
        """Say whether a meter event's identifier is taken: it has been counted before."""
        # The code is not in Stripe's documents; production reports show the message.
        return "already exists with identifier" in str(self)


class StripeConnection:
    """A client that raises our errors alone."""

    def __init__(self, *, key: str, address: str | None, backoff_seconds: float) -> None:
        self._key = key
        self._address = address
        self._backoff_seconds = backoff_seconds

    @cached_property
    def _client(self) -> StripeClient:
        # A quarter of a second of every process's start, and few processes talk to Stripe.
        import stripe

        # It would tell Stripe how long our earlier calls took.
        stripe.enable_telemetry = False
        addresses: Any = {}
        if self._address:
            addresses = {"api": self._address, "meter_events": self._address}
        return stripe.StripeClient(
            self._key,
            base_addresses=addresses,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )

    def _ask(self, call: Callable[[], Answer], expected: str, *, may_wait: bool = True) -> Answer:
        """Make a call, waiting out 429s, and make sure that Stripe's answer is one.

        Raises
        ------
        BillingUnavailable
            Stripe is away, overloaded or answers nonsense; a later try may succeed.
        StripeRefusedError
            What we sent is wrong.
        """
        import stripe

        waits = MOST_BACKOFFS if may_wait else 0
        for number in range(waits + 1):
            try:
                answer = call()
            except stripe.RateLimitError as error:
                if number == waits:
                    raise BillingUnavailable(_AWAY) from error
                delay = self._backoff_seconds * 2**number
                time.sleep(delay * random.uniform(0.5, 1))  # noqa: S311  # jitter, no secret
            except (stripe.APIError, stripe.APIConnectionError) as error:
                raise BillingUnavailable(_AWAY) from error
            except stripe.StripeError as error:
                raise StripeRefusedError(str(error), code=error.code) from error
            else:
                # The client takes any 200 for one of Stripe's, a proxy's page included.
                if getattr(answer, "object", None) != expected:
                    raise BillingUnavailable(_AWAY)
                return answer
        raise AssertionError("The last try returns or raises.")


def check_signature(body: bytes, *, signature: str, secret: str) -> bool:
    """Say whether Stripe signed a webhook's body within the last or the next five minutes."""
    import stripe

    try:
        stripe.WebhookSignature.verify_header(body.decode(), signature, secret, _SIGNED_WITHIN)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError):
        return False
    # The library takes any time in the future.
    signed_at = next(part[2:] for part in signature.split(",") if part.startswith("t="))
    return int(signed_at) <= time.time() + _SIGNED_WITHIN
