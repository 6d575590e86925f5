"""What becomes of the text and of the hash of a size, read from the code that makes them.

``str(h)``, ``f"w{h}"`` and ``{7: 1}[h]`` give Python a text or a hash, of which it asks no further
question that archlint could see. So the code around the call tells what the text is for:

- it is raised, printed, logged or part of an assertion's message: any text will do;
- it is compared with constants, or looked up in containers that exist at the time: a branch for
  each entry that it could be, and one for none of them. Where it becomes a key, the entries are
  also the numbers that the code looks up later, as far as they are constants;
- anything else: the sizes are pinned, and the text is the one that the real model has.
"""

from __future__ import annotations

import ast
import logging
import math
import re
import sys
import types
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import CodeType, FrameType
from typing import Any, Protocol

import torch
from torch import nn

from archlint.symbolic import Expr
from archlint.symbolic.formula import conj, eq, ge
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.symbolic.rational import Opaque, Ratio
from archlint.tracing.exception_handling.exception_flow import reads_texts
from archlint.tracing.symint.code_uses import Use, use_of
from archlint.tracing.symint.key_texts import looked_up, marked
from archlint.tracing.symint.numbers import SizePath, pinned, sizes_in, value_at
from archlint.tracing.symint.shown_texts import is_only_shown
from archlint.tracing.symint.source_nodes import tree_of
from archlint.tracing.symint.text_frames import asked_by, names_a_module, user_frame

_MAX_KEYS = 64
_MAX_DIGITS = 6  # of a number in the text of a key
_NO_NUMBERS = (bytes, type, nn.Module, torch.dtype, torch.device, torch.layout)
_COMPREHENSIONS = ("<genexpr>", "<listcomp>")
_MOST_DIGITS = 19  # of a size: PyTorch's have 63 bits


class Number(Protocol):
    """What is needed of a :class:`.SizeNode`."""

    @property
    def value(self) -> Any: ...
    @property
    def path(self) -> SizePath: ...


def text_of(number: Number, spec: str, text: str, by: str) -> str:
    """The text of a number as user code formats it with ``spec``; ``text`` shows the formula.

    ``by``: the method that is called, ``__str__``, ``__repr__`` or ``__format__``.
    """
    frame = user_frame(root=getattr(number.path, "model_caller", None))
    if frame is None:
        return str(pinned(number.path, number.value)) if names_a_module() else text
    if isinstance(number.value, (Ratio, Opaque)) and _is_unknown(number.value):
        return format(value_at(number.value, number.path.env), spec)  # the seconds in a log
    use = use_of(frame, of_text=True)
    if use is not None and use.harmless:
        if is_only_shown(use, frame) and not reads_texts(
            getattr(number.path, "model_caller", None)
        ):
            return text
        use = None
    if use is not None and use.affixes is not None and not _is_formatted_alone(frame, by):
        use = replace(use, affixes=None)
    if use is not None and use.length and not spec and _same_length(number):
        return str(value_at(number.value, number.path.env))
    value = _looked_up(number, frame, use) if spec in ("", "d") else None
    if value is None:
        value = pinned(number.path, number.value)
        return format(value, spec)
    if isinstance(value, Expr):
        texts = number.path.keys.texts
        known = next((text for text, size in texts.items() if size == value), "")
        return known or _mark(number)
    return _mark(number) if value is False else format(value, spec)


def only_shown(root: CodeType | None) -> bool:
    """Whether the text of a tensor that user code below ``root`` makes now is for people only."""
    frame = user_frame(torch._tensor.__file__, torch.overrides.__file__)
    if frame is None:
        return True
    use = use_of(frame, of_text=True)
    return is_only_shown(use, frame) and not reads_texts(root)


def _mark(number: Number) -> str:
    """The mark that stands for the number in the text of a key."""
    path, text = number.path, marked(str(number.value))
    path.keys.made()
    path.keys.texts.setdefault(text, number.value)
    return text


