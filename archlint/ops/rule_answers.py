"""Answers of shape rules, remembered: a rule is not computed again for equal arguments.

A rule is a function of its arguments and of what its path answers: it has no other input but
PyTorch's default dtype. So what it asked, and what came out, is kept for its arguments as a tree:
at each node a question, below it what followed for each answer, and at a leaf the result. A later
call asks the path the same questions in the same order. Where the path gives an answer that is new,
the rule runs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn

import torch

from archlint.ops.registry import UNKNOWN_ELEMENTS, Path, Rule, TensorSpec
from archlint.symbolic import Expr, Size
from archlint.symbolic.formula import Bool

MOST = 1 << 14  # rules with arguments, of which those that were not used for longest are forgotten


class _Question:
    """What a rule asks next: a claim, a branch, whether a formula is known, or an attribute.

    ``then``: what follows each answer, a question or a :class:`_Result`.
    """

    __slots__ = ("arguments", "ask", "error", "then")

    def __init__(self, ask: str, arguments: tuple[Any, ...], error: Any = None) -> None:
        self.ask, self.arguments, self.error = ask, arguments, error
        self.then: dict[bool | None, _Question | _Result] = {}

    def answer(self, path: Path) -> bool | None:
        """What the path answers. A claim raises as the rule would."""
        if self.ask == "claim":
            path.claim(*self.arguments, error=self.error)
            return None
        if self.ask == "attribute":
            value: bool | None = getattr(path, str(self.arguments[0]), None)
            return value
        formula: Bool = self.arguments[0]
        return path.branch(formula) if self.ask == "branch" else path.known(formula)


class _Result:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Recorder:
    """The path of a rule that runs, which records what the rule asks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[tuple[_Question, bool | None]] | None = []

    def claim(
        self, formula: Bool, text: str, *sizes: Size, error: type[Exception] | None = None
    ) -> None:
        if formula is True:
            return
        asked, self.asked = self.asked, None  # if it raises, the rule may catch that and go on
        self.path.claim(formula, text, *sizes, error=error)
        if asked is not None:
            asked.append((_Question("claim", (formula, text, *sizes), error), None))
            self.asked = asked

    def branch(self, formula: Bool) -> bool:
        return bool(self._noted("branch", formula, self.path.branch(formula)))

    def known(self, formula: Bool) -> bool | None:
        return self._noted("known", formula, self.path.known(formula))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.path, name, None)
        if value is not None and type(value) is not bool:
            self.asked = None
        elif self.asked is not None:
            self.asked.append((_Question("attribute", (name,)), value))
        if value is None:
            raise AttributeError(name)
        return value

    def _noted(self, ask: str, formula: Bool, answer: bool | None) -> bool | None:
        if self.asked is not None and not isinstance(formula, bool):
            self.asked.append((_Question(ask, (formula,)), answer))
        return answer

    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size:
        self.asked = None  # each call has a number of its own
        return self.path.unknown(made_by, low, *most)

    def count(self, made_by: str, tensor: TensorSpec) -> Size:
        self.asked = None
        return self.path.count(made_by, tensor)

    def unknown_outcome(self, text: str) -> NoReturn:
        self.asked = None
        self.path.unknown_outcome(text)

    def unproved(self, text: str) -> None:
        self.asked = None
        self.path.unproved(text)


_START = None
"""The only key of the root of a tree."""


@lru_cache(maxsize=MOST)
def _tree(key: Hashable) -> dict[bool | None, _Question | _Result]:
    return {}


class NotRemembered(Exception):
    """A question of the rule has an answer that is new, or the arguments are."""


def remembered(key: Hashable, path: Path) -> Any:
    """What the rule returned for arguments with this key. Raises what its claims raise.

    Raises :class:`NotRemembered` where the rule has to run.
    """
    node: Any = _tree(key).get(_START)
    while type(node) is _Question:
        node = node.then.get(node.answer(path))
    if node is None:
        raise NotRemembered
    return _copy(node.value)


def computed(
    key: Hashable, rule: Rule, path: Path, args: Sequence[Any], settings: Mapping[str, Any]
) -> Any:
    """What ``rule(path, *args, **settings)`` returns or raises; remembered for the ``key``."""
    recorder = _Recorder(path)
    result = rule(recorder, *args, **settings)
    asked, recorder.asked = recorder.asked, None
    if asked is not None and _is_repeatable(result, list(_tensors([*args, *settings.values()]))):
        then, reply = _tree(key), _START
        for question, next_reply in asked:
            node = then.setdefault(reply, question)
            if type(node) is not _Question:
                raise AssertionError(f"{rule} depends on more than its arguments and its path")
            then, reply = node.then, next_reply
        then[reply] = _Result(_copy(result))
    return result


def _copy(result: Any) -> Any:
    """The result with tensors of its own."""
    if type(result) is TensorSpec:
        return result.copy()
    if type(result) in (tuple, list):
        return type(result)([_copy(part) for part in result])
    return result


def _tensors(value: Any) -> Iterator[TensorSpec]:
    if isinstance(value, TensorSpec):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)


def _is_repeatable(result: Any, given: Sequence[TensorSpec]) -> bool:
    """Whether a result is made of sizes, truths and tensors that are none of those ``given``."""
    kind = type(result)
    if kind is TensorSpec:
        return key_of_spec(result) is not None and not any(result is spec for spec in given)
    if kind in (tuple, list):
        return all(_is_repeatable(part, given) for part in result)
    return result is None or kind in (bool, int, Expr)


_NONE, _TRUE, _FALSE = "None", "True", "False"
"""Keys that no other value has: True is equal to 1, and a key that is ``None`` means none."""
_OTHERS = frozenset({Expr, torch.dtype, torch.device, torch.memory_format, type(Ellipsis)})
"""Types of values of which no two that differ are equal to each other or to a number."""


def key_of_value(value: Any) -> Hashable:
    """Equal for values that mean the same to each rule; ``None`` for those without a key."""
    kind: type = type(value)
    if kind is int or kind in _OTHERS:
        same: Hashable = value
        return same
    if value is None or kind is bool:
        return _NONE if value is None else _TRUE if value else _FALSE
    if kind is float and value:
        return float, value
    if kind is float or kind is str:
        return kind, repr(value)  # -0.0 is equal to 0.0
    return None


def key_of_spec(spec: TensorSpec) -> Hashable:
    """As :func:`key_of_value`, of a tensor of which little else than its sizes is known."""
    strides, values = spec.strides, spec.values
    if (
        spec.elements is not UNKNOWN_ELEMENTS or spec.origin is not None
        or not (strides is None or type(strides) is tuple)  # deferred ones may not be settled yet
        or not (values is None or type(values) is tuple)
    ):  # fmt: skip
        return None
    return spec.dims, spec.dtype, strides, values, spec.device, spec.loose, spec.conjugate
