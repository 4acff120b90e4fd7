"""Events of another tool's payload as our rows, with the way back to where each value stood."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from engine.rows.reading import Place
from engine.rows.values import shown
from saas.lib.errors import FieldError, InvalidParameter, pointer_step


class Source(NamedTuple):
    """An object of the payload, and the JSON pointer that leads to it."""

    members: Mapping[str, Any]
    pointer: str


@dataclass(slots=True)
class Collected:
    """An event as our row, and where its members stood.

    Attributes
    ----------
    index
        Of the event in the payload.
    pointers
        By member of the row; "" is the event itself.
    line_names
        What the payload calls the members of a line.
    """

    index: int
    pointers: dict[str, str]
    line_names: Mapping[str, str] = field(default_factory=dict)
    row: Any = field(default_factory=dict)

    def take(
        self,
        member: str,
        names: Sequence[str],
        *sources: Source,
        read: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        """Take over the first of these names that is there; what is empty is not."""
        for source in sources:
            for name in names:
                value = source.members.get(name)
                if value is not None and value != "":
                    self.row[member] = read(value)
                    self.pointers[member] = f"{source.pointer}/{pointer_step(name)}"
                    return


@dataclass(slots=True)
class Payload:
    """What a payload holds for us; `warnings` name what it holds for others.

    Attributes
    ----------
    users
        Rows about users, by the index of the event that describes them.
    """

    events: list[Collected] = field(default_factory=list)
    users: dict[int, dict[str, Any]] = field(default_factory=dict)
    warnings: list[FieldError] = field(default_factory=list)
    sent_at: Any = None

    def ignore(self, index: int, pointer: str, name: Any) -> None:
        """Note an event that says nothing about items."""
        self.warn(index, pointer, "event_ignored", f"is {shown(name)}, which is about no item.")

    def warn(self, index: int, pointer: str, code: str, sentence: str) -> None:
        """Note what is not taken over from an event."""
        place = Place(noun="Event", pointer=pointer, index=index)
        self.warnings.append(place.error("", code, sentence))


def events_in(body: Mapping[str, Any], name: str) -> Iterator[tuple[int, Any, str]]:
    """Return each event of a payload with its index and pointer: a list's, or the body alone.

    Raises
    ------
    InvalidParameter
        It should be a list and is none.
    """
    if name not in body:
        yield 0, body, ""
        return
    events = body[name]
    if not isinstance(events, list):
        raise InvalidParameter(
            f"'{name}' is no list; send {{\"{name}\": […]}}.", pointer=f"/{name}"
        )
    for index, event in enumerate(events):
        yield index, event, f"/{name}/{index}"


def source_of(members: Any, pointer: str) -> Source:
    """Return an object of the payload; what is none has no members."""
    return Source(members if isinstance(members, dict) else {}, pointer)


def id_text(value: Any) -> Any:
    """Return an id as text: these tools send numbers, too.

    >>> id_text(1700000000), id_text("sku"), id_text(True)
    ('1700000000', 'sku', True)
    """
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def lines(value: Any, names: Mapping[str, Sequence[str]]) -> Any:
    """Return the lines of an event; what is no list of objects is left for the reader to refuse."""
    if not isinstance(value, list):
        return value
    return [_line(each, names) if isinstance(each, dict) else each for each in value]


def _line(product: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    line = {}
    for member, own in names.items():
        value = next((product[name] for name in own if product.get(name) not in (None, "")), None)
        if value is not None:
            line[member] = id_text(value) if member == "id" else value
    return line


def retold(error: FieldError, events: Sequence[Collected]) -> FieldError:
    """Return an error of a row, whose pointer is "/<row>/…", as one of the payload."""
    row = error.index or 0
    event = events[row]
    member, _, below = error.pointer.removeprefix(f"/{row}").removeprefix("/").partition("/")
    pointer = event.pointers.get(member, event.pointers[""])
    if below:
        steps = below.split("/")
        pointer = "/".join([pointer, *(event.line_names.get(step, step) for step in steps)])
    return replace(
        error,
        index=event.index,
        pointer=pointer,
        detail=error.detail.replace(f"Event number {row} ", f"Event number {event.index} ", 1),
    )
