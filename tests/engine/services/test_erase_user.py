"""Erasing a shopper: in force at once, everywhere in the end, and nobody else loses anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.models.event import Event
from engine.models.imports import ImportRowError
from engine.models.privacy import Tombstone
from engine.models.shopper import IdentityLink, Shopper
from engine.selectors.training_data import training_data
from engine.selectors.users import user_body
from engine.services import erase_traces
from engine.services.write_items import put_item
from engine.services.write_users import patch_user
from saas.lib.errors import InvalidObject, RowsRejected
from tenants.context import in_environment, on_platform
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.job import Job
from tests.engine.importing import counts, import_file, row_errors
from tests.engine.privacy import (
    at,
    erase,
    merge,
    request_erasure,
    run_jobs,
    stored,
    take_in,
    the_request,
    view,
)
from tests.webhooks import make_webhook, told


@pytest.fixture(autouse=True)
def lamp(acorn: Environment) -> None:
    with in_environment(acorn):
        put_item(environment=acorn, item_id="lamp", members={"title": "Lamp"})


def codes(error: RowsRejected) -> list[str]:
    return [each.code for each in error.errors]


def names(environment: Environment) -> list[str]:
    """Return the shoppers that a training would give a profile."""
    with in_environment(environment):
        keys = training_data().dataset.user_keys
    return sorted(key for key in keys if key.startswith(("u:", "a:")))


def test_an_erased_user_is_gone_with_every_visitor_and_nobody_else(acorn: Environment) -> None:
    with in_environment(acorn):
        patch_user(environment=acorn, user_id="ada", members={"attributes": {"city": "Ulm"}})
    take_in(
        acorn,
        view(0, anonymous_id="tab"),
        view(1, anonymous_id="tab", user_id="ada"),
        view(2, anonymous_id="tab"),
        view(3, user_id="ada"),
        view(4, anonymous_id="phone"),
        view(5, user_id="ben"),
    )
    receipt = erase(acorn, user_id="ada")
    assert (receipt.status, receipt.subject) == ("completed", None)
    assert receipt.removed == {
        "users": 1,
        "anonymous_ids": 1,
        "identity_links": 1,
        "events": 4,
        "recent_lists": receipt.removed["recent_lists"],
        "import_rows": 0,
        "files": 0,
    }
    assert stored(acorn) == [(None, "phone", at(4)), ("ben", None, at(5))]
    with in_environment(acorn):
        assert user_body("ada") is None
        assert set(Shopper.objects.values_list("external_id", flat=True)) == {"phone", "ben"}
        assert not IdentityLink.objects.exists()


def test_an_erasure_is_in_force_before_its_job_has_run(acorn: Environment) -> None:
    take_in(acorn, view(0, user_id="ada"), view(1, anonymous_id="tab"), view(2, user_id="ben"))
    merge(acorn, "tab", "ada", hours=2)
    request_erasure(acorn, user_id="ada")
    assert names(acorn) == ["u:ben"]
    with in_environment(acorn):
        assert user_body("ada") is None
    with pytest.raises(RowsRejected) as refused:
        take_in(acorn, view(0, user_id="ada"), view(1.5, anonymous_id="tab"))
    assert codes(refused.value) == ["user_erased", "user_erased"]
    assert not any("ada" in each.detail for each in refused.value.errors)


def test_whoever_comes_back_is_somebody_new(acorn: Environment) -> None:
    take_in(acorn, view(0, user_id="ada"), view(1, anonymous_id="tab", user_id="ada"))
    request_erasure(acorn, user_id="ada")
    result = take_in(
        acorn, view(None, user_id="ada", item_id="oak"), view(0, user_id="ada", item_id="elm")
    )
    assert (result.accepted, result.rejected, result.errors[0].code) == (1, 1, "user_erased")
    take_in(acorn, view(None, anonymous_id="tab"))
    run_jobs(acorn)
    with in_environment(acorn):
        left = Event.objects.values_list("user__external_id", "anonymous__external_id")
        assert set(left) == {("ada", None), (None, "tab")}
    assert names(acorn) == ["a:tab"]


def test_a_shared_device_stays_the_other_customers(acorn: Environment) -> None:
    take_in(acorn, view(0, anonymous_id="tab"), view(2, anonymous_id="tab"))
    merge(acorn, "tab", "ada", hours=1)
    merge(acorn, "tab", "ben", hours=1.5)
    request_erasure(acorn, user_id="ada")
    assert names(acorn) == ["u:ben"]
    run_jobs(acorn)
    assert stored(acorn) == [(None, "tab", at(2))]
    with pytest.raises(RowsRejected):
        take_in(acorn, view(1.2, anonymous_id="tab"))
    assert take_in(acorn, view(1.7, anonymous_id="tab")).accepted == 1


def test_the_time_of_an_earlier_customer_is_not_the_next_ones(acorn: Environment) -> None:
    take_in(acorn, view(0, anonymous_id="tab"), view(3, anonymous_id="tab"))
    merge(acorn, "tab", "ben", hours=1)
    merge(acorn, "tab", "ada", hours=2)
    erase(acorn, user_id="ada")
    assert [when for *_, when in stored(acorn)] == [at(0)]
    take_in(acorn, view(None, anonymous_id="tab"))
    assert names(acorn) == ["a:tab", "u:ben"]


def test_a_visitor_stands_for_the_user_that_it_is_now(acorn: Environment) -> None:
    take_in(acorn, view(0, user_id="ada"), view(1, anonymous_id="tab"))
    merge(acorn, "tab", "ada", hours=2)
    assert erase(acorn, anonymous_id="tab").removed["events"] == 2
    assert stored(acorn) == []


def test_a_visitor_who_is_nobody_is_erased_alone(acorn: Environment) -> None:
    take_in(acorn, view(0, anonymous_id="tab", session_id="s1"), view(1, user_id="tab"))
    receipt = erase(acorn, anonymous_id="tab")
    assert (receipt.removed["anonymous_ids"], receipt.removed["users"]) == (1, 0)
    assert stored(acorn) == [("tab", None, at(1))]


@pytest.mark.parametrize("whom", [{"user_id": "eve"}, {"anonymous_id": "eve"}])
def test_somebody_unknown_gets_a_tombstone_and_a_receipt(
    acorn: Environment, whom: dict[str, str]
) -> None:
    make_webhook(acorn)
    receipt = erase(acorn, **whom)
    assert receipt.status == "completed"
    data = {"id": receipt.pk, "kind": "erase"}
    assert told(acorn) == [("privacy.completed", data)]
    assert not any(receipt.removed.values())
    with pytest.raises(RowsRejected):
        take_in(acorn, view(0, **whom))


def test_a_tombstone_names_nobody_and_is_another_in_each_store(
    acorn: Environment, birch: Environment
) -> None:
    with on_platform():
        written_before = set(AuditEvent.objects.values_list("pk", flat=True))
    digests = []
    for environment in (acorn, birch):
        erase(environment, user_id="ada")
        with in_environment(environment):
            digests.append(bytes(Tombstone.objects.get().digest))
    assert digests[0] != digests[1]
    with on_platform():
        deeds = AuditEvent.objects.exclude(pk__in=written_before).values()
        assert [deed["action"] for deed in deeds] == ["user_erased"] * 2
        assert not any("ada" in str(deed) for deed in deeds)
        assert not any("ada" in str(job.payload) for job in Job.objects.all())


def test_other_stores_keep_their_own(acorn: Environment, birch: Environment) -> None:
    take_in(birch, view(0, user_id="ada"))
    erase(acorn, user_id="ada")
    assert len(stored(birch)) == 1
    assert take_in(birch, view(1, user_id="ada")).accepted == 1


def test_an_imported_file_brings_nobody_back(acorn: Environment) -> None:
    take_in(acorn, view(0, user_id="ada"))
    erase(acorn, user_id="ada")
    events = import_file(
        acorn,
        "type,user_id,item_id,ts\n"
        f"view,ada,lamp,{at(0).isoformat()}\nview,ada,lamp,\nview,ben,lamp,{at(0).isoformat()}\n",
        kind="events",
    )
    assert (events.accepted, events.rejected) == (1, 2)
    assert [(value, code) for *_, value, code in row_errors(acorn)] == [("", "user_erased")] * 2
    newer = datetime.now(UTC).isoformat()
    users = import_file(
        acorn,
        f"id,city,source_updated_at\nada,Ulm,\nada,Ulm,{at(0).isoformat()}\nben,Ulm,\n",
        kind="users",
    )
    assert counts(users) == {"accepted": 1, "updated": 1, "rejected": 2}
    users = import_file(acorn, f"id,city,source_updated_at\nada,Bonn,{newer}\n", kind="users")
    assert counts(users) == {"accepted": 1, "created": 1}


def test_what_the_store_says_now_begins_a_user_anew(acorn: Environment) -> None:
    with in_environment(acorn):
        members = {"attributes": {"city": "Ulm"}, "personalise": False}
        patch_user(environment=acorn, user_id="ada", members=members)
    erase(acorn, user_id="ada")
    with in_environment(acorn):
        old = {"source_updated_at": at(0).isoformat()}
        with pytest.raises(InvalidObject) as refused:
            patch_user(environment=acorn, user_id="ada", members=old)
        assert refused.value.errors[0].code == "user_erased"
        patch_user(environment=acorn, user_id="ada", members={"attributes": {"size": "M"}})
        body = user_body("ada")
    assert body is not None
    assert (body["attributes"], body["personalise"]) == ({"size": "M"}, True)


def test_what_imports_kept_of_the_user_goes_too(acorn: Environment) -> None:
    text = b'{"id": "ada", "hat": {"size": 1}}\n{"id": "adam", "hat": {"size": 1}}\n'
    assert import_file(acorn, text, kind="users").rejected == 2
    receipt = erase(acorn, user_id="ada")
    assert (receipt.removed["import_rows"], receipt.removed["files"]) == (1, 1)
    with in_environment(acorn):
        details = ImportRowError.objects.order_by("line").values_list("detail", flat=True)
        assert [detail.split(";")[0] for detail in details] == [
            "Its shopper was erased.",
            "User 'adam' has the unknown field 'hat'",
        ]


def test_a_crash_between_two_steps_loses_nothing(
    acorn: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(acorn, *(view(hour, user_id="ada", session_id=f"s{hour}") for hour in range(5)))
    request_id = request_erasure(acorn, user_id="ada")
    monkeypatch.setattr(erase_traces, "BATCH_ROWS", 2)
    steps = ["forget_recent_events", "erase_copies", "publish_erasures", "schedule_retirement"]
    for step in steps:
        with monkeypatch.context() as broken:

            def crash(*_: Any, **__: Any) -> None:
                raise ConnectionError

            broken.setattr(erase_traces, step, crash)
            run_jobs(acorn)
        assert the_request(acorn, request_id).status != "completed"
    run_jobs(acorn)
    receipt = the_request(acorn, request_id)
    assert (receipt.status, receipt.removed["events"]) == ("completed", 5)
    assert stored(acorn) == []


def test_an_erasure_is_never_given_up(acorn: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(acorn, view(0, user_id="ada"))
    request_id = request_erasure(acorn, user_id="ada")

    def crash(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(erase_traces, "erase_copies", crash)
        for _ in range(4):
            run_jobs(acorn)
    with on_platform():
        assert Job.objects.filter(environment=acorn, state="failed").count() == 1
    run_jobs(acorn)
    assert the_request(acorn, request_id).status == "completed"
