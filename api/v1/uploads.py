"""Streams an uploaded file from the request into the artifact store, as it comes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.http.multipartparser import MultiPartParser as DjangoParser
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from typing_extensions import override

from api.v1.parsers import BODY_DIGEST
from engine.files.limits import MAX_FILE_BYTES
from engine.services.import_uploads import Upload
from saas.lib.errors import BadRequest, ImportTooLarge, InvalidParameter

# The file, and what the parts around it may take.
MAX_UPLOAD_BYTES = MAX_FILE_BYTES + 64 * 1024
# What may follow the last boundary; most clients send a line end.
_MAX_EPILOGUE_BYTES = 256


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


class _Body(io.RawIOBase):
    """A request's body on its way to the parser: never longer than an upload, and whole."""

    def __init__(self, stream: IO[bytes], *, end: bytes) -> None:
        self._stream = stream
        self._end = end
        self._read = 0
        self._tail = b""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        self._read += len(data)
        if self._read > MAX_UPLOAD_BYTES:
            raise _too_large()
        self._tail = (self._tail + data)[-len(self._end) - _MAX_EPILOGUE_BYTES :]
        return data

    def check_end(self) -> None:
        """Refuse what a client that left had sent until then: half a file is no file."""
        if self._end not in self._tail:
            raise BadRequest("The body breaks off before its last boundary; send it whole.")


def read_upload_form(
    stream: IO[bytes], meta: Mapping[str, Any], upload: Upload
) -> tuple[dict[str, str], bytes]:
    """Read a form with one file, which goes to the upload as it comes.

    Parameters
    ----------
    stream, meta
        The request's body, and its headers as WSGI names them.

    Returns
    -------
    tuple of dict and bytes
        The form's other parts, and the digest of the file.

    Raises
    ------
    ImportTooLarge
        It is over the limit.
    BadRequest
        It is no such form, or is not whole.
    InvalidParameter
        It has no file, or more than one.
    """
    if int(meta.get("CONTENT_LENGTH") or 0) > MAX_UPLOAD_BYTES:
        raise _too_large()
    _, parameters = parse_header_parameters(meta["CONTENT_TYPE"])
    body = _Body(stream, end=f"--{parameters.get('boundary', '')}--".encode())
    handler = _IntoTheStore(upload)
    try:
        fields, _ = DjangoParser(dict(meta), body, [handler]).parse()
        body.check_end()
    except MultiPartParserError as error:
        raise BadRequest(f"The body is no multipart/form-data: {error}") from None
    if handler.digest is None:
        raise InvalidParameter("Send the file as the part named 'file'.", pointer="/file")
    return {name: str(value) for name, value in fields.items()}, handler.digest


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
        members, digest = read_upload_form(stream, meta, context["view"].upload)
        # Not of the bytes as sent: a client that asks again draws a new boundary.
        told = orjson.dumps(members, option=orjson.OPT_SORT_KEYS)
        request.META[BODY_DIGEST] = hashlib.sha256(digest + told).digest()
        return members


def _too_large() -> ImportTooLarge:
    return ImportTooLarge("The file is over 1 GB; send it in several parts.")
