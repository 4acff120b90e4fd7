"""What an operator types, and what comes back."""

from __future__ import annotations

import io
import secrets

import pytest
from django.core.management import CommandError, call_command

from manage import OWNER_COMMANDS
from tenants import tokens
from tests.conftest import as_owner


def manage(command: str, *arguments: str) -> str:
    """Run a command under the login that `manage.py` gives it, and return what it printed."""
    output = io.StringIO()
    if command in OWNER_COMMANDS:
        with as_owner():
            call_command(command, *arguments, stdout=output)
    else:
        call_command(command, *arguments, stdout=output)
    return output.getvalue()


def test_a_tenants_life_from_the_command_line(migrated: None) -> None:
    slug = f"pine-toys-{secrets.token_hex(3)}"
    created = manage("tenant_create", "Pine Toys", "--slug", slug)
    keys = [word for word in created.split() if word.startswith("sk_")]
    assert [tokens.is_well_formed(key) for key in keys] == [True, True]
    with pytest.raises(CommandError, match=f"The slug '{slug}' is taken"):
        manage("tenant_create", "Pine Toys", "--slug", slug)

    with pytest.raises(CommandError, match="Say why"):
        manage("tenant_suspend", slug, "--reason", " ")
    assert f"{slug} suspended" in manage("tenant_suspend", slug, "--reason", "a test")
    listed = [line.split() for line in manage("tenant_list").splitlines()]
    assert [row[1:3] for row in listed if row[0] == slug] == [
        ["live", "suspended"],
        ["test", "suspended"],
    ]

    with pytest.raises(CommandError, match="--confirm says 'other'"):
        manage("tenant_delete", slug, "--confirm", "other", "--reason", "a test")
    assert "deleted" in manage("tenant_delete", slug, "--confirm", slug, "--reason", "a test")
    assert slug not in manage("tenant_list")


@pytest.mark.parametrize("name", ["…", "Pine Toys", "-toys", "x" * 51])
def test_a_slug_that_makes_no_hostname_is_refused(migrated: None, name: str) -> None:
    with pytest.raises(CommandError, match="cannot be part of a hostname"):
        manage("tenant_create", "Pine Toys", f"--slug={name}")
