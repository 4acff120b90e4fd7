"""Streams an uploaded file from the request into the artifact store, as it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.http.multipartparser import MultiPartParser as DjangoParser
from django.http.multipartparser import MultiPartParserError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from typing_extensions import override

from api.v1.parsers import BODY_DIGEST
from engine.files.limits import MAX_FILE_BYTES
from engine.services.import_uploads import Upload
from saas.lib.errors import BadRequest, ImportTooLarge, InvalidParameter

# What the parts around the file may take.
_MAX_OTHER_BYTES = 64 * 1024


class _IntoTheStore(FileUploadHandler):
    """Writes the part named `file`; another file is refused before a byte of it is kept."""

    chunk_size = 256 * 1024

    def __init__(self, upload: Upload) -> None:
        super().__init__()
        self._upload = upload
        self.digest: bytes | None = None

    @override
    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        if field_name != "file" or self.digest is not None:
            raise InvalidParameter(
                "Send one file, as the part named 'file'.", pointer=f"/{field_name[:60]}"
            )
        raise StopFutureHandlers

    @override
    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self._upload.write(raw_data)
        return None

    @override
    def file_complete(self, file_size: int) -> None:
        self.digest = self._upload.finish()


class UploadParser(BaseParser):
    """multipart/form-data with one file, which goes to the view's upload."""

    media_type = "multipart/form-data"

    @override
    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        context = parser_context or {}
        request: Request = context["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type or ""}
        length = int(meta.get("CONTENT_LENGTH") or 0)
        if length > MAX_FILE_BYTES + _MAX_OTHER_BYTES:
            raise ImportTooLarge("The file is over 1 GB; send it in several parts.")
        handler = _IntoTheStore(context["view"].upload)
        try:
            fields, _ = DjangoParser(meta, stream, [handler]).parse()
        except MultiPartParserError as error:
            raise BadRequest(f"The body is no multipart/form-data: {error}") from None
        if handler.digest is None:
            raise InvalidParameter("Send the file as the part named 'file'.", pointer="/file")
        members: dict[str, str] = {name: str(value) for name, value in fields.items()}
        # Not of the bytes as sent: a client that asks again draws a new boundary.
        told = orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
        request.META[BODY_DIGEST] = hashlib.sha256(handler.digest + told).digest()
        return members
