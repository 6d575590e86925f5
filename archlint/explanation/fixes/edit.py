"""An edit of one file: its bytes before and after, as a diff and on disk."""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from archlint.errors import ArchlintError
from archlint.runtime.code_owner import is_users
from archlint.runtime.user_frames import shown

Span = tuple[int, int, str]
"""Characters from a start to an end, and the text in their place."""


@dataclass(frozen=True)
class Edit:
    """A file before and after."""

    file: Path
    before: bytes
    after: bytes

    def diff(self) -> str:
        """A unified diff that ``git apply`` takes, ending in a newline.

        Bytes that are not UTF-8 are surrogate escapes.
        """
        name = Path(shown(str(self.file))).as_posix().lstrip("/")
        end = "\t" if " " in name else ""
        before, after = (
            [line.decode("utf-8", "surrogateescape") for line in io.BytesIO(content)]
            for content in (self.before, self.after)
        )
        lines = difflib.unified_diff(before, after, f"a/{name}{end}", f"b/{name}{end}")
        without = "\n\\ No newline at end of file\n"
        return "".join(line if line.endswith("\n") else line + without for line in lines)

    def write(self) -> None:
        """Change the file. ``ArchlintError`` if it has changed since."""
        write_all([self])

    def inside(self, root: Path) -> bool:
        """Whether the file is the user's own, and in the project at ``root``."""
        file = self.file.resolve()
        return file.is_relative_to(root.resolve()) and is_users(str(file))


def write_all(edits: Sequence[Edit]) -> None:
    """Change several files; none, and ``ArchlintError``, if one of them has changed since.

    If one cannot be written, as on a full disk, all are what they were, and ``OSError`` is raised.
    """
    for edit in edits:
        if edit.file.read_bytes() != edit.before:
            raise ArchlintError(f"{shown(str(edit.file))} has changed; nothing was written")
    begun: list[Edit] = []
    try:
        for edit in edits:
            begun.append(edit)
            edit.file.write_bytes(edit.after)
    except OSError:
        for edit in begun:
            with contextlib.suppress(OSError):
                edit.file.write_bytes(edit.before)
        raise


class SourceText:
    """The text of a Python or YAML file, and edits of spans of it that change no other byte.

    ``content`` replaces the bytes on disk. Raises ``OSError``, ``SyntaxError`` or
    ``UnicodeDecodeError`` if the file cannot be read.
    """

    def __init__(self, file: Path, content: bytes | None = None) -> None:
        self.file = file
        self.bytes = file.read_bytes() if content is None else content
        self._encoding = "utf-8"
        if file.suffix == ".py":
            self._encoding = tokenize.detect_encoding(io.BytesIO(self.bytes).readline)[0]
        self.text = self.bytes.decode(self._encoding)
        self._starts = [0]
        for i, char in enumerate(self.text):  # the ends of lines that Python and YAML count
            if char == "\n" or (char == "\r" and self.text[i + 1 : i + 2] != "\n"):
                self._starts.append(i + 1)

    def offset(self, line: int, column: int) -> int:
        """The offset of a line (from 1) and a column in UTF-8 bytes, as ``ast`` counts them."""
        start, *rest = self._starts[line - 1 : line + 1]
        here = self.text[start : rest[0] if rest else None]
        return start + len(here.encode()[:column].decode())

    def line_start(self, offset: int) -> int:
        """The offset at which the line of ``offset`` starts."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def newline(self, offset: int) -> str:
        """How the line of ``offset`` ends; a line without an end counts as ``\\n``."""
        found = re.compile(r"\r\n|\r|\n").search(self.text, offset)
        return found[0] if found else "\n"

    def edited(self, spans: Iterable[Span]) -> Edit | None:
        """The edit that replaces ``spans``; ``None`` if they overlap or change nothing."""
        text, end = "", 0
        for start, stop, words in sorted(set(spans)):
            if start < end:
                return None
            text += self.text[end:start] + words
            end = stop
        after = (text + self.text[end:]).encode(self._encoding, "strict")
        return Edit(self.file, self.bytes, after) if after != self.bytes else None
