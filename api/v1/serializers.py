"""Bases of the serializers that read small bodies: strict about names, types and times."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers
from typing_extensions import override

from saas.lib.errors import UnknownField, pointer_step

_SHOWN_CHARACTERS = 60


class StrictSerializer(serializers.Serializer[Any]):
    """An object whose every member is known."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            for name in data:
                if name not in self.fields:
                    raise _unknown_field(name, known=list(self.fields))
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A JSON string; numbers and booleans are not turned into one."""

    @override
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """JSON's true or false; texts and numbers are not turned into one."""

    @override
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@extend_schema_field({"type": "string", "pattern": r"^\d{1,12}(\.\d{1,2})?$"})
class AmountField(serializers.DecimalField):
    """An amount of money of at most 12 digits and two decimals, not below 0."""

    def __init__(self, **members: Any) -> None:
        super().__init__(max_digits=14, decimal_places=2, min_value=0, **members)

    @override
    def to_internal_value(self, data: Any) -> Decimal:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            shown = repr(data)[:_SHOWN_CHARACTERS]
            raise serializers.ValidationError(
                f"{shown} is no amount; send one such as '49.90', with two decimals at most.",
                code="invalid_parameter",
            ) from None


class SecretField(serializers.CharField):
    """A member of an answer that is kept nowhere, so that no replay of the answer has it."""

    def __init__(self, *, help_text: str) -> None:
        replayed = "A repeated request is answered without it."
        super().__init__(required=False, help_text=f"{help_text} {replayed}")


class InstantField(serializers.DateTimeField):
    """RFC 3339 with an offset."""

    @override
    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise serializers.ValidationError(
                f"'{value.isoformat()}' has no offset; send RFC 3339 such as "
                f"'{value.isoformat()}Z'.",
                code="invalid_datetime",
            )
        return super().enforce_timezone(value)


def page_of(item: type[serializers.Serializer[Any]]) -> Any:
    """Return the schema of a page of these."""
    return inline_serializer(
        name=f"{item.__name__.removesuffix('Answer')}Page",
        fields={
            "data": item(many=True),
            "next_cursor": serializers.CharField(allow_null=True),
            "has_more": serializers.BooleanField(),
        },
    )


def read_body(kind: type[StrictSerializer], data: Any, *, partial: bool = False) -> dict[str, Any]:
    """Return the members of a body (`partial`: those that are there); its faults are a problem."""
    serializer = kind(data=data, partial=partial)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _unknown_field(name: str, *, known: list[str]) -> UnknownField:
    name = name[:_SHOWN_CHARACTERS]
    nearest = difflib.get_close_matches(name, known, n=1)
    way_out = f"did you mean '{nearest[0]}'?" if nearest else f"known are {', '.join(known)}."
    return UnknownField(
        f"'{name}' is not a member of this call; {way_out}",
        pointer=f"/{pointer_step(name)}",
    )
