"""One import in the browser: what the file would do, its columns named, and then for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from engine.models.imports import Import
from engine.selectors.items import item_body
from engine.selectors.privacy_subject import Subject
from engine.services.erase_copies import erase_copies
from engine.services.import_uploads import upload_path
from engine.services.write_items import write_items
from tenants.context import in_environment
from tenants.models.environment import Environment
from tests.engine.importing import import_file, run_jobs, send_file
from tests.people import store_host, visitor
from tests.saas.portal.uploading import (
    ITEMS,
    PAGE,
    shown,
    tried,
    without_uploads,
)

ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def owner(acorn: Environment) -> Client:
    return visitor(acorn.tenant)


@pytest.fixture(autouse=True)
def _no_uploads(acorn: Environment) -> Iterator[None]:
    with without_uploads(acorn):
        yield


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


def test_other_forms_need_django_s_token(owner: Client, acorn: Environment) -> None:
    page = tried(owner, acorn)
    owner.handler.enforce_csrf_checks = True
    for action in ("apply", "cancel", "confirm", "check"):
        assert owner.post(f"{page}{action}/").status_code == 403
    assert newest(acorn).dry_run


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
        answer = owner.post(f"{page}{action}/")
        assert answer.status_code == 404
        assert f"There is no import &#x27;{theirs.pk}&#x27;" in answer.content.decode()
    assert upload_path(environment_id=birch.pk, import_id=theirs.pk).exists()
    for odd in ("..%2F..", "%00", "a" * 300):
        assert owner.get(f"{PAGE}{odd}/").status_code == 404


def test_an_item_that_changed_since_the_upload_is_spared(owner: Client, acorn: Environment) -> None:
    page = tried(owner, acorn, mode="full")
    with in_environment(acorn):
        write_items(environment=acorn, rows=[{"id": "later", "title": "Later"}])
    owner.post(f"{page}apply/")
    run_jobs(acorn)
    assert stored(acorn, "later") is not None
    assert stored(acorn, "lamp") is not None


def test_an_erasure_finds_the_file_however_often_it_was_tried(
    owner: Client, acorn: Environment
) -> None:
    file = "type,who,item_id,ts\nview,ada,lamp,2026-01-05T11:00:00Z\n"
    page = tried(owner, acorn, file, kind="events")
    erased_at = timezone.now()
    checked = owner.post(f"{page}check/", {"field-1": "user_id"}).headers["Location"]
    run_jobs(acorn)
    path = upload_path(environment_id=acorn.pk, import_id=checked.split("/")[-2])
    assert path.exists()
    subject = Subject(user_id="ada", shopper_id=None)
    with in_environment(acorn):
        erase_copies(environment=acorn, subject=subject, before=erased_at)
    assert not path.exists()
    assert "no longer" in shown(owner, checked)
