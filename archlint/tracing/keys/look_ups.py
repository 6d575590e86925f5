"""Look-ups of rewritten functions, where each key that may be equal to another is a branch.

Python finds a key by its hash: a number that is looked up among sizes, or its text among texts of
sizes, is not compared with them. While some key is made from a size, the look-ups of rewritten
functions (:mod:`.watched_code`) come here, and each key that may be equal is a branch. What is not
followed, such as keys that are sorted, leaves the path unproved.
"""

from __future__ import annotations

import collections
import functools
import operator
import re
import sys
import types
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from archlint.runtime.code_owner import Owner, file_of_module, owner_of
from archlint.symbolic.formula import eq
from archlint.tracing.keys.found_keys import FoundKeys, has_keys, holds, keys_in
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import SHADOWS
from archlint.tracing.run import TraceRun
from archlint.tracing.symint.key_texts import is_marked, is_of_size, looked_up, passed

_UNBOUND = (types.MethodDescriptorType, types.WrapperDescriptorType)
_OF_KEY = frozenset(
    ("get", "pop", "setdefault", "add", "discard", "remove",
     "__getitem__", "__setitem__", "__delitem__", "__contains__")
)  # fmt: skip
_OF_WHOLE = frozenset(
    ("keys", "values", "items", "copy", "clear", "popitem", "__len__", "__iter__",
     "append", "extend", "insert", "reverse", "pop")
)  # fmt: skip
_OF_ELEMENT = frozenset(("index", "remove", "__contains__"))
_OF_TEXT = frozenset(("join", "format", "__add__", "__format__", "__str__"))
_OF_ANY = frozenset(
    (super, type, isinstance, issubclass, print, list, tuple, bool, id, str, repr, format,
     callable, iter, next, enumerate, zip, reversed, range)
)  # fmt: skip
_BY_NAME = (getattr, hasattr, delattr)
_COPIES = (dict, collections.OrderedDict, set, frozenset)
_WATCHED = (Owner.USER, Owner.LIBRARY, Owner.TORCH)
_SPECIAL = {f"__{name}__": getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
_PERCENT = re.compile(r"%[^a-zA-Z]*[a-zA-Z]")
_DIGITS = re.compile(r"\d+")


class LookUps:
    """What rewritten functions find as the global ``HELPER``."""

    def __init__(self) -> None:
        self._run: TraceRun | None = None

    def begin(self, path: TracedPath, run: TraceRun) -> None:
        """Follow the look-ups of this run."""
        self._path, self._run = path, run
        self._keys = FoundKeys(path)

    def _asks(self) -> bool:
        """Whether the run itself is asking."""
        return self._run is not None and self._run.in_thread()

    def _on(self) -> bool:
        """Whether some key is made from a size, and the run itself is asking."""
        return self._asks() and bool(self._path.keys)

    # -- called by rewritten functions: ``at(c)[k]``, ``k in within(c)``, ``compared(a) == b`` -----

    def at(self, container: Any) -> Any:
        """What stands before ``[key]``, which may make the first key from a size."""
        if not self._asks() or isinstance(container, (torch.Tensor, list, tuple)):
            return container
        if has_keys(container):
            return _At(self._keys, container)
        return self.items(container)

    def within(self, container: Any) -> Any:
        """What stands behind ``in``."""
        if not self._on() or isinstance(container, torch.Tensor):
            return container
        known = has_keys(container) or isinstance(container, (list, tuple, str))
        return _Within(self._keys, container) if known else container

    def compared(self, value: Any) -> Any:
        """What stands before ``==`` or ``<``; what stands behind may make a key from a size."""
        if not self._asks() or not (isinstance(value, (str, list, tuple)) or has_keys(value)):
            return value
        return _Compared(self._keys, value)

    def called(self, function: Any) -> Any:
        """A function that is called, with arguments that may make the first key from a size."""
        return partial_of(self, function) if self._asks() else function

    def items(self, value: Any) -> Any:
        """What a loop iterates over, or what is taken apart: the letters of a text are unknown."""
        if isinstance(value, str) and is_marked(value) and self._on():
            self._keys.open()
        return value

    def escaping(self, value: Any) -> Any:
        """A value that goes where it is not followed."""
        if self._on() and holds(value):
            self._keys.open()
        return value

    def made(self, container: Any, in_order: bool = False) -> Any:
        """A new dict or set: Python made one key of those that it saw to be equal.

        ``in_order``: as of :meth:`~.found_keys.FoundKeys.merged`.
        """
        several = self._on() and len(container) > 1 and any(map(is_of_size, container))
        return self._keys.merged(container, in_order) if several else container

    def displayed(self, container: Any, parts: int, spread: int) -> Any:
        """As :meth:`made`, of ``parts`` keys and ``spread`` other containers in braces."""
        return self.made(container, parts + spread <= 2 or parts == len(container))

    def percent(self, text: str, values: Any) -> str:
        """``text % values``, with ``%s`` for ``%d`` where that has a size."""
        given = values if isinstance(values, tuple) else (values,)
        kinds = _PERCENT.findall(text)
        if self._run is not None and self._run.in_thread() and len(kinds) == len(given):
            kept = (
                "%s" if kind == "%d" and isinstance(value, torch.SymInt) else kind
                for kind, value in zip(kinds, given, strict=True)
            )
            text = _PERCENT.sub(lambda _: next(kept), text) if "%%" not in text else text
        return str(passed(operator.mod, (text, values), {}))

    # -- calls ----------------------------------------------------------------------------------

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """The call of a function that is not rewritten."""
        if not self._on():
            return self._made_by(function, args, kwargs, passed(function, args, kwargs))
        if type(function) in _UNBOUND and args:
            if not isinstance(args[0], function.__objclass__):
                return passed(function, args, kwargs)
            function, args = function.__get__(args[0]), args[1:]
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        if function is operator.contains and len(args) == 2:
            return args[1] in self.within(args[0])
        if function is operator.getitem and len(args) == 2:
            return self.at(args[0])[args[1]]
        if name in _SPECIAL and len(args) == 1 and not isinstance(owner, types.ModuleType):
            return _SPECIAL[name](self.compared(owner), args[0])
        if any(function is f for f in _BY_NAME) and len(args) > 1 and isinstance(args[1], str):
            name = self._keys.found(dir(args[0]), args[1]) if is_marked(args[1]) else args[1]
            return passed(function, (args[0], name, *args[2:]), kwargs)
        if has_keys(owner) and name in _OF_KEY and args:
            args = (self._keys.found(keys_in(owner), args[0]), *args[1:])
            self._keys.stored(owner, args[0])
            return looked_up(function, args, kwargs)
        if isinstance(owner, (list, tuple)) and name in _OF_ELEMENT and args:
            of_text = isinstance(args[0], (str, tuple)) or any(map(holds, owner))
            args = (self._keys.found(owner, args[0]), *args[1:]) if of_text else args
        elif isinstance(owner, (list, tuple)) and name == "count" and args and holds(owner):
            return sum(self._keys.equal(element, args[0]) for element in owner)
        elif not self._is_followed(function, owner, name, args, kwargs):
            self._keys.open()
        return self._made_by(function, args, kwargs, passed(function, args, kwargs))

    def _made_by(self, function: Any, args: Any, kwargs: Any, result: Any) -> Any:
        """What a function returned; a dict or set that it made of keys, as by :meth:`made`."""
        if isinstance(function, types.BuiltinFunctionType) and function == dict.fromkeys:
            return self.made(result, in_order=True)
        if not any(function is kind for kind in _COPIES):
            return result
        counted = len(args) == 1 and not kwargs and isinstance(args[0], (dict, list, tuple))
        return self.made(result, in_order=counted and len(args[0]) == len(result))

    def _is_followed(
        self, function: Any, owner: Any, name: str, args: Any, kwargs: dict[str, Any]
    ) -> bool:
        """Whether what becomes of keys in the call can be seen later, if it is given some."""
        if isinstance(owner, str) and name in _OF_TEXT:
            return True
        if (has_keys(owner) or isinstance(owner, (list, tuple))) and name in _OF_WHOLE:
            return True
        if function is len or function is SHADOWS["len"]:
            return not (args and isinstance(args[0], str) and is_marked(args[0]))
        given = [v for v in (*args, *kwargs.values()) if holds(v)]
        if holds(owner):
            return False
        if not given:
            return True
        if (
            any(function is copy for copy in _COPIES)
            and len(args) == 1
            and not kwargs
            and has_keys(args[0])
        ):
            keys = [key for key in keys_in(args[0]) if is_of_size(key)]
            return isinstance(args[0], dict) and (
                issubclass(function, dict) or all(isinstance(key, str) for key in keys)
            )
        return False


def partial_of(look_ups: LookUps, function: Any) -> Any:
    """The function, or one that follows the keys that it is given."""
    kind = type(function)
    if isinstance(function, functools.partial):
        inner = partial_of(look_ups, function.func)
        return functools.partial(inner, *function.args, **function.keywords)
    if kind in (types.FunctionType, types.MethodType) and hasattr(function, "__code__"):
        owner = owner_of(function.__code__.co_filename)
        followed = owner in _WATCHED or owner is Owner.TEXT
    elif isinstance(function, type):
        followed = function in _OF_ANY or _owner_of_class(function) in _WATCHED
    elif kind in (types.BuiltinFunctionType, types.MethodWrapperType, *_UNBOUND):
        own = getattr(function, "__self__", None)
        of_torch = isinstance(own, (torch.Tensor, nn.Module)) or any(own is t for t in _TORCH)
        followed = of_torch or function in _OF_ANY
    else:
        followed = _owner_of_class(kind) in _WATCHED
    return function if followed else functools.partial(look_ups.call, function)


_TORCH = (getattr(torch.zeros, "__self__", None), getattr(functional.linear, "__self__", None))


def _owner_of_class(kind: type) -> Owner:
    module = sys.modules.get(kind.__module__)
    file = file_of_module(module)
    return Owner.PYTHON if file is None else owner_of(file)


class _At:
    """A container in the place of itself, in ``c[k]``, ``c[k] = v`` and ``del c[k]``."""

    __slots__ = ("_container", "_keys")

    def __init__(self, keys: FoundKeys, container: Any) -> None:
        self._keys, self._container = keys, container

    def _by(self, operation: Any, key: Any, *value: Any) -> Any:
        if not self._keys.path.keys:
            return passed(operation, (self._container, key, *value), {})
        key = self._keys.found(keys_in(self._container), key)
        return looked_up(operation, (self._container, key, *value), {})

    def __getitem__(self, key: Any) -> Any:
        return self._by(operator.getitem, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._by(operator.setitem, key, value)
        self._keys.stored(self._container, key)

    def __delitem__(self, key: Any) -> None:
        self._by(operator.delitem, key)


class _Within:
    """A container in the place of itself, in ``k in c``."""

    __slots__ = ("_container", "_keys")

    def __init__(self, keys: FoundKeys, container: Any) -> None:
        self._keys, self._container = keys, container

    def __contains__(self, key: Any) -> bool:
        keys, container = self._keys, self._container
        if isinstance(container, str):
            if isinstance(key, str) and (is_marked(key) or is_marked(container)):
                return self._in_text(key)
        elif has_keys(container):
            key = keys.found(keys_in(container), key)
            return bool(looked_up(operator.contains, (container, key), {}))
        elif holds(key) or holds(container):
            return any(keys.equal(element, key) for element in container)
        return bool(passed(operator.contains, (container, key), {}))

    def _in_text(self, key: str) -> bool:
        keys, text = self._keys, self._container
        number = keys.path.keys.texts.get(key)
        if number is not None and not is_marked(text):
            size = number
            runs = _DIGITS.findall(text)
            parts = {r[a:b] for r in runs for a in range(len(r)) for b in range(a + 1, len(r) + 1)}
            return any(
                keys.path.branch(eq(size, int(part))) for part in sorted(parts)
                if part == str(int(part))
            )  # fmt: skip
        if not re.search(r"[\d⟦-]", key):
            return key in re.sub("⟦[^⟧]*⟧", "\0", text)
        keys.open()
        return key in text


class _Compared:
    """A value in the place of itself, in a comparison."""

    __slots__ = ("_keys", "_value")

    def __init__(self, keys: FoundKeys, value: Any) -> None:
        self._keys, self._value = keys, value

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: Any) -> Any:
        return self._by(operator.eq, other)

    def __ne__(self, other: Any) -> Any:
        return self._by(operator.ne, other)

    def __lt__(self, other: Any) -> Any:
        return self._by(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self._by(operator.le, other)

    def __gt__(self, other: Any) -> Any:
        return self._by(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self._by(operator.ge, other)

    def _by(self, operation: Any, other: Any) -> Any:
        if isinstance(other, _Compared):
            other = other._value
        if holds(self._value) or holds(other):
            if operation in (operator.eq, operator.ne):
                return self._keys.equal(self._value, other) is (operation is operator.eq)
            self._keys.open()
        return passed(operation, (self._value, other), {})