def _is_formatted_alone(frame: FrameType, by: str) -> bool:
    """Whether the code makes a text of the number itself, not of a tuple or list that has it."""
    if by == "__format__":
        return True  # containers take the text of what they have by the other two
    tree = tree_of(frame)
    node = None if tree is None else tree.at(frame.f_code, frame.f_lasti)
    if by == "__repr__" or not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    value = node.args[0]
    if isinstance(value, ast.Name):
        return hasattr(frame.f_locals.get(value.id), "node")
    if not isinstance(value, ast.Subscript) or isinstance(value.slice, (ast.Slice, ast.Tuple)):
        return False
    if isinstance(value.value, ast.Name):
        whole = frame.f_locals.get(value.value.id)
        return isinstance(whole, (tuple, list)) and all(hasattr(v, "node") for v in whole)
    return isinstance(value.value, ast.Attribute) and value.value.attr == "shape"


def _is_unknown(number: Any) -> bool:
    return any(unknowns_in(size) for size in sizes_in(number))


def _same_length(number: Number) -> bool:
    """Whether the text of the number has as many digits as at the path's own sizes: a branch."""
    value = number.value
    if not isinstance(value, Expr) or not number.path.branch(ge(value, 0)):
        return False
    if number.path.branch(ge(value, 10**_MOST_DIGITS)):
        return True  # no tensor has such a size
    digits = len(str(value.evaluate(number.path.env)))
    least = 10 ** (digits - 1) if digits > 1 else 0
    return number.path.branch(conj(ge(value, least), ge(10**digits - 1, value)))


def number_in_text(number: Number) -> int | None:
    """The number that ``"%d" % h`` puts into a text; ``None`` if the caller makes no text."""
    frame = user_frame(root=getattr(number.path, "model_caller", None))
    use = None if frame is None else use_of(frame, of_text=True)
    if frame is None or use is None or not (_formats(frame) or asked_by(logging.__file__)):
        return None
    plain = int(value_at(number.value, number.path.env))
    if use.harmless:
        root = getattr(number.path, "model_caller", None)
        if is_only_shown(use, frame) and not reads_texts(root):
            return plain
        use = None
    value = _looked_up(number, frame, use)
    if value is False:
        number.path.keys.made()  # so that ``%d`` becomes ``%s``, which may have a mark
    return None if value is False else value


def index_of(number: Number) -> int | None:
    """The number as an index or bound of a plain list; ``None`` if it is for something else.

    From the length of the list on, all numbers are the same to it.
    """
    frame = user_frame()
    tree = None if frame is None else tree_of(frame)
    if frame is None or tree is None or not isinstance(number.value, Expr):
        return None
    node = tree.at(frame.f_code, frame.f_lasti)
    if not isinstance(node, ast.Subscript):
        return None
    try:
        found = _value(node.value, frame)
    except LookupError:
        return None
    if not isinstance(found, (list, tuple, str)):
        return None
    length = len(found)
    if number.path.branch(ge(number.value, length)):
        return length
    return -length - 1 if number.path.branch(ge(-length - 1, number.value)) else None


def hash_of(number: Number) -> int | None:
    """The hash of a number that is looked up; ``None`` if what it is for is not known.

    One that is a key keeps the hash that it got first.
    """
    hashes = number.path.keys.hashes
    if sys._getframe(2).f_code is looked_up.__code__:
        return hashes.setdefault(id(number), (number, hash(number.value)))[1]
    found = _hash_of(number)
    if found is not None:
        hashes[id(number)] = number, found
    return found


def _hash_of(number: Number) -> int | None:
    frame = user_frame()
    use = None if frame is None else use_of(frame, of_text=False)
    value = None if frame is None else _looked_up(number, frame, use)
    if value is None or frame is None or use is None:
        return None
    if value is not False:
        return hash(value)
    containers = [_value(container, frame) for container in use.containers]
    if any(isinstance(container, OrderedDict) for container in containers):
        return None  # it hashes its keys again, wherever it is read
    number.path.keys.made()
    number.path.keys.containers += containers
    number.path.keys.in_new |= not containers
    return hash(number.value)


def _looked_up(number: Number, frame: FrameType, use: Use | None) -> Any:
    """The entry that the number is on this path; False for none of them, ``None`` if unknown."""
    if use is None or use.length or not isinstance(number.value, (int, Expr)):
        return None
    candidates: dict[Any, None] = dict.fromkeys(use.constants)
    for container in use.containers:
        keys = _keys(container, frame)
        if keys is None:
            return None
        try:
            candidates.update(
                (entry, None)
                for key in keys
                for entry in _numbers_in(key, use.affixes, number.path.keys.texts)
            )
        except LookupError:
            return None
    if len(candidates) > _MAX_KEYS:
        return None
    if number.value in candidates:  # and not the one that another size of the key is equal to
        return number.value
    for candidate in candidates:
        if number.path.branch(eq(number.value, candidate)):
            return candidate
    return False


