"""Asks the inference service what a store gets: the same door, the same body, at nobody's cost."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from django.utils import timezone

from saas.lib.config import config
from tenants.models.environment import Environment
from tenants.services.issue_preview_token import issue_preview_token

# A page waits for no longer; shoppers' calls take a hundredth of it.
_SECONDS = 5.0

log = structlog.get_logger()


class InferenceAway(Exception):
    """Nobody answers; the message is for the person who looks at the page."""


@dataclass(frozen=True, slots=True)
class Given:
    """What came back: an answer, or the problem that a store would get."""

    status: int
    body: dict[str, Any]

    @property
    def is_answer(self) -> bool:
        """Whether the call was answered."""
        return self.status == 200


def previewed(environment: Environment, *calls: tuple[str, Mapping[str, Any]]) -> list[Given]:
    """Return what a store's calls get now, each a path and a body.

    Raises
    ------
    InferenceAway
        The service is not named, or does not answer.
    """
    url = config().inference_url
    if url is None:
        raise InferenceAway(
            "This portal has not been told where recommendations are served: whoever runs it sets "
            "SHELFWISE_INFERENCE_URL."
        )
    token = issue_preview_token(environment=environment, now=timezone.now())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=_SECONDS)) as connection:
            return [_asked(connection, path, call, headers) for path, call in calls]
    except (OSError, HTTPException, orjson.JSONDecodeError) as error:
        log.warning("inference_away", url=url, error=repr(error))
        raise InferenceAway(
            "The service that answers recommendation calls does not answer this page now. Look "
            "again in a minute; your store's calls may take another way to it."
        ) from error


def _asked(
    connection: HTTPConnection, path: str, call: Mapping[str, Any], headers: Mapping[str, str]
) -> Given:
    connection.request("POST", path, body=orjson.dumps(call), headers=dict(headers))
    with connection.getresponse() as response:
        return Given(response.status, orjson.loads(response.read()))
