"""Looks a model's name up in the source of torchvision or timm, without importing them."""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
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
    texts = list(_sources(zoo))
    first = name.partition(".")[0].encode()  # of timm: what follows names weights
    word = re.compile(rb"\b%b\b" % re.escape(first))
    if any(first in text and word.search(text) for text in texts):
        return None
    names = _registered(texts)
    if not names:  # not laid out as this expects
        return None
    near = difflib.get_close_matches(name, list(dict.fromkeys(names)), 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{zoo} has no model {name!r}{hint}"


def zoo_of(name: str, zoos: Sequence[str] = ZOOS) -> str:
    """The first of the zoos that is installed and registers a model ``name``; empty if none is."""
    installed = (zoo for zoo in zoos if importlib.util.find_spec(zoo) is not None)
    return next((zoo for zoo in installed if name in _registered(_sources(zoo))), "")


def _registered(texts: Iterable[bytes]) -> list[str]:
    return [found.decode() for text in texts for found in _REGISTERED.findall(text)]


def _sources(zoo: str) -> Iterator[bytes]:
    spec = importlib.util.find_spec(zoo)
    folders = [] if spec is None else spec.submodule_search_locations or []
    for folder in (Path(place, "models") for place in folders):
        for file in sorted(folder.rglob("*.py")):
            yield file.read_bytes()
