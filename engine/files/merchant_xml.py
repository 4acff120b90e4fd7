"""Reads Google Merchant feeds in XML, RSS or Atom, item by item as they stream in."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from engine.files.byte_source import ByteSource
from engine.files.limits import MAX_ROW_CHARACTERS
from engine.files.records import Block, Entry, Record, RowError, shortened
from saas.lib.errors import UnreadableFile

_BLOCK_BYTES = 64 * 1024
# A tag or comment is held whole by the parser, and one that does not end is read again and again.
_MAX_TOKEN_BYTES = 512 * 1024
_MAX_DEPTH = 64
_ROOTS = frozenset({"rss", "feed", "RDF"})
_ITEMS = frozenset({"item", "entry"})
_GOOGLE = "http://base.google.com/ns/1.0"
# The only element that an item repeats and that we keep more than one of.
_REPEATED = "product_type"


class MerchantXml:
    """The items of a feed; an element that an item lacks is an absent column.

    Entities and document types of the feed's own are refused: they are how a small file becomes
    a large one.
    """

    columns = None

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._entries: list[Entry] = []
        self._depth = 0
        self._prefixes = {"g", "c"}
        self._item_depth: int | None = None
        self._field: str | None = None
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype

    def blocks(self) -> Iterator[Block]:
        """Yield the items, a block at a time.

        Raises
        ------
        UnreadableFile
            The XML is broken, or no feed.
        """
        fed = 0
        while True:
            data = self._source.read(_BLOCK_BYTES)
            try:
                self._parser.Parse(data, not data)
            except expat.ExpatError as error:
                raise UnreadableFile(
                    f"The XML breaks off at line {error.lineno}, column {error.offset + 1}: "
                    f"{expat.ErrorString(error.code)}; repair the feed there."
                ) from None
            fed += len(data)
            if fed - self._parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
                line = self._parser.CurrentLineNumber
                raise UnreadableFile(f"A tag or comment at line {line} of the XML does not end.")
            entries, self._entries = self._entries, []
            yield Block(entries, len(data))
            if not data:
                return

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise UnreadableFile(
                f"The XML nests deeper than {_MAX_DEPTH} at line {self._parser.CurrentLineNumber}; "
                "a feed needs four levels."
            )
        prefix, _, local = name.rpartition(":")
        if self._depth == 1 and local not in _ROOTS:
            raise UnreadableFile(
                f"The XML begins with <{name[:80]}>, which is no RSS or Atom feed of products."
            )
        for attribute, value in attributes.items():
            if value == _GOOGLE and attribute.startswith("xmlns:"):
                self._prefixes.add(attribute.removeprefix("xmlns:"))
        if self._item_depth is None:
            if local in _ITEMS:
                self._begin_item()
        elif self._depth == self._item_depth + 1:
            self._begin_field(prefix, local, attributes)
        else:
            # What nests deeper, such as shipping, is no value of the item.
            self._field = None

    def _begin_item(self) -> None:
        self._item_depth = self._depth
        self._line = self._parser.CurrentLineNumber
        self._cells: dict[str, str] = {}
        self._google: set[str] = set()
        self._size = 0

    def _begin_field(self, prefix: str, local: str, attributes: dict[str, str]) -> None:
        """Open an element of the item; Google's own win over the feed's of the same name."""
        self._field = None
        self._size += len(local) + 1
        is_google = prefix in self._prefixes
        if self._size > MAX_ROW_CHARACTERS or (prefix and not is_google):
            return
        is_taken = local in self._cells and not (is_google and local not in self._google)
        if is_taken and local != _REPEATED:
            return
        self._field = local
        self._parts: list[str] = []
        if is_google:
            self._google.add(local)
        if local == "link" and "href" in attributes:
            self._text(attributes["href"])

    def _text(self, text: str) -> None:
        if self._item_depth is None or self._depth != self._item_depth + 1:
            return
        self._size += len(text)
        if self._field is not None and self._size <= MAX_ROW_CHARACTERS:
            self._parts.append(text)

    def _end(self, name: str) -> None:
        if self._item_depth is not None:
            if self._depth == self._item_depth + 1 and self._field is not None:
                self._end_field(self._field)
            elif self._depth == self._item_depth:
                self._end_item()
        self._depth -= 1

    def _end_field(self, name: str) -> None:
        text = "".join(self._parts).strip()
        known = self._cells.get(name)
        self._cells[name] = f"{known}|{text}" if known and name == _REPEATED else text
        self._field = None

    def _end_item(self) -> None:
        self._item_depth = None
        if self._size <= MAX_ROW_CHARACTERS:
            self._entries.append(Record(self._line, self._cells))
            return
        self._entries.append(
            RowError(
                line=self._line,
                column="",
                value=shortened(self._cells.get("id")),
                code="line_too_long",
                detail=f"An item has at most {MAX_ROW_CHARACTERS // 1024} kB of text; shorten "
                "its longest one.",
            )
        )

    def _doctype(
        self, name: str, system_id: str | None, public_id: str | None, has_subset: int
    ) -> None:
        if has_subset:
            raise UnreadableFile(
                "The XML declares a document type or entities of its own; send the feed without "
                "a DOCTYPE."
            )
