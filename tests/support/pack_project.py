"""A rule file that uses a pack, and what both are."""

from pathlib import Path

import pytest

from archlint.contracts.rulefile import pack_location as locate
from archlint.contracts.rulefile.load import load
from archlint.errors import RuleFileError

PACK = """\
archlint: 1
pack: photo
about: Photos of any shape.
parameters:
  classes: {about: how many classes}
  min: {about: the smallest side, default: 32}
  shape: {about: what it is called with, type: shape, default: N 3 H W}
contracts:
  - id: any-size
    input: "{shape}"
    accepts: any H, W >= {min}
    output: N {classes}
  - id: tiny
    input: "{shape}"
    rejects: any H < {min}//4
examples:
  - keeps: m.py:Good
    with: {classes: 10}
"""

SHIPPED = ", ".join(locate.files_in(locate.installed()["archlint"]))
KEYS = "one of id, why, models, input, accepts"

RULES = """\
archlint: 1
models: {good: m.py:Good, bad: m.py:Bad}
use:
  - pack: ./photo.yaml
    models: ["*"]
    with: {classes: 10}
"""


def pack_project(folder, monkeypatch):
    """A function that writes files; ``folder`` becomes the current one, with ``photo.yaml``."""
    monkeypatch.chdir(folder)

    def write(text, name="rules.yaml"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    write(PACK, "photo.yaml")
    return write


def mistakes(path):
    with pytest.raises(RuleFileError) as caught:
        load(path)
    return [
        (Path(m.where.file).name, m.where.line, m.where.column, m.found, m.expected)
        for m in caught.value.mistakes
    ]
