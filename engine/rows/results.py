"""What came of the rows of one request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from saas.lib.errors import BatchTooLarge, FieldError, RowsRejected

MAX_BATCH_ROWS = 1_000


def check_batch_size(rows: int, *, name: str) -> None:
    """Refuse a batch of more rows than one transaction takes.

    Raises
    ------
    BatchTooLarge
        It has more than `MAX_BATCH_ROWS`.
    """
    if rows > MAX_BATCH_ROWS:
        raise BatchTooLarge(
            f"The batch has {rows} {name}; send at most {MAX_BATCH_ROWS} in one request."
        )


@dataclass(slots=True)
class WriteResult:
    """What a batch did to the catalogue or the users; each row is counted once.

    Attributes
    ----------
    accepted
        All rows but the rejected ones.
    stale
        Rows older than what is stored; nothing was done.
    errors
        At least one for each rejected row.
    """

    accepted: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    stale: int = 0
    rejected: int = 0
    errors: list[FieldError] = field(default_factory=list)

    def count(self, outcome: str) -> None:
        """Count one accepted row."""
        self.accepted += 1
        setattr(self, outcome, getattr(self, outcome) + 1)

    def reject(self, errors: list[FieldError]) -> None:
        """Count one rejected row."""
        self.rejected += 1
        self.errors.extend(errors)

    def counts(self) -> dict[str, int]:
        """Return the numbers as the contract names them."""
        return {
            "accepted": self.accepted,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            "stale": self.stale,
            "rejected": self.rejected,
        }

    def as_body(self) -> dict[str, Any]:
        """Return the answer's body."""
        return {**self.counts(), "errors": [error.as_member() for error in self.errors]}

    def raise_if_refused(self, *, is_atomic: bool) -> None:
        """Refuse the whole batch where no row, or in an atomic one not every row, can be taken.

        Raises
        ------
        RowsRejected
            With the counts of a batch of which nothing was written.
        """
        if not self.rejected or (self.accepted and not is_atomic):
            return
        refused = WriteResult(rejected=self.rejected)
        reason = "The batch is atomic and" if self.accepted else "No row could be taken:"
        raise RowsRejected(
            f"{reason} {self.rejected} of {self.rejected + self.accepted} rows were rejected; "
            "nothing was written. See errors.",
            errors=self.errors,
            members=refused.counts(),
        )
