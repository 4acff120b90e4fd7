"""The API's client and the hands of the serving tests, for the tests that ask every route."""

from __future__ import annotations

from tests.api.conftest import api
from tests.api.inference.conftest import acorn_hand, connection, serving_config

__all__ = ["acorn_hand", "api", "connection", "serving_config"]
