"""What axe says against a page: the rules of WCAG 2.2 AA that a machine can judge."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# Without a tag of WCAG's, and worth having: one h1, one main, no skipped level.
_GOOD_PRACTICE = ("heading-order", "landmark-one-main", "page-has-heading-one", "region")


def violations(page: Page, *, rules: Sequence[str] | None = None) -> list[str]:
    """Return what is wrong and where, a line each; of all rules, or of these."""
    if rules is None:
        options = {
            "runOnly": list(_TAGS),
            "rules": {rule: {"enabled": True} for rule in _GOOD_PRACTICE},
        }
    else:
        options = {"runOnly": {"type": "rule", "values": list(rules)}}
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
