"""Random size expressions for tests: one tree, read by the size algebra and by plain Python."""

import ast
import functools
import math
import operator
import types
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from archlint import symbolic as dims
from archlint.symbolic.rational import Ratio

NAMES = ("H", "W", "N")
SYMBOLS = {name: dims.symbol(name) for name in NAMES}

POINTS = [
    {"H": h, "W": w, "N": n}
    for h, w, n in [
        (0, 0, 0), (1, 1, 1), (2, 3, 1), (7, 7, 2), (8, 5, 3), (31, 32, 33), (32, 64, 2),
        (-1, 4, 1), (-7, -3, -2), (5, -32, 6), (97, 224, 17), (1000, 999, 5), (223, 0, 4),
        (10**9 + 7, 10**6 + 3, 12), (-(10**9), 77, -5),
    ]
]  # fmt: skip

Tree = Any  # a name, a number, or (word, tree, ...)

PYTHON = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "min": min,
    "max": max,
    "ceil": lambda a, b: -(-a // b),
    "**": operator.pow,
    "neg": operator.neg,
}
ALGEBRA = {
    **PYTHON,
    "//": dims.floordiv,
    "%": dims.mod,
    "min": dims.minimum,
    "max": dims.maximum,
    "ceil": dims.ceildiv,
}


def read(tree: Tree, words: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    """The value of a tree; ``words`` say what the operations are, ``names`` the leaves."""
    if isinstance(tree, str):
        return names[tree]
    if isinstance(tree, int):
        return tree
    word, *args = tree
    return words[word](*(read(a, words, names) for a in args))


def size(tree: Tree) -> dims.Size:
    """The tree in the size algebra. ``ZeroDivisionError`` where a divisor is 0 for all sizes."""
    return read(tree, ALGEBRA, SYMBOLS)


def value(tree: Tree, env: Mapping[str, int]) -> int | None:
    """The tree in Python's integers; ``None`` where a divisor is 0."""
    try:
        return read(tree, PYTHON, env)
    except ZeroDivisionError:
        return None


def source(tree: Tree) -> str:
    """The tree, a size or a formula, as Python source; ``and`` and ``or`` evaluate both sides."""
    if not isinstance(tree, tuple):
        return f"({tree})"
    word, *args = tree
    parts = [source(a) for a in args]
    if word in ("min", "max"):
        return f"{word}({', '.join(parts)})"
    if word == "ceil":
        return f"(-(-{parts[0]} // {parts[1]}))"
    if word in ("neg", "not"):
        return f"({'-' if word == 'neg' else 'not '}{parts[0]})"
    if word == "implies":
        return f"((not {parts[0]}) | {parts[1]})"
    return "(" + {"and": " & ", "or": " | "}.get(word, f" {word} ").join(parts) + ")"


def normal(tree: Tree) -> dims.Size:
    """The tree in the size algebra; skips the example if it divides by 0 at all sizes."""
    try:
        return size(tree)
    except ZeroDivisionError:
        assert all(value(tree, env) is None for env in POINTS)
        assume(False)
        raise


def trees(
    names: tuple[str, ...] = NAMES,
    leaves: int = 8,
    divisors: tuple[int, ...] = (1, 2, 3, 4, 5, 7, 8, 16, 32, -1, -2, -3, -7),
) -> st.SearchStrategy[Tree]:
    """Random trees over ``names``, divided by ``divisors`` and by one another."""
    small = st.integers(-12, 12)
    leaf = st.one_of(st.sampled_from(names), small)

    def grow(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        over = st.tuples(st.sampled_from(["//", "%", "ceil"]), inner, st.sampled_from(divisors))
        kinds = [
            st.tuples(st.sampled_from(["+", "-", "+", "-", "*", "min", "max"]), inner, inner),
            st.tuples(st.sampled_from(["+", "-", "*"]), inner, small),
            over,
            over,
            st.tuples(st.just("neg"), inner),
            st.tuples(st.just("**"), inner, st.integers(0, 3)),
            st.tuples(st.sampled_from(["//", "%", "ceil"]), inner, inner),
        ]
        return st.one_of(kinds)

    return st.recursive(leaf, grow, max_leaves=leaves)


class _Quotients(ast.NodeTransformer):
    """``a / b`` becomes ``ratio(a, b)``."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("ratio", ast.Load()), [node.left, node.right], [])
        return node


IN_PYTHON = {"ceil": math.ceil, "min": min, "max": max, "ratio": Fraction}
IN_ALGEBRA = {
    "ceil": lambda ratio: ratio.ceil(),
    "min": dims.minimum,
    "max": dims.maximum,
    "ratio": Ratio,
}


def printed(text: str, names: Mapping[str, Any], words: Mapping[str, Any] = IN_PYTHON) -> Any:
    """The value of a printed size or formula, read as Python with exact division."""
    return eval(_compiled(text), {"__builtins__": {}}, {**words, **names})


@functools.lru_cache(maxsize=64)
def _compiled(text: str) -> types.CodeType:
    tree = ast.fix_missing_locations(_Quotients().visit(ast.parse(text, mode="eval")))
    return compile(tree, text, "eval")
