"""What staff may do: a deed says what follows, asks why, and calls a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget


class ReasonForm(forms.Form):
    """What a deed asks for at least; the field comes last."""

    first: ClassVar[Sequence[str]] = ()

    reason = forms.CharField(
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Stands in the audit log beside your name.",
    )

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.order_fields([name for name in (*self.first, *self.fields) if name != "reason"])


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where a deed leads: at once, or by a link where it leads off this site.

    Browsers do not follow a form to another host that the page's policy does not name.
    """

    url: str
    says: str = ""


# The row (None where the deed is of none), the staff's name in the audit log, the form's values.
Do = Callable[[Any, str, Mapping[str, Any]], "str | Elsewhere"]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that staff may do: its own page says what follows, asks why, and calls a service.

    Attributes
    ----------
    name, title
        In the address, and on the button.
    says
        What will happen, for who is about to do it.
    do
        Calls the service; returns a sentence on what was done.
    form
        What has to be known beside the reason.
    is_offered
        Whether it makes sense for a row.
    initial
        What the form begins with, of the (first) row.
    is_for_many
        Whether it may be done to rows chosen in the list.
    """

    name: str
    title: str
    says: str
    do: Do
    form: type[ReasonForm] = ReasonForm
    is_offered: Callable[[Any], bool] = lambda row: True
    initial: Callable[[Any], Mapping[str, Any]] = lambda row: {}
    is_dangerous: bool = False
    is_for_many: bool = False
