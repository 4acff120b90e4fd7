"""What imports and feeds share: the kinds and formats of files, who may send them, how to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from zoneinfo import available_timezones

from rest_framework.request import Request
from typing_extensions import override

from api.v1.authentication import Caller
from api.v1.views import EnvironmentView
from engine.files.cells import Kind
from engine.files.limits import MAX_COLUMNS
from engine.files.row_shape import check_mapping
from saas.lib.errors import InsufficientScope, InvalidParameter

# The scopes' resource of each kind of file.
_RESOURCES = {"items": "catalogue", "users": "catalogue", "events": "events"}
KINDS = list(_RESOURCES)
FORMATS = ("auto", "plain", "google_merchant", "shopify", "woocommerce")
MODES = ("incremental", "full")


class KindView(EnvironmentView):
    """The base of a view of files: which of them a credential may see depends on their kind."""

    @override
    def check_permissions(self, request: Request) -> None:
        if not kinds_of(self.caller, self._verb):
            raise InsufficientScope(f"catalogue:{self._verb}")
        super().check_permissions(request)

    @property
    def _verb(self) -> str:
        return "read" if self.request.method in {"GET", "HEAD"} else "write"

    def check_kind(self, kind: str) -> None:
        """Hold a call to the scope of what the file brings.

        Raises
        ------
        InsufficientScope
            The credential is for other things.
        """
        if kind not in kinds_of(self.caller, self._verb):
            raise InsufficientScope(f"{_RESOURCES[kind]}:{self._verb}")


def kinds_of(caller: Caller, verb: str) -> list[str]:
    """Return the kinds of files that a credential is for; a page's key is for none."""
    if caller.kind == "publishable":
        return []
    return [kind for kind, name in _RESOURCES.items() if f"{name}:{verb}" in caller.scopes]


def check_reading(
    *, kind: str, mode: str, time_zone: str | None, mapping: Mapping[str, Any]
) -> None:
    """Refuse what no file of this kind could be read by.

    Raises
    ------
    InvalidParameter
        The mode, the time zone or the mapping is none for this kind.
    """
    if mode == "full" and kind != "items":
        raise InvalidParameter(
            f"'mode' is 'full' for {kind}; only items are replaced as a whole.", pointer="/mode"
        )
    if time_zone is not None and time_zone not in available_timezones():
        raise InvalidParameter(
            f"'timezone' is '{time_zone[:60]}'; send an IANA name such as 'Europe/Berlin'.",
            pointer="/timezone",
        )
    if len(mapping) > MAX_COLUMNS or not all(isinstance(each, str) for each in mapping.values()):
        raise InvalidParameter(
            '\'mapping\' is no JSON object of texts; send {"our field": "their column"}, one for '
            f"each of at most {MAX_COLUMNS} columns.",
            pointer="/mapping",
        )
    check_mapping(mapping, kind=cast(Kind, kind))
