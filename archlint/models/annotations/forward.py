"""Reads the input and the output of a contract from the annotations of ``forward``."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import ANY_SIZES, Input, Output, TensorOutput
from archlint.errors import Location, TargetError
from archlint.models.annotations.dimensions import Dimensions, NotStatable
from archlint.models.annotations.module_names import ModuleNames, evaluate
from archlint.models.user_code import user_code
from archlint.runtime.user_frames import shown

_NEXT = "write the input into a rule file: archlint init starts one"
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Annotations:
    """What the annotations of ``forward`` state. ``output``: ``None`` if they state none."""

    input: Input
    output: Output | None
    where: Location | None


def read_annotations(model: nn.Module) -> Annotations:
    """What the jaxtyping annotations of the model's ``forward`` state.

    Arguments with a default may be omitted from a call, and are. Raises ``TargetError`` with
    every annotation that a contract cannot state, its place, and what to do.
    """
    name = f"{type(model).__name__}.forward"
    function = inspect.unwrap(getattr(model.forward, "__func__", model.forward))
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError) as e:
        raise TargetError(f"{name} has no signature to read: {e}; {_NEXT}") from None
    where = _place(function)
    with user_code(f"the annotations of {name} could not be read"):
        reader = _Reader(_names(model, function), Dimensions(model))
        needed = [
            p
            for p in signature.parameters.values()
            if p.kind not in _VARIABLE and p.default is p.empty
        ]
        values = [p.annotation for p in needed]
        if not any(map(reader.is_typed, [*values, signature.return_annotation])):
            raise TargetError(f"{_at(where)}{name} has no jaxtyping annotations; {_NEXT}")
        reasons: list[str] = []
        inputs: dict[str, Input] = {}
        for p in needed:
            with _collected(reasons, p.name):
                inputs[p.name] = reader.input(p.annotation)
        output = None
        with _collected(reasons, "the output"):
            output = reader.output(signature.return_annotation)
    if not needed:
        reasons.append("forward takes no argument without a default")
    unnamed = [p.name for p in needed if p.kind is p.POSITIONAL_ONLY]
    if unnamed and len(needed) > 1:
        reasons.append(f"{unnamed[0]}: positional-only, beside other required arguments")
    if reasons:
        lines = "\n".join(f"  {reason}" for reason in reasons)
        raise TargetError(
            f"{_at(where)}a contract cannot state all annotations of {name}; {_NEXT}\n{lines}"
        )
    one = inputs[needed[0].name] if len(needed) == 1 else inputs
    keyword = needed[0].kind is inspect.Parameter.KEYWORD_ONLY
    return Annotations(inputs if keyword else one, output, where)


def _place(function: Any) -> Location | None:
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    return Location(shown(code.co_filename), code.co_firstlineno)


def _at(where: Location | None) -> str:
    return f"{where}: " if where else ""


@contextmanager
def _collected(reasons: list[str], name: str) -> Iterator[None]:
    """Turn ``NotStatable`` into a line of ``reasons``."""
    try:
        yield
    except NotStatable as e:
        reasons.append(f"{name}: {e}")


def _names(model: nn.Module, function: Any) -> Mapping[str, Any]:
    """The names that the annotations of a method may contain."""
    code = getattr(function, "__code__", None)
    values = dict(getattr(function, "__globals__", {}))
    for kind in reversed(type(model).__mro__):
        if vars(kind).get("forward") is function:
            values |= vars(kind)
    with_cells = zip(getattr(code, "co_freevars", ()), function.__closure__ or (), strict=False)
    for name, cell in with_cells:
        try:
            values[name] = cell.cell_contents
        except ValueError:  # not yet assigned
            continue
    return ModuleNames(function.__module__, code and code.co_filename, values)


class _Reader:
    """Reads annotations, inputs before outputs."""

    def __init__(self, names: Mapping[str, Any], dimensions: Dimensions) -> None:
        self._names, self._dimensions = names, dimensions

    def is_typed(self, annotation: Any) -> bool:
        """Whether an annotation has a part of jaxtyping, or cannot be read."""
        try:
            return any(map(_is_array, self._leaves(annotation)))
        except NotStatable:
            return True

    def input(self, annotation: Any) -> Input:
        """The input of an argument. Raises ``NotStatable``."""
        value = self._one_of(annotation, optional=True)
        if _is_array(value):
            return self._dimensions.input(value.dim_str, value.dtypes)
        parts = self._parts(value)
        if isinstance(parts, list):
            return [self.input(part) for part in parts]
        if parts is not None and typing.is_typeddict(value):
            return {key: self.input(part) for key, part in parts.items()}
        raise NotStatable(f"{_text(annotation)} does not state the shape of one tensor")

    def output(self, annotation: Any) -> Output | None:
        """The output, ``None`` if nothing is stated of it. Raises ``NotStatable``."""
        if not self.is_typed(annotation):
            return None
        value = self._one_of(annotation, optional=False)
        if _is_array(value):
            return self._dimensions.output(value.dim_str)
        parts = self._parts(value)
        if isinstance(parts, list):
            return [self._part(part) for part in parts]
        if parts is not None:
            fields = {key: self.output(part) for key, part in parts.items()}
            return {key: output for key, output in fields.items() if output is not None}
        raise NotStatable(f"{_text(annotation)} does not state how many tensors it has")

    def _part(self, annotation: Any) -> Output:
        """A part of a tuple; a tensor of any shape if nothing else is stated."""
        output = self.output(annotation)
        if output is not None:
            return output
        if self._resolved(annotation) is not torch.Tensor:
            raise NotStatable(f"{_text(annotation)} in a tuple is not a tensor")
        return TensorOutput((ANY_SIZES,), "...")

    def _resolved(self, annotation: Any) -> Any:
        """An annotation without quotes, aliases and ``Annotated``."""
        value = annotation
        while True:
            value = getattr(value, "__forward_arg__", value)  # text inside of typing's classes
            if isinstance(value, str):
                try:
                    value = evaluate(value, self._names)
                except Exception as e:
                    raise NotStatable(f"{_text(annotation)} cannot be read: {e}") from None
            elif typing.get_origin(value) is typing.Annotated:
                value = typing.get_args(value)[0]
            elif hasattr(value, "__supertype__"):
                value = value.__supertype__
            elif type(value).__name__ == "TypeAliasType":
                value = value.__value__
            else:
                return value

    def _one_of(self, annotation: Any, optional: bool) -> Any:
        """The resolved annotation; of a union, its only member for tensors.

        ``optional``: ``None`` may be another member.
        """
        value = self._resolved(annotation)
        parts = [value]
        if typing.get_origin(value) in (typing.Union, types.UnionType):
            parts = [self._resolved(part) for part in typing.get_args(value)]
        left = [p for p in parts if not (optional and p is type(None)) and _fits(p)]
        if len(left) > 1:
            raise NotStatable(f"{_text(annotation)} is one of several types")
        if not left:
            raise NotStatable(f"{_text(annotation)} is not for tensors of PyTorch")
        return left[0]

    def _parts(self, value: Any) -> list[Any] | dict[str, Any] | None:
        """The annotations inside a tuple or a class with fields; ``None`` for other values."""
        if typing.get_origin(value) is tuple:
            parts = list(typing.get_args(value))
            return None if Ellipsis in parts else parts
        if not isinstance(value, type) or not (
            dataclasses.is_dataclass(value)
            or typing.is_typeddict(value)
            or hasattr(value, "_fields")
        ):
            return None
        reader = _Reader(ModuleNames.of(value.__module__), self._dimensions)
        return {key: reader._resolved(part) for key, part in value.__annotations__.items()}

    def _leaves(self, annotation: Any) -> Iterator[Any]:
        value = self._resolved(annotation)
        parts = None if _is_array(value) else self._parts(value)
        if parts is None:
            parts = [part for part in typing.get_args(value) if part is not Ellipsis]
        if not parts:
            yield value
        for part in parts.values() if isinstance(parts, dict) else parts:
            yield from self._leaves(part)


def _is_array(value: Any) -> bool:
    """Whether a value is a class of jaxtyping, as in ``Float[Tensor, "b 3 h w"]``."""
    return isinstance(getattr(value, "dim_str", None), str) and hasattr(value, "array_type")


def _fits(value: Any) -> bool:
    """Whether an annotation, if it is one of jaxtyping, is for tensors of PyTorch."""
    kind = getattr(value, "array_type", None)
    if not _is_array(value) or not isinstance(kind, type):
        return True
    return issubclass(torch.Tensor, kind) or issubclass(kind, torch.Tensor)


def _text(annotation: Any) -> str:
    """An annotation as a person writes it, roughly."""
    text = getattr(annotation, "__forward_arg__", annotation)
    return text if isinstance(text, str) else inspect.formatannotation(text)
