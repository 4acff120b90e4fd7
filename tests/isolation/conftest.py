"""The API's client, for the tests that ask every route."""

from __future__ import annotations

from tests.api.conftest import api

__all__ = ["api"]