def _numbers_in(
    key: Any, affixes: tuple[str, str] | None, texts: Mapping[str, Expr]
) -> Iterator[Any]:
    """The numbers that a key consists of, or that its text may contain.

    ``texts``: texts that stand for sizes in the keys that this path made.
    """
    node = getattr(key, "node", None)
    if node is not None and isinstance(getattr(node, "value", None), Expr):
        yield node.value
    elif isinstance(key, (int, float)):
        if math.isfinite(key) and int(key) == key:
            yield int(key)
    elif isinstance(key, tuple):
        for part in key:
            yield from _numbers_in(part, affixes, texts)
    elif isinstance(key, str) and any(text in key for text in texts):
        for text in sorted(texts, key=len, reverse=True):
            if text in key:
                key = key.replace(text, "")
                yield texts[text]
        yield from _numbers_in(key, None, {})
    elif isinstance(key, str) and affixes is not None:
        before, after = affixes
        whole = re.fullmatch(re.escape(before) + r"(-?\d+)" + re.escape(after), key)
        if whole is not None:
            yield int(whole[1])
    elif isinstance(key, str):
        for digits in re.findall(r"\d+", key):
            for start in range(len(digits)):
                for end in range(start + 1, min(len(digits), start + _MAX_DIGITS) + 1):
                    yield int(digits[start:end])
    elif key is not None and not isinstance(key, _NO_NUMBERS):
        raise LookupError  # it may equal a number


def _keys(container: ast.expr, frame: FrameType) -> Iterable[Any] | None:
    """The entries of a container that exists now; ``None`` if they are not known."""
    try:
        found = _value(container, frame)
    except LookupError:
        return None
    if isinstance(found, (str, int, float, bool)) or found is None:
        return [found]
    if isinstance(found, (dict, list, tuple, set, frozenset)):
        return list(found)
    if isinstance(found, (nn.ModuleDict, nn.ParameterDict)):
        return list(found.keys())
    if isinstance(found, (nn.Module, types.ModuleType)):
        return [*dir(found)]
    return None


def _value(node: ast.expr, frame: FrameType) -> Any:
    """The value of an expression without calls; ``LookupError`` for others."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return _named(node.id, frame)
    if isinstance(node, ast.Attribute):
        return _attribute(_value(node.value, frame), node.attr)
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return tuple(_value(n, frame) for n in node.elts)
    if isinstance(node, ast.Dict):
        return [_value(n, frame) for n in node.keys if n is not None]
    raise LookupError


def _named(name: str, frame: FrameType) -> Any:
    around = _around(frame)
    own = frame is not around and name in frame.f_locals and name not in frame.f_code.co_freevars
    if own and (name in around.f_locals or name in frame.f_globals):
        raise LookupError  # which of the two is meant depends on where the name stands
    for names in (frame.f_locals, around.f_locals, frame.f_globals):
        if name in names:
            return names[name]
    raise LookupError


def _around(frame: FrameType) -> FrameType:
    """The frame of the function around a comprehension, which calls it; else the frame itself."""
    code, caller = frame.f_code, frame.f_back
    while code.co_name in _COMPREHENSIONS and caller is not None:
        if code in caller.f_code.co_consts:
            return _around(caller)
        caller = caller.f_back
    return frame


def _attribute(owner: Any, name: str) -> Any:
    places: list[Any] = [getattr(owner, "__dict__", {})]
    if isinstance(owner, nn.Module):
        places += [owner._modules, owner._parameters, owner._buffers]
    places += [vars(kind) for kind in type(owner).__mro__]
    if isinstance(owner, type):
        places += [vars(kind) for kind in owner.__mro__]
    for place in places:
        if name in place:
            found = place[name]
            if isinstance(found, (property, types.FunctionType, types.MethodType)):
                break
            return found
    raise LookupError


def _formats(frame: FrameType) -> bool:
    tree = tree_of(frame)
    node = None if tree is None else tree.at(frame.f_code, frame.f_lasti)
    return isinstance(node, ast.BinOp) and _is_text(node.left)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
