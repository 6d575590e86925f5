"""The page of messages: each message that it lists is one that the product can print."""

import re
from pathlib import Path

from tests import REPO

PAGE = (REPO / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SOURCES = "".join(p.read_text(encoding="utf-8") for p in Path(REPO, "archlint").rglob("*.py"))
SOURCES = re.sub(r'"\s*\n\s*f?"', "", SOURCES)  # texts that go over several lines
ELSEWHERE = (
    "could not be built",
    "required positional argument",
    "BROKEN",
    "not proved",
    "TypeError",
)


def listed():
    rows = re.findall(
        r"^\| (`.*?`) \| (?!---)", PAGE.partition("## What it writes")[0], re.MULTILINE
    )
    return [message for row in rows for message in re.findall(r"`([^`]*)`", row)]


def test_the_messages_of_the_page_are_those_of_the_product():
    assert len(listed()) >= 20
    for message in listed():
        for part in re.split(r"…|\bN\b|\ba, b\b|'|:", message):
            words = part.strip(" ;.:")
            if len(words) > 3 and words not in ELSEWHERE:
                assert words in SOURCES, f"{words!r} of {message!r} is printed nowhere"
