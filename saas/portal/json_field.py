"""A form's field for JSON that the inference service reads, written as in the body of a call."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from typing_extensions import override

from saas.lib.errors import ShelfwiseError
from saas.lib.strict_json import parse_strict_json


class JsonField(forms.CharField):
    """JSON, or None where nothing is written; what it means is the service's to judge."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        attrs = {"rows": rows, "class": "json", "spellcheck": "false"}
        super().__init__(required=False, widget=forms.Textarea(attrs=attrs), **kwargs)

    @override
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return parse_strict_json(text.encode()) if text else None
        except ShelfwiseError as error:
            raise forms.ValidationError(error.detail.replace("The body", "The text")) from None

    @override
    def prepare_value(self, value: Any) -> Any:
        """Return what was typed, or a stored value, a list with a line for each entry."""
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, list):
            return "[" + ",\n ".join(map(_line, value)) + "]"
        return _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
