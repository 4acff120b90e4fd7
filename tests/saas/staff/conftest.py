"""Every test of the console asks its host, as staff or as somebody who is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tenants.models.person import Person


@pytest.fixture(autouse=True)
def _hosts(hosts: None) -> None:
    """Hosts, named as a deployment names them."""


@pytest.fixture
def staff(database: None) -> Person:
    from tests.people import staff

    return staff()


@pytest.fixture
def console(staff: Person) -> Client:
    """The browser of staff who have logged in with a code."""
    from tests.people import at_console

    return at_console(staff)
