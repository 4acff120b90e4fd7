"""The hosts on which the pages of the portal and the staff console answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from saas.lib.config import config


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The portal's and the staff console's hosts, and passwords that need not resist anybody."""
    from django.test import override_settings

    from tests.people import PORTAL_DOMAIN, PORTAL_HOST, STAFF_HOST

    named = config().model_copy(
        update={
            "portal_host": PORTAL_HOST,
            "portal_domain": PORTAL_DOMAIN,
            "staff_host": STAFF_HOST,
        }
    )
    for module in ("saas.surfaces", "saas.portal.accounts"):
        monkeypatch.setattr(f"{module}.config", lambda: named)
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher"
    with override_settings(PASSWORD_HASHERS=[hasher]):
        yield
