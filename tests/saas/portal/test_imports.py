"""Imports in the browser: upload, see what the file would do, name its columns, import it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from engine.models.imports import Import
from engine.selectors.items import item_body
from engine.services.import_uploads import upload_path
from engine.services.remove_old_artifacts import artifacts_of
from engine.services.write_items import write_items
from saas.lib.ids import new_ulid
from saas.portal.pages import imports
from tenants.context import in_environment, on_platform
from tenants.models.environment import Environment
from tenants.models.feed import Feed
from tenants.models.person import Member
from tests.engine.importing import import_file, run_jobs, send_file
from tests.engine.statements import tenant_statements
from tests.people import store_host, visitor

ATTACK = "<script>alert(1)</script>"
ITEMS = "id,title,price\nlamp,Lamp,12.90\nvase,Vase,3\n"
PAGE = "/live/imports/"


@pytest.fixture
def owner(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


@pytest.fixture(autouse=True)
def _no_uploads(acorn: Environment) -> Iterator[None]:
    """Files are not rolled back with the database."""
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)
    yield
    shutil.rmtree(artifacts_of(acorn.pk), ignore_errors=True)


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


def stored(environment: Environment, item_id: str) -> dict[str, Any] | None:
    with in_environment(environment):
        return item_body(item_id)


def newest(environment: Environment) -> Import:
    with in_environment(environment):
        return Import.objects.latest("id")


def test_a_file_is_tried_out_first_and_then_imported(owner: Client, acorn: Environment) -> None:
    page = tried(owner, acorn)
    assert stored(acorn, "lamp") is None
    text = shown(owner, page)
    assert "Nothing has been changed. Of 2 rows, 2 can be taken." in text
    assert "Import 2 rows" in text
    applied = owner.post(f"{page}apply/")
    run_jobs(acorn)
    assert stored(acorn, "lamp") is not None
    text = shown(owner, applied.headers["Location"])
    assert "The import has begun." in text
    assert "Of 2 rows, 2 were taken." in text
    # The file went over to the import that took it up.
    assert not upload_path(environment_id=acorn.pk, import_id=page.split("/")[-2]).exists()
    again = owner.post(f"{page}apply/", follow=True)
    assert "is not kept any more" in again.content.decode()


def test_the_form_is_refused_before_a_byte_is_read_without_its_ticket(
    owner: Client, acorn: Environment, birch: Environment
) -> None:
    address = form_address(owner)
    stranger = visitor(acorn.tenant, Member.Role.DEVELOPER)
    tests = address.replace("/live/", "/test/")
    for client, target in (
        (owner, "/live/imports/upload/"),
        (owner, f"{address}x"),
        (owner, tests),
        (stranger, address),
    ):
        answer = send(client, address=target)
        assert answer.status_code == 302
        assert "upload" not in answer.headers["Location"]
    assert list(artifacts_of(acorn.pk).glob("imports/*")) == []
    assert send(owner, address=address).headers["Location"].startswith(PAGE)


def test_other_forms_need_django_s_token(owner: Client, acorn: Environment) -> None:
    page = tried(owner, acorn)
    owner.handler.enforce_csrf_checks = True
    for action in ("apply", "cancel", "confirm", "check"):
        assert owner.post(f"{page}{action}/").status_code == 403
    assert newest(acorn).dry_run


@pytest.mark.parametrize(
    ("file", "fields", "sentence", "field"),
    [
        (ITEMS, {"kind": "events", "mode": "full"}, "only items are replaced as a whole", "mode"),
        (ITEMS, {"timezone": "Mars/Olympus"}, "send an IANA name", "timezone"),
        (ITEMS, {"kind": "carts"}, "Choose the kind of the file.", "kind"),
        ('[{"id": "a"}]', {}, "begins with a JSON list", "file"),
        ("", {}, "The file is empty", "file"),
    ],
)
def test_a_refusal_stands_at_the_field_that_it_is_about(
    owner: Client, acorn: Environment, file: str, fields: dict[str, str], sentence: str, field: str
) -> None:
    answer = send(owner, file, **fields)
    assert answer.status_code in {400, 422}
    _, _, rest = answer.content.decode().partition(f'id="{field}"')
    assert sentence in (rest or answer.content.decode())
    assert list(artifacts_of(acorn.pk).glob("imports/*")) == []


def test_a_form_without_a_file_asks_for_one(owner: Client) -> None:
    answer = owner.post(form_address(owner), {"kind": "items", "mode": "full", "format": "auto"})
    assert answer.status_code == 400
    assert "Choose the file to upload." in answer.content.decode()


def test_columns_are_found_guessed_named_and_remembered(owner: Client, acorn: Environment) -> None:
    file = "sku,name,cost,colour\nlamp,Lamp,12.90,red\n"
    page = tried(owner, acorn, file)
    # An id is what a row needs most, and "sku" is one.
    assert newest(acorn).mapping == {"id": "sku", "title": "name"}
    text = shown(owner, page)
    assert '<option value="id" selected>id</option>' in text
    assert "12.90" in text
    both = owner.post(f"{page}check/", {"field-0": "id", "field-1": "title", "field-2": "title"})
    assert both.status_code == 400
    assert "Both &#x27;name&#x27; and &#x27;cost&#x27; are to be the title" in both.content.decode()
    checked = owner.post(
        f"{page}check/", {"field-0": "id", "field-1": "title", "field-2": "price", "field-3": ""}
    )
    run_jobs(acorn)
    owner.post(f"{checked.headers['Location']}apply/")
    run_jobs(acorn)
    item = stored(acorn, "lamp")
    assert item is not None
    assert (item["price"], item["attributes"]) == ("12.90", {"colour": "red"})
    tried(owner, acorn, "sku,name,cost\nvase,Vase,3\n")
    assert newest(acorn).mapping == {"id": "sku", "title": "name", "price": "cost"}


def test_a_whole_catalogue_deletes_only_what_somebody_agreed_to(
    owner: Client, acorn: Environment
) -> None:
    rows = [{"id": f"i{number}", "title": "I"} for number in range(9)]
    with in_environment(acorn):
        write_items(environment=acorn, rows=[*rows, {"id": "lamp", "title": "Lamp"}])
    page = tried(owner, acorn, mode="full")
    assert "The file lacks 9 items" in shown(owner, page)
    for agreed in ({}, {"agreed": "8"}):
        assert (
            "tick that you want this"
            in owner.post(f"{page}apply/", agreed, follow=True).content.decode()
        )
    applied = owner.post(f"{page}apply/", {"agreed": "9"}).headers["Location"]
    run_jobs(acorn)
    # Over a fifth of the catalogue: what was agreed to was said of a trial.
    text = shown(owner, applied)
    assert "9 items would be deleted" in text
    assert stored(acorn, "i1") is not None
    owner.post(f"{applied}confirm/", {"agreed": "9"})
    run_jobs(acorn)
    assert stored(acorn, "i1") is None
    assert stored(acorn, "lamp") is not None


def test_bad_rows_are_shown_and_can_be_downloaded(owner: Client, acorn: Environment) -> None:
    page = tried(owner, acorn, "id,title,price\na,A,abc\nb,B,=1+1\nc,C,3\n")
    text = shown(owner, page)
    assert "2 &times; invalid_price" in text
    assert "Of 3 rows, 1 can be taken and 2 are bad." in text
    csv = owner.get(f"{page}errors.csv")
    assert csv.headers["Content-Disposition"].startswith("attachment")
    lines = csv.getvalue().decode().splitlines()
    assert lines[0] == "line,column,value,code,detail"
    assert lines[2].startswith("3,price,'=1+1,invalid_price")


def test_progress_is_shown_renewed_and_can_be_cancelled(owner: Client, acorn: Environment) -> None:
    import_id = send_file(acorn, ITEMS)
    page = f"{PAGE}{import_id}/"
    assert "Waiting for a worker" in shown(owner, page)
    assert 'hx-trigger="every 3s"' in shown(owner, PAGE)
    with in_environment(acorn):
        Import.objects.filter(pk=import_id).update(
            status="running", share_read=0.25, stage_started_at=timezone.now()
        )
    part = shown(owner, f"{page}progress/")
    assert 'value="25"' in part
    assert "<html" not in part
    assert owner.post(f"{page}cancel/").headers["Location"] == page
    assert "It was cancelled" in shown(owner, page)
    ended = owner.get(f"{page}progress/", headers={"HX-Request": "true"})
    assert ended.headers["HX-Refresh"] == "true"


def test_what_cannot_be_done_any_more_is_said_on_the_same_page(
    owner: Client, acorn: Environment
) -> None:
    page = tried(owner, acorn)
    for action, sentence in (
        ("cancel", "nothing is left to cancel"),
        ("confirm", "only one that is needs_confirmation can be confirmed"),
    ):
        answer = owner.post(
            f"{page}{action}/", headers={"Referer": f"http://{store_host(acorn.tenant)}{page}"}
        )
        assert answer.headers["Location"].endswith(page)
        assert sentence in shown(owner, page)


def test_a_failed_import_says_why_and_offers_the_columns(owner: Client, acorn: Environment) -> None:
    page = tried(owner, acorn, "colour,size\nred,3\n")
    text = shown(owner, page)
    assert "The file has no column &#x27;id&#x27;" in text
    assert "What its columns mean" in text
    checked = owner.post(f"{page}check/", {"field-0": "id", "field-1": "title"})
    run_jobs(acorn)
    assert "Of 1 row, 1 can be taken." in shown(owner, checked.headers["Location"])


def test_feeds_are_listed_with_their_next_run_and_run_now(
    owner: Client, acorn: Environment
) -> None:
    now = timezone.now()
    with on_platform():
        feed = Feed.objects.create(
            id=new_ulid(),
            environment=acorn,
            url="https://acorn.example/products.csv",
            kind="items",
            format="auto",
            mode="incremental",
            every="24h",
            created_at=now,
            next_run_at=now,
            run_status="failed",
            run_error_code="fetch_failed",
            run_error=ATTACK,
            failures=3,
        )
    text = shown(owner, PAGE)
    assert "https://acorn.example/products.csv" in text
    assert "3 times in a row" in text
    assert ATTACK not in text
    run = owner.post(f"{PAGE}feeds/{feed.pk}/run/", follow=True)
    assert "The feed is being looked at." in run.content.decode()


def test_what_files_hold_is_shown_and_never_run(owner: Client, acorn: Environment) -> None:
    page = tried(owner, acorn, f'id,title,price,{ATTACK}\na,"{ATTACK}",{ATTACK},{ATTACK}\n')
    for text in (shown(owner, page), shown(owner, PAGE)):
        assert ATTACK not in text
    answer = owner.post(f"{page}check/", {"field-0": ATTACK})
    assert answer.status_code == 400
    assert ATTACK not in answer.content.decode()


def test_another_store_s_imports_and_feeds_are_not_there(
    owner: Client, acorn: Environment, birch: Environment
) -> None:
    theirs = import_file(birch, "id,title,price\na,A,abc\n", dry_run=True)
    page = f"{PAGE}{theirs.pk}/"
    for path in ("", "progress/", "errors.csv"):
        assert owner.get(f"{page}{path}").status_code == 404
    for action in ("apply", "check", "cancel", "confirm"):
        answer = owner.post(f"{page}{action}/", follow=True)
        assert f"There is no import &#x27;{theirs.pk}&#x27;" in answer.content.decode()
    assert upload_path(environment_id=birch.pk, import_id=theirs.pk).exists()
    for odd in ("..%2F..", "%00", "a" * 300):
        assert owner.get(f"{PAGE}{odd}/").status_code == 404


def test_an_analyst_looks_and_changes_nothing(acorn: Environment) -> None:
    page = tried(visitor(acorn.tenant), acorn)
    analyst = visitor(acorn.tenant, Member.Role.ANALYST)
    assert "Upload a file" not in shown(analyst, PAGE)
    assert "Import 2 rows" not in shown(analyst, page)
    assert analyst.post(f"{PAGE}upload/").status_code == 403
    assert analyst.post(f"{page}apply/").status_code == 403
    finance = visitor(acorn.tenant, Member.Role.FINANCE)
    assert [finance.get(path).status_code for path in (PAGE, page)] == [403, 403]


def test_a_page_asks_the_store_few_things(
    owner: Client, acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PAGE", 2)
    for _ in range(2):
        send_file(acorn, ITEMS)
    page = tried(owner, acorn)
    asked = {}
    for path in (PAGE, page):
        with tenant_statements() as statements:
            shown(owner, path)
        asked[path] = len(statements)
    assert asked == {PAGE: 1, page: 5}
    assert "Older" in shown(owner, PAGE)
