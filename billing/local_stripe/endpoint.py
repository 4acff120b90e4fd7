"""What a resource of the local Stripe tells the server about each of its endpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from billing.local_stripe.world import Resource


@dataclass(frozen=True)
class Endpoint:
    """A method, a path, the request type in `stripe.params` and what answers."""

    method: str
    path: str
    parameters: str
    # handler(world, parameters, **path parameters)
    answer: Callable[..., Resource]
