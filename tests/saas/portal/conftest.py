"""Every test of a page asks the portal's hosts."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _hosts(hosts: None) -> None:
    """Hosts, named as a deployment names them."""
