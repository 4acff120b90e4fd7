"""The live checklist and the snippets: they name the store's own key, and they work."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import Client

from engine.models.event import Event
from saas.lib.config import config
from saas.portal.pages.get_started import KEY_NAME, facts_of
from saas.portal.snippets import snippets
from tenants.context import in_environment, on_platform
from tenants.models.api_key import ApiKey
from tenants.models.environment import Environment
from tests.conftest import Store
from tests.people import visitor
from tests.saas.portal.deeds import answer_calls, put_items, questions, send_events
from tests.serving import committed_store, web_process

LIVE, TEST = "/live/get-started/", "/test/get-started/"


@pytest.fixture
def client(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


def text_of(client: Client, path: str = LIVE, *, is_part: bool = False) -> str:
    answer = client.get(path, headers={"HX-Request": "true"} if is_part else {})
    assert answer.status_code == 200
    return answer.content.decode()


def done(text: str) -> int:
    return text.count('<span class="pill good">done</span>')


def test_the_list_follows_what_the_store_does_and_looks_again_until_it_is_through(
    client: Client, acorn: Environment
) -> None:
    with on_platform():
        ApiKey.objects.filter(environment=acorn).delete()
    assert done(text_of(client)) == 0
    assert 'hx-trigger="every 4s"' in text_of(client)

    put_items(acorn, "oak", "elm")
    view = {"type": "view", "user_id": "u", "item_id": "oak"}
    click = {**view, "type": "click", "recommendation_id": "01KV"}
    send_events(acorn, view)
    part = text_of(client, is_part=True)
    assert done(part) == 2
    assert "2 items" in part
    assert "1 of 100 events" in part
    assert "<h1>" not in part
    assert "<pre" not in part

    send_events(acorn, click)
    answer_calls(acorn, calls=1)
    assert done(text_of(client)) == 4

    with on_platform():
        Environment.objects.filter(pk=acorn.pk).update(live_version="01KVX")
    client.post(f"{LIVE}key/")
    with on_platform():
        made = ApiKey.objects.filter(name=KEY_NAME, environment__tenant=acorn.tenant)
        made.update(environment=acorn)
    last = text_of(client, is_part=True)
    assert "All steps are taken" in last
    assert "hx-trigger" not in last


def test_each_environment_has_its_own_list(
    client: Client, acorn: Environment, acorn_test: Environment
) -> None:
    put_items(acorn_test, "oak", "elm")
    assert done(text_of(client, TEST)) == done(text_of(client, LIVE)) + 1


def test_without_a_key_the_snippets_say_what_to_put_there(client: Client) -> None:
    page = text_of(client)
    assert page.count("YOUR_TEST_KEY") == 1 + 4
    assert "Make a test key for these snippets" in page


def test_a_key_made_here_is_of_the_test_environment_and_shown_once(
    client: Client, acorn_test: Environment
) -> None:
    answer = client.post(f"{LIVE}key/", follow=True)
    [key] = set(re.findall(r"sk_test_\w{36}", answer.content.decode()))
    # The banner and four snippets.
    assert answer.content.decode().count(key) == 5
    assert "no-store" in answer.headers["Cache-Control"]
    with on_platform():
        row = ApiKey.objects.get(name=KEY_NAME, environment=acorn_test)
    assert (row.environment_id, row.last_four) == (acorn_test.pk, key[-4:])
    assert key not in text_of(client)


def test_the_list_that_looks_again_takes_no_key_away(client: Client) -> None:
    client.post(f"{LIVE}key/")
    text_of(client, is_part=True)
    assert "sk_test_" in text_of(client)


def test_only_who_manages_keys_makes_one(acorn: Environment) -> None:
    analyst = visitor(acorn.tenant, "analyst")
    assert "A developer, admin or owner of this store can make one here." in text_of(analyst)
    assert analyst.post(f"{LIVE}key/").status_code == 403
    with on_platform():
        made = ApiKey.objects.filter(name=KEY_NAME, environment__tenant=acorn.tenant)
        assert not made.exists()


def test_a_key_is_not_made_by_looking(client: Client) -> None:
    assert client.get(f"{LIVE}key/").status_code == 405


def test_the_page_asks_the_database_as_often_whatever_there_is(
    client: Client, acorn: Environment
) -> None:
    text_of(client)
    put_items(acorn, *(f"item-{number}" for number in range(50)))
    send_events(
        acorn, *({"type": "view", "user_id": "u", "item_id": f"item-{n}"} for n in range(50))
    )
    with questions() as asked:
        text_of(client)
    assert len(asked) == 12, "\n".join(asked)


@dataclass(frozen=True)
class Served:
    """A store with a real process before it, and the files of its snippets by language."""

    store: Store
    files: dict[str, Path]


@pytest.fixture(scope="module")
def served(migrated: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("snippets")
    with committed_store("Snippets") as store, web_process(folder / "web.log") as (_, port):
        files = {}
        for snippet in snippets(key=store.test_key):
            files[snippet.language] = folder / f"snippet.{snippet.language}"
            text = snippet.text.replace(config().api_url, f"http://127.0.0.1:{port}")
            files[snippet.language].write_text(text)
        yield Served(store, files)


def run(program: str, *arguments: object) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"There is no {program} on this machine.")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("program", ["sh", sys.executable])
def test_a_snippet_takes_the_steps_that_it_promises(served: Served, program: str) -> None:
    with in_environment(served.store.test):
        Event.objects.all().delete()
    printed = run(program, served.files["curl" if program == "sh" else "python"])

    assert "lamp-" in printed
    facts = facts_of(served.store.test)
    assert (facts.keys, facts.items, facts.lines, facts.clicks) == (1, 2, 2, 1)


def test_the_javascript_snippet_works_where_there_is_node(served: Served) -> None:
    assert "[" in run("node", served.files["javascript"])


def test_the_php_snippet_works_where_there_is_php(served: Served) -> None:
    if "curl" not in run("php", "-m").split():
        pytest.skip("This machine's PHP has no curl: apt-get install php-curl.")
    assert "=>" in run("php", served.files["php"])
