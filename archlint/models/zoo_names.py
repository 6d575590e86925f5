"""Looks a model's name up in the source of torchvision or timm, without importing them."""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

ZOOS = ("torchvision", "timm")
_REGISTERED = re.compile(rb"^@register_model\b.*?^def (\w+)", re.MULTILINE | re.DOTALL)


def missing_model(zoo: str, name: str) -> str | None:
    """Why ``zoo`` has no model ``name``, with names like it; ``None`` if it may have it.

    A name that occurs nowhere in the source of the zoo's models is not one of them.
    """
    spec = importlib.util.find_spec(zoo)
    if spec is None:
        return f"{zoo} is not installed: pip install {zoo}"
    folders = [Path(place, "models") for place in spec.submodule_search_locations or ()]
    texts = list(_sources(folders))
    first = name.partition(".")[0].encode()  # of timm: what follows names weights
    word = re.compile(rb"\b%b\b" % re.escape(first))
    if any(first in text and word.search(text) for text in texts):
        return None
    names = [found.decode() for text in texts for found in _REGISTERED.findall(text)]
    if not names:  # not laid out as this expects
        return None
    near = difflib.get_close_matches(name, list(dict.fromkeys(names)), 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{zoo} has no model {name!r}{hint}"


def _sources(folders: list[Path]) -> Iterator[bytes]:
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            yield file.read_bytes()
