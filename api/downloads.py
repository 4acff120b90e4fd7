"""Sends the files that download links name: plain ASGI, so that no slow client holds a thread."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import FileResponse

from api.inference.responses import Send, send_problem
from saas.lib.download_links import LINK_PATH, download_of
from saas.lib.errors import MethodNotAllowed, NotFound
from saas.lib.ids import request_id

_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?", re.ASCII)


async def send_download(scope: Any, receive: Any, send: Send) -> None:
    """Answer one request for a file (ASGI)."""
    headers = Headers(scope=scope)
    identifier = request_id(headers.get("x-request-id"))
    if scope["method"] not in {"GET", "HEAD"}:
        error = MethodNotAllowed(
            f"'{scope['method']}' is not a method of this path; it allows GET, HEAD.",
            headers={"Allow": "GET, HEAD"},
        )
        await send_problem(send, error, request_id=identifier)
        return
    download = download_of(scope["path"].removeprefix(LINK_PATH))
    found = None if download is None else _stat(download.path)
    if download is None or found is None:
        gone = NotFound("This link opens no file any more; ask for a new one where you got it.")
        await send_problem(send, gone, request_id=identifier)
        return
    if not _is_served(headers.get("range"), size=found.st_size):
        # RFC 9110, 14.2: a range may be ignored; an error in plain text helps nobody.
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"range"]
    response = FileResponse(
        download.path,
        stat_result=found,
        media_type=_TYPES.get(download.path.suffix, "application/octet-stream"),
        filename=download.name,
        headers={**_HEADERS, "X-Request-Id": identifier},
    )
    await response(scope, receive, send)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _is_served(text: str | None, *, size: int) -> bool:
    """Say whether a Range header asks for one part that the file has."""
    match = _RANGE.fullmatch(text or "")
    if match is None:
        return False
    start = int(match[1])
    return start < size and (match[2] is None or start <= int(match[2]))
