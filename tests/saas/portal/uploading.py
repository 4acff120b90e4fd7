"""Sends the portal's upload form as a browser does, and lets a worker try the file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client

from engine.services.remove_old_artifacts import artifacts_of
from tenants.models.environment import Environment
from tests.engine.importing import run_jobs

ITEMS = "id,title,price\nlamp,Lamp,12.90\nvase,Vase,3\n"
PAGE = "/live/imports/"


@contextmanager
def without_uploads(environment: Environment) -> Iterator[None]:
    """Keep the files of one test from the others: they are not rolled back with the database."""
    shutil.rmtree(artifacts_of(environment.pk), ignore_errors=True)
    yield
    shutil.rmtree(artifacts_of(environment.pk), ignore_errors=True)


def form_address(client: Client) -> str:
    """Return where the page's form sends its file."""
    text = client.get(PAGE).content.decode()
    _, _, rest = text.partition('action="/live/imports/upload/')
    return "/live/imports/upload/" + rest.partition('"')[0]


def send(client: Client, file: str = ITEMS, *, address: str | None = None, **fields: str) -> Any:
    """Send the page's form as a browser does."""
    body = "".join(
        f'--part\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {
            "kind": "items",
            "mode": "incremental",
            "format": "auto",
            "timezone": "",
            **fields,
            'file"; filename="my items.csv': file,
        }.items()
    )
    return client.post(
        address or form_address(client),
        data=f"{body}--part--\r\n".encode(),
        content_type="multipart/form-data; boundary=part",
    )


def tried(client: Client, acorn: Environment, file: str = ITEMS, **fields: str) -> str:
    """Upload a file, let the worker try it, and return the address of its page."""
    answer = send(client, file, **fields)
    assert answer.status_code == 302, answer.content.decode()
    run_jobs(acorn)
    return str(answer.headers["Location"])


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()
