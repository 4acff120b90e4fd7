"""Shows the mails that the demo's processes send, as they are sent: links in them can be opened."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

# What Django's file-based backend writes behind each message.
_END = b"-" * 79 + b"\n"


class Mails:
    """The folder into which mails are written; those of an earlier run are gone."""

    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._folder = folder
        self._say = say
        self._shown: dict[Path, int] = {}

    def show_new(self) -> bool:
        """Print what has come since; never the end of a watch."""
        for path in sorted(self._folder.glob("*.log")):
            shown = self._shown.get(path, 0)
            whole, end, _ = path.read_bytes()[shown:].rpartition(_END)
            self._shown[path] = shown + len(whole + end)
            for message in filter(None, whole.split(_END)):
                self._say(_laid_out(message))
        return False


def _laid_out(content: bytes) -> str:
    message = message_from_bytes(content, policy=default)
    body = message.get_body()
    text = body.get_content() if body is not None else ""
    head = f"\n✉ to {message['To']} · {message['Subject']}\n"
    return head + textwrap.indent(text.rstrip(), "  │ ", lambda _: True)
