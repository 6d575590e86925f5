"""Keys that are made from sizes, and where they equal others.

A text of a size, used as a key, has a mark in the place of the size: ``w⟦T⟧x⟦H⟧``. Python makes the
text of a plain number without asking, so such a text must be told apart from every other one until
it is known which texts it is compared with.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol

import torch
from torch import nn

from archlint.symbolic import Expr
from archlint.symbolic.formula import Bool, conj, eq, ge
from archlint.symbolic.rational import is_small, ratio_of
from archlint.tracing.symint.size_keys import SizeKeys

_MARK = re.compile("(⟦[^⟧]*⟧)")
_RUN = re.compile("((?:⟦[^⟧]*⟧|[0-9])+)")
_NUMBER = re.compile("0|[1-9][0-9]*")
_BY_IDENTITY = (type(None), type, nn.Module, torch.Tensor)
_NO_NUMBERS = (bytes, torch.dtype, torch.device, torch.layout, torch.memory_format)


def passed(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The call as the model makes it: what it raises is the model's own exception."""
    return function(*args, **kwargs)


def looked_up(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """As :func:`passed`, with a key that was compared with all keys of the container.

    Sizes in it are found by their formulas.
    """
    return function(*args, **kwargs)


class KeyPath(Protocol):
    """What is needed of a path."""

    @property
    def keys(self) -> SizeKeys: ...
    def known(self, formula: Bool) -> bool | None: ...


def marked(text: str) -> str:
    """The text of a formula as the mark of its size."""
    return f"⟦{text}⟧"


def is_marked(text: str) -> bool:
    """Whether a mark stands in the text."""
    return "⟦" in text


def readable(text: str) -> str:
    """The text for people, who read formulas without marks."""
    return text.replace("⟦", "").replace("⟧", "")


def is_of_size(key: Any) -> bool:
    """Whether a key is made from sizes: a size, a text of one, or a tuple that has such a part."""
    if isinstance(key, str):
        return is_marked(key)
    if isinstance(key, (tuple, frozenset)):
        return any(map(is_of_size, key))
    return isinstance(key, (torch.SymInt, torch.SymFloat, torch.SymBool))


def keys_equal(path: KeyPath, one: Any, other: Any) -> Bool | None:
    """Where two keys are equal; ``None`` if that is not known."""
    if one is other:
        return True
    if isinstance(one, str) and isinstance(other, str):
        return texts_equal(path, one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        if len(one) != len(other):
            return False
        return _all([keys_equal(path, *pair) for pair in zip(one, other, strict=True)])
    if isinstance(one, (str, tuple)) or isinstance(other, (str, tuple)):
        others = (one, other)
        custom = [k for k in others if not isinstance(k, (str, tuple)) and _compares(k)]
        return None if custom else False
    if is_of_size(one) or is_of_size(other):
        value, another = _number(one), _number(other)
        if value is not None and another is not None:
            return eq(value, another)
        if (quotients := _quotients_equal(one, other)) is not None:
            return quotients
        known = [k for k in (one, other) if not is_of_size(k)]
        return False if known and not _compares(known[0]) else None
    if isinstance(one, _BY_IDENTITY) or isinstance(other, _BY_IDENTITY):
        return False
    return bool(one == other)


def _all(parts: list[Bool | None]) -> Bool | None:
    known = [part for part in parts if part is not None]
    if any(part is False for part in known):
        return False
    return None if len(known) < len(parts) else conj(*known)


def _number(key: Any) -> int | Expr | None:
    value = getattr(getattr(key, "node", None), "value", key)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (int, Expr)) else None


def _quotients_equal(one: Any, other: Any) -> Bool | None:
    """Where floats that are sizes divided by a power of two are equal; ``None`` for other keys."""
    a, b = (ratio_of(getattr(getattr(key, "node", None), "value", key)) for key in (one, other))
    if a is None or b is None or not isinstance(a.den, int) or not isinstance(b.den, int):
        return None
    if a.rounded or b.rounded or not is_small(a.num) or not is_small(b.num):
        return None
    return eq(a.num * b.den, b.num * a.den)


def _compares(key: Any) -> bool:
    """Whether an object may say that it equals a number or a text."""
    if isinstance(key, (*_BY_IDENTITY, *_NO_NUMBERS)):
        return False
    if isinstance(key, float):
        return False  # a whole one is a number above
    own: Any = type(key).__eq__
    return own is not object.__eq__


def texts_equal(path: KeyPath, one: str, other: str) -> Bool | None:
    """Where two texts are equal; ``None`` if that is not known.

    The texts are cut into numbers and what stands between them. A number that digits and a mark
    make together is not known.
    """
    if one == other or not (is_marked(one) or is_marked(other)):
        return one == other
    (between, numbers), (others, other_numbers) = _parts(one), _parts(other)
    if _may_have_a_sign(path, one + other):
        return None
    if between != others:
        return False
    pairs = zip(numbers, other_numbers, strict=True)
    return _all([_numbers_equal(path, number, another) for number, another in pairs])


def _numbers_equal(path: KeyPath, one: str, other: str) -> Bool | None:
    if one == other or not (is_marked(one) or is_marked(other)):
        return one == other
    pure = [t for t in (one, other) if not is_marked(t) or _MARK.fullmatch(t)]
    if len(pure) < 2:
        return None  # digits stand beside a mark
    if any(not is_marked(t) and not _NUMBER.fullmatch(t) for t in pure):
        return False  # a text such as 08, which no number has
    return eq(*(path.keys.texts[t] if is_marked(t) else int(t) for t in pure))


def _may_have_a_sign(path: KeyPath, text: str) -> bool:
    """Whether a number of a mark may be negative, or is not known."""
    sizes = [path.keys.texts.get(mark) for mark in _MARK.findall(text)]
    return any(found is None or path.known(ge(found, 0)) is not True for found in sizes)


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands between the numbers of a text, and the numbers."""
    pieces = _RUN.split(text)
    return tuple(pieces[0::2]), tuple(pieces[1::2])
