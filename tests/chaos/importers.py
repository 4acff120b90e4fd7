"""Who sends files while processes die, and knows what each import has to come to."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import orjson
from typing_extensions import override

from tests.chaos.developer import POLL_SECONDS, BrokenPromiseError, expect
from tests.chaos.senders import Sender

# Two chunks, so that a crash can fall between them.
EVENT_ROWS = 6_000
ITEM_ROWS = 400
# What a file brings anew and leaves out, each time: under the 20 % that would need a confirmation.
EXCHANGED = 40
IMPORT_SECONDS = 180
BOUNDARY = "boundary-of-a-file"
ENDED = {"completed", "failed", "cancelled", "needs_confirmation"}


class Importer(Sender):
    """Sends one file after the other and waits for what came of it."""

    def run_import(self, mark: str, text: str, **members: str) -> dict[str, Any]:
        """Import a file and return how the import ended."""
        parts = [_part(name, value) for name, value in members.items()]
        body = "".join([*parts, _part("file", text, filename="rows.csv"), f"--{BOUNDARY}--\r\n"])
        started = self.developer.insist(
            "POST",
            "/v1/imports",
            body.encode(),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            key=mark,
        )
        path = f"/v1/imports/{started.json['id']}"
        deadline = time.monotonic() + IMPORT_SECONDS
        while time.monotonic() < deadline:
            row: dict[str, Any] = self.developer.insist("GET", path).json
            if row["status"] in ENDED:
                expect(f"import {mark}", (row["status"], row.get("error")), ("completed", None))
                self.developer.tally.count(imports=1)
                return row
            time.sleep(POLL_SECONDS)
        raise BrokenPromiseError(f"import {mark} has not ended in {IMPORT_SECONDS} seconds: {row}")


class EventImporter(Importer):
    """Imports marked events, some of them bad, some told twice."""

    @override
    def send(self) -> None:
        mark = self.next_mark()
        is_dry = self.random.random() < 0.2
        bad = set(self.random.sample(range(EVENT_ROWS), 12))
        told_before = {row: row - 1 for row in self.random.sample(range(1, EVENT_ROWS), 9)}
        lines = ["type,user_id,item_id,ts,session_id,event_id"]
        good: dict[str, None] = {}
        for row in range(EVENT_ROWS):
            number = told_before.get(row, row)
            marked = f"{mark}-{number}"
            kind = "stare" if row in bad else "view"
            lines.append(
                f"{kind},u{number % 97},i{number % 31},2024-05-01T13:02:11Z,{marked},{marked}"
            )
            if row not in bad:
                good[marked] = None
        ended = self.run_import(mark, "\n".join(lines), kind="events", dry_run=str(is_dry).lower())
        counts = {name: ended[name] for name in ("rows_read", "accepted", "duplicates", "rejected")}
        wanted = {
            "rows_read": EVENT_ROWS,
            "accepted": len(good),
            "duplicates": EVENT_ROWS - len(bad) - len(good),
            "rejected": len(bad),
        }
        expect(f"import {mark}", counts, wanted)
        errors = self.developer.insist("GET", f"/v1/imports/{ended['id']}/errors.csv").body.decode()
        bad_lines = [int(row["line"]) for row in csv.DictReader(io.StringIO(errors))]
        expect(f"errors of {mark}", bad_lines, sorted(row + 2 for row in bad))
        if not is_dry:
            self.events += good
            self.developer.tally.count(rows=len(good))


class CatalogueImporter(Importer):
    """Replaces the whole catalogue of an environment that is its own."""

    @override
    def send(self) -> None:
        mark = self.next_mark()
        there = [item_id for item_id, title in self.items.items() if title is not None]
        left_out = self.random.sample(there, min(EXCHANGED, len(there)))
        new = [f"{mark}-{row}" for row in range(ITEM_ROWS - len(there) + len(left_out))]
        kept = sorted(set(there) - set(left_out))
        titles: dict[str, str | None] = dict.fromkeys([*kept, *new], mark)
        lines = [
            orjson.dumps({"id": each, "title": title}).decode() for each, title in titles.items()
        ]
        ended = self.run_import(mark, "\n".join(lines), kind="items", mode="full")
        counts = {name: ended[name] for name in ("created", "updated", "deleted", "rejected")}
        wanted = {
            "created": len(new),
            "updated": len(kept),
            "deleted": len(left_out),
            "rejected": 0,
        }
        expect(f"import {mark}", counts, wanted)
        self.items |= dict.fromkeys(left_out) | titles
        self.developer.tally.count(rows=len(titles))


def _part(name: str, value: str, *, filename: str | None = None) -> str:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return f"{head}{value}\r\n"
