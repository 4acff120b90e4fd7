"""Turns what could be better about a store's data into what a page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.selectors.finding import Finding

_TONES = ((0.2, "bad"), (0.05, "warn"), (0.0, "neutral"))
# Of a sample, what leads to the item's own page.
_ITEM = "item_id"


def shown_findings(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings, the largest share first, with their samples as a table."""
    ordered = sorted(findings, key=lambda each: (-each.share, each.code))
    return [_shown(finding) for finding in ordered]


def _shown(finding: Finding) -> dict[str, Any]:
    columns = list(finding.samples[0]) if finding.samples else []
    # Nothing leads to the page of an item that the catalogue does not have.
    is_linked = finding.code != "unknown_items"
    return {
        "code": finding.code,
        "name": finding.code.replace("_", " ").capitalize(),
        "tone": next(tone for least, tone in _TONES if finding.share >= least),
        "percent": 100 * finding.share,
        "of": finding.of,
        "count": finding.count,
        "detail": finding.detail,
        "samples": finding.samples,
        "columns": columns,
        "rows": [
            [
                {
                    "text": sample.get(name),
                    "item_id": sample.get(name) if is_linked and name == _ITEM else None,
                }
                for name in columns
            ]
            for sample in finding.samples
        ],
    }
