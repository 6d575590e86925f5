"""An ``--input`` with the names of a model's own arguments, for its user to edit."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import typing
from collections.abc import Mapping, Sequence

from torch import nn

from archlint.contracts.contract import TensorInput

_INTEGERS = re.compile(r"(^|_)(tokens?|ids?|idx|index|indices)(_|$)")
"""Arguments that are indices of an embedding, by the names that models usually give them."""
_MAPPING = re.compile(r"\s*(\w+\.)*(dict|Dict|Mapping|MutableMapping|OrderedDict)\b")
"""The text of an annotation that is a mapping."""
_LIST = re.compile(r"\s*(?:\w+\.)*(?:list|List|Sequence|Iterable)\[(.*)\]\s*$", re.DOTALL)
"""The text of an annotation that is a list, with what its elements are."""
_SETTING = re.compile(r"\s*(?:bool|int|float|str)\s*$")
"""The text of an annotation of what no input is."""
_CONTAINER = re.compile(
    r"(?:\w+\.)*(?:dict|list|tuple|\w*Dict|List|Tuple|\w*Mapping|Sequence|Iterable)\[[^\[\]]*\]"
)
"""The text of an annotation of a container, without another in it."""


def example_input(model: nn.Module, needed: Sequence[str], likely: Sequence[TensorInput]) -> str:
    """An ``--input`` with the arguments ``needed``; ``likely`` are inputs of one argument."""
    if not needed:
        return '--input "N 3 H W" for one tensor'
    plain = next((t.text for t in likely if t.below is None), "N K")
    tokens = ""
    embedding = next((m for m in model.modules() if isinstance(m, nn.Embedding)), None)
    if embedding is not None:
        tokens = f"{{shape: N K, dtype: int64, below: {embedding.num_embeddings}}}"

    def shape(name: str, first: bool) -> str:
        if tokens and _INTEGERS.search(name):
            return tokens
        return plain if first else "N K"

    settings = settings_of(model, needed)
    entries = []
    for i, name in enumerate(n for n in needed if n not in settings):
        element = _LIST.match(annotation_text(model, name))
        if (keys := mapping_keys(model, name)) is not None:
            items = [f"{k}: {shape(k, not i and not j)}" for j, k in enumerate(keys or ["KEY"])]
            entries.append(f"{name}: {{{', '.join(items)}}}")
        elif element and _MAPPING.match(element[1]):
            entries.append(f"{name}: [{{KEY: {shape(name, not i)}}}]")
        elif element:
            entries.append(f"{name}: [{shape(name, not i)}]")
        else:
            entries.append(f"{name}: {shape(name, not i)}")
    return f"--input '{{{', '.join(entries)}}}'"


def settings_of(model: nn.Module, names: Sequence[str]) -> list[str]:
    """The arguments of ``forward`` that are numbers, truths or texts by their annotations."""
    return [name for name in names if _SETTING.match(annotation_text(model, name))]


def annotation_text(model: nn.Module, name: str) -> str:
    """The annotation of an argument of ``forward`` as its author would write it, or ``""``."""
    try:
        annotation = inspect.signature(model.forward).parameters[name].annotation
    except (TypeError, ValueError, KeyError):
        return ""
    if annotation is inspect.Parameter.empty:
        return ""
    plain = isinstance(annotation, type) and typing.get_origin(annotation) is None
    return annotation.__name__ if plain else str(annotation)


def mapping_keys(model: nn.Module, name: str) -> list[str] | None:
    """The keys that ``forward`` reads of an argument that is a mapping; ``None`` for another.

    It is one by its annotation, or because ``forward`` reads ``batch["image"]`` before it gives
    the name ``batch`` another value. What may also be a tensor (``Tensor | dict[str, Tensor]``, or
    ``if isinstance(batch, dict):``) counts as one.
    """
    if _may_be_tensor(annotation_text(model, name)):
        return None
    keys = _keys_read(model, name)
    try:
        annotation = inspect.signature(model.forward).parameters[name].annotation
    except (TypeError, ValueError, KeyError):
        annotation = None
    if isinstance(annotation, str):
        is_mapping = bool(_MAPPING.match(annotation))
    else:
        kind = typing.get_origin(annotation) or annotation
        is_mapping = isinstance(kind, type) and issubclass(kind, Mapping)
    return keys if keys or is_mapping else None


def _may_be_tensor(annotation: str) -> bool:
    """Whether a tensor is what an annotation says, not only what it has in a container."""
    before = ""
    while before != annotation:
        before, annotation = annotation, _CONTAINER.sub("", annotation)
    return re.search(r"\bTensor\b", annotation) is not None


def _keys_read(model: nn.Module, name: str) -> list[str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model.forward)))
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return []
    keys: dict[str, None] = {}
    until = _first_rebinding(tree, name)
    for node in ast.walk(tree):
        if _asks_for_type(node, name):
            return []
        owner: ast.expr | None = None
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            owner, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner, key = (
                (node.func.value, node.args[0]) if node.func.attr == "get" else (None, None)
            )
        of_it = (
            isinstance(owner, ast.Name)
            and owner.id == name
            and (owner.lineno, owner.col_offset) < until
        )
        if of_it and isinstance(key, ast.Constant) and isinstance(key.value, str):
            keys[key.value] = None
    return list(keys)


def _asks_for_type(node: ast.AST, name: str) -> bool:
    """Whether it is ``isinstance(name, …)``."""
    match node:
        case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=asked), *_]):
            return asked == name
    return False


def _first_rebinding(tree: ast.AST, name: str) -> tuple[float, float]:
    """The line and column after which the name may mean something else than the argument."""
    ends = [(float("inf"), 0.0)]
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For)):
            targets = [node.target]
        elif isinstance(node, ast.With):
            targets = [item.optional_vars for item in node.items if item.optional_vars]
        bound = (n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))
        if any(n.id == name and isinstance(n.ctx, ast.Store) for n in bound):
            # The value of an assignment is computed before its targets are bound.
            last = targets[-1] if isinstance(node, (ast.For, ast.With)) else node
            ends.append((last.end_lineno or 0, last.end_col_offset or 0))  # type: ignore[attr-defined]
    return min(ends)
