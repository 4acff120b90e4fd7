"""Everything that we have of a store, in one file behind a link."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from engine.services.write_items import write_items
from saas.lib.download_links import LINK_PATH, download_of
from saas.lib.errors import InvalidParameter, NotFound
from saas.lifecycle.request_store_export import request_store_export, store_exports
from saas.lifecycle.tasks import export_store
from tenants.context import in_environment, on_platform
from tenants.jobs import STORE_EXPORT_JOB
from tenants.models.audit_event import AuditEvent
from tenants.models.job import Job
from tests.serving import committed_store


def test_an_export_is_asked_for_once_written_and_linked(migrated: None) -> None:
    with committed_store("Leaving Lamps") as store:
        slug, live = store.live.tenant.slug, store.live
        with in_environment(live):
            write_items(environment=live, rows=[{"id": "lamp", "title": "Lamp"}])
        for _ in range(2):
            request_store_export(slug=slug, actor="staff:ann@x.example", reason="It leaves.")
        with on_platform():
            job = Job.objects.get(kind=STORE_EXPORT_JOB, environment=live)
            assert AuditEvent.objects.filter(tenant=live.tenant, reason="It leaves.").count() == 2
        (asked,) = store_exports(environment_id=live.pk)
        assert (asked.state, asked.link) == ("queued", None)
        export_store(job_id=job.pk, environment_id=live.pk)
        (written,) = store_exports(environment_id=live.pk)
        assert written.link is not None
        download = download_of(written.link.removeprefix(LINK_PATH))
        assert download is not None
        with zipfile.ZipFile(BytesIO(download.path.read_bytes())) as archive:
            assert "test/engine_item.csv" in archive.namelist()
            assert b"Lamp" in archive.read("live/engine_item.csv")


def test_an_export_needs_a_store_and_a_reason(database: None) -> None:
    with pytest.raises(NotFound):
        request_store_export(slug="nobody", actor="command", reason="None.")
    with pytest.raises(InvalidParameter):
        request_store_export(slug="acorn-books", actor="command", reason=" ")
