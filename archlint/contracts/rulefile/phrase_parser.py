"""Parses sizes, shapes and conditions: ``H//4``, ``N 3 H W``, ``any H, W >= 32``.

:mod:`.grammar` makes a syntax tree (never ``eval``); this module turns it into a size or a formula
in normal form. Names are sizes of the input; division and remainder are those of Python, and a
comparison with a division by 0 does not hold. A syntax error is a :class:`PhraseError` with its
column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from lark import Token, Tree

from archlint.contracts.contract import ANY_SIZE, ANY_SIZES, SizeClause, Wildcard
from archlint.contracts.region import bounds_of
from archlint.contracts.rulefile.grammar import (
    ANY_SIZE_PATTERN,
    RESERVED,
    Node,
    column,
    parse,
    quote,
    within_bounds,
)
from archlint.contracts.rulefile.phrase_slips import slip_in
from archlint.errors import PhraseError
from archlint.symbolic import Expr, Size, ceildiv, floordiv, maximum, minimum, mod, symbol
from archlint.symbolic import formula as f
from archlint.symbolic.case_split import divisors
from archlint.symbolic.intervals import Box, Interval
from archlint.symbolic.step_functions import STEP_FUNCTIONS, step_function

MAX_NUMBER = 2**63 - 1  # as written
MAX_COMPUTED = 10**24  # of numbers and coefficients
MAX_TERMS = 64  # of a size in normal form
NO_BOUNDS: Mapping[str, Interval] = MappingProxyType({})

Ratio = tuple[Size, Size]  # numerator, denominator


def parse_size(text: str, bounds: Mapping[str, Interval] | None = NO_BOUNDS) -> Size:
    """Parse one entry of a shape: ``3``, ``H``, ``H//4``, ``ceil((H-1)/2)``, ``min(H,W)``.

    ``bounds`` are those of the sizes, by default from 1; with ``None``, a divisor may be 0.

    Raises:
        PhraseError: syntax error, a number below 0, or a divisor that can be 0 within the bounds.
    """
    size = _size(parse(text, "size").children[0], text)
    if isinstance(size, int) and size < 0:
        raise PhraseError(f"found {text.strip()!r}", "a size of at least 0", _start(text))
    for divisor in _doubtful_divisors(size, bounds) if bounds is not None else ():
        found = f"found a division by '{divisor}', which can be 0"
        raise PhraseError(found, "a divisor that is never 0", _start(text))
    return size


def parse_shape(
    text: str, *, wildcards: bool = False, bounds: Mapping[str, Interval] | None = NO_BOUNDS
) -> list[Size | Wildcard]:
    """Parse the entries of a shape, separated by spaces; ``bounds`` as in :func:`parse_size`.

    With ``wildcards``, ``_`` stands for any one size and ``...`` (at most once) for any number of
    sizes.

    Raises:
        PhraseError: syntax error; its column counts from the start of ``text``.
    """
    _check_separators(within_bounds(text))
    entries: list[Size | Wildcard] = []
    for match in re.finditer(r"\S+", within_bounds(text)):
        entry = match[0]
        wildcard = ANY_SIZE if entry == "_" else ANY_SIZES if entry == "..." else None
        try:
            if wildcard is None:
                _entry_without_spaces(entry)
                entries.append(parse_size(entry, bounds))
            elif not wildcards:
                raise PhraseError(f"found the wildcard {entry!r}", "a size or a name", 1)
            elif wildcard is ANY_SIZES and ANY_SIZES in entries:
                raise PhraseError("found a second '...'", "one '...' at most", 1)
            else:
                entries.append(wildcard)
        except PhraseError as error:
            at = match.start() + error.column
            raise PhraseError(error.found, error.expected, at) from None
    if not entries:
        raise PhraseError("found an empty shape", "sizes such as 'N 3 H W'", 1)
    return entries


@lru_cache(maxsize=1024)
def parse_clause(text: str, kind: str) -> SizeClause:
    """Parse ``any P`` or ``only P`` of the key ``accepts``, or ``any P`` of the key ``rejects``.

    ``kind`` is the key.

    Raises:
        PhraseError: syntax error; its column counts from the start of ``text``.
    """
    words = ("any", "only") if kind == "accepts" else ("any",)
    expected = f"{' or '.join(map(repr, words))}, as in '{words[0]} H, W >= 32'"
    if not text.strip():
        raise PhraseError("found nothing", expected, 1)
    first = re.match(r"\s*(\w*)", within_bounds(text))
    assert first is not None
    word = first[1]
    if word not in words:
        if kind == "rejects" and word == "only":
            expected = "'any', as in 'any H < 32'"
        elif word.lower() in words:
            expected = f"{word.lower()!r}"
        found = word or text.split()[0]
        raise PhraseError(f"found {found!r}", expected, _start(text))
    region: f.Bool = True
    if not ANY_SIZE_PATTERN.fullmatch(text):
        rest = " " * first.end() + text[first.end() :]
        if not rest.strip():
            raise PhraseError("found the end", "a condition such as 'H, W >= 32'", first.end() + 1)
        try:
            tree = parse(rest, "predicate").children[0]
            if word == "only" or not _names_only(tree):
                region = _formula(tree, text)
                region = f.conj(region, *_positive(region, set(_compared(tree))))
        except PhraseError as error:
            raise slip_in(rest) or error from None
    return SizeClause("rejects" if kind == "rejects" else word, region, text.strip())


def _check_separators(text: str) -> None:
    """Reject ``N,3,H,W``, ``(N, 3, H, W)`` and ``1x3x224x224`` with the spelling that is valid."""
    inner = re.sub(r"^[(\[]\s*(.*?),?\s*[)\]]$", r"\1", text.strip())
    by_commas = re.split(r"\s*,\s*", inner)
    by_x = re.split(r"\s*[x×]\s*", inner)
    if len(by_commas) > 1 and all(re.fullmatch(r"[\w.*+/%-]+", part) for part in by_commas):
        meant = " ".join(by_commas)
    elif len(by_x) > 1 and all(re.fullmatch(r"[0-9]+|[A-Z]", part) for part in by_x):
        meant = " ".join(by_x)
    else:
        return
    raise PhraseError(f"found {text.strip()!r:.60}; did you mean {meant!r:.60}?", "", _start(text))


def _entry_without_spaces(entry: str) -> None:
    if entry.endswith(",") and entry.count("(") == entry.count(")"):
        raise PhraseError("found ','", "entries separated by spaces only", len(entry))
    if entry.count("(") > entry.count(")"):
        raise PhraseError(f"found {entry!r}", "an expression without spaces, closed by ')'", 1)
    if not re.search(r"\w", entry):
        raise PhraseError(f"found {entry!r} alone", "an expression without spaces, as in 'H-2'", 1)


def _start(text: str) -> int:
    return len(text) - len(text.lstrip()) + 1


def _names_only(node: Node) -> bool:
    """Whether the condition is a list of names such as ``H, W``, which restricts nothing."""
    names = node.children if isinstance(node, Tree) and node.data == "list" else [node]
    return all(isinstance(n, Token) and n.type == "NAME" and n != "_" for n in names)


def _positive(region: f.Bool, compared: set[str]) -> list[f.Bool]:
    """``>= 1`` for sizes that are not compared directly: ``H//32 == 0`` means 1 to 31, not 0."""
    minima = ((name, low) for name, (low, _) in bounds_of(region).items())
    return [
        f.ge(symbol(name), 1)
        for name, low in minima
        if low is not None and low < 1 and name not in compared
    ]


def _compared(node: Node) -> Iterator[str]:
    """The names that are a whole side of a comparison, as in ``H >= 0``."""
    if isinstance(node, Token):
        return
    for part in node.children:
        if node.data not in ("comparison", "member"):
            yield from _compared(part)
            continue
        sides = part.children if isinstance(part, Tree) and part.data == "list" else [part]
        yield from (str(s) for s in sides if isinstance(s, Token) and s.type == "NAME")


def _formula(node: Node, text: str) -> f.Bool:
    if isinstance(node, Token) or node.data in ("list", "sum", "product", "negative", "call"):
        words = quote(node, text)[1:-1]
        expected = f"a comparison such as {words + (' == 0' if '%' in words else ' >= 32')!r}"
        raise PhraseError(f"found {quote(node, text)} without a comparison", expected, column(node))
    parts = node.children
    if node.data == "disjunction":
        return f.disj(*(_formula(p, text) for p in parts))
    if node.data == "conjunction":
        return f.conj(*(_formula(p, text) for p in parts))
    if node.data == "negation":
        inner = _formula(parts[-1], text)
        return f.negate(inner) if len(parts) % 2 == 0 else inner
    if node.data == "member":
        return _member(node, text)
    sides = [_sizes(p, text) for p in parts[::2]]
    _check_lists(parts, sides, text)
    for part in parts[::2]:
        _check_remainders(part, text)
    compare = {"<": f.lt, "<=": f.le, ">": f.gt, ">=": f.ge, "==": f.eq, "!=": f.ne}
    return f.conj(
        *_defined(*sides),
        *(
            compare[str(op)](left, right)
            for lefts, op, rights in zip(sides, parts[1::2], sides[1:], strict=False)
            for left in lefts
            for right in rights
        ),
    )


def _check_lists(parts: list[Node], sides: list[list[Size]], text: str) -> None:
    """Reject ambiguous lists: ``H, W >= N, M`` and ``H >= 3, W >= 4``."""
    lists = [i for i, s in enumerate(sides) if len(s) > 1]
    if len(lists) > 1:
        at = parts[2 * lists[1]]
        raise PhraseError(
            f"found a second list, {quote(at, text)}", "one list per comparison", column(at)
        )
    if lists and 0 < lists[0] < len(sides) - 1:
        middle = parts[2 * lists[0]]
        numbers = all(isinstance(s, int) for side in (sides[0], sides[-1]) for s in side)
        if not numbers or not _names_only(middle):
            found = f"found the list {quote(middle, text)} between comparisons"
            raise PhraseError(found, "'and' instead of ','", column(middle))


def _check_remainders(node: Node, text: str) -> None:
    """Reject ``H, W % 32 == 0``, where ``H == 0`` is not what is meant."""
    if isinstance(node, Token) or node.data != "list":
        return
    *names, last = node.children
    if not (isinstance(last, Tree) and last.data == "product" and last.children[-2] == "%"):
        return
    if all(isinstance(n, Token) and n.type == "NAME" for n in names):
        words = quote(last, text)[1:-1]
        divisor = words.rpartition("%")[2].strip()
        each = ", ".join([*(f"{n} % {divisor}" for n in names), words])
        raise PhraseError(f"found the list {quote(node, text)}", f"{each!r}", column(node))


def _member(node: Tree[Token], text: str) -> f.Bool:
    """``H, W in 32..1024 step 32`` and ``H not in {224, 256}``, for each size on the left."""
    among = node.children[-1]
    assert isinstance(among, Tree)
    members = _sizes(node.children[0], text)
    _check_remainders(node.children[0], text)
    each: list[f.Bool] = []
    for size in members:
        if among.data == "choices":
            each.append(f.disj(*(f.eq(size, c) for c in _sizes(among.children[0], text))))
            continue
        low, high, *steps = (_size(c, text) for c in among.children)
        step = steps[0] if steps else 1
        if not isinstance(step, int) or step < 1:
            bad = among.children[2]
            raise PhraseError(
                f"found the step {quote(bad, text)}", "a whole number, at least 1", column(bad)
            )
        if isinstance(low, int) and isinstance(high, int) and low > high:
            found = f"found the empty range {quote(among, text)}"
            raise PhraseError(found, "the smaller bound first", column(among))
        each.append(f.conj(f.ge(size, low), f.le(size, high), f.eq(mod(size - low, step), 0)))
    negated = len(node.children) == 3
    return f.conj(*_defined(members), *(f.negate(e) if negated else e for e in each))


def _defined(*sides: list[Size]) -> list[f.Bool]:
    """That no divisor in these sizes is 0: what is compared with such a quotient does not hold."""
    return [f.ne(d, 0) for side in sides for size in side for d in _doubtful_divisors(size)]


def _doubtful_divisors(size: Size, bounds: Mapping[str, Interval] = NO_BOUNDS) -> Iterator[Expr]:
    """The divisors that can be 0 for sizes of at least 1 and within the bounds."""
    for divisor in divisors(size) if isinstance(size, Expr) else ():
        box = Box({**dict.fromkeys(divisor.symbols(), (1, None)), **bounds})
        low, high = box.interval(divisor)
        if (low is None or low < 1) and (high is None or high > -1):
            yield divisor


def _sizes(node: Node, text: str) -> list[Size]:
    if isinstance(node, Tree) and node.data == "list":
        return [_size(c, text) for c in node.children]
    return [_size(node, text)]


def _size(node: Node, text: str) -> Size:
    return _ratio(node, text, slash=False)[0]


def _ratio(node: Node, text: str, slash: bool) -> Ratio:
    """A size as numerator and denominator. The denominator is 1 unless ``slash`` allows ``/``."""
    if isinstance(node, Token):
        if node == "_" or node in RESERVED:
            raise PhraseError(f"found {str(node)!r}", "a size or a name", column(node))
        return (symbol(str(node)), 1) if node.type == "NAME" else (_number(node), 1)
    if node.data == "call":
        return _call(node, text), 1
    if node.data == "negative":
        num, den = _ratio(node.children[-1], text, slash)
        return (-num, den) if len(node.children) % 2 == 0 else (num, den)
    if node.data not in ("sum", "product"):
        what = "list" if node.data == "list" else "comparison"
        found = f"found the {what} {quote(node, text)} in place of a size"
        raise PhraseError(found, "a size or a name", column(node))
    num, den = _ratio(node.children[0], text, slash)
    for op, operand in zip(node.children[1::2], node.children[2::2], strict=True):
        n, d = _ratio(operand, text, slash)
        at = column(operand)
        if op in ("+", "-"):
            n = n if op == "+" else -n
            num, den = _times(num, d, at) + _times(n, den, at), _times(den, d, at)
        elif op == "*":
            num, den = _times(num, n, at), _times(den, d, at)
        elif op == "/":
            if not slash:
                raise PhraseError(
                    "found '/'", "'//', or ceil(…) or floor(…) around the division", column(op)
                )
            _check_divisor(n, operand, text)
            num, den = _times(num, d, at), _times(den, n, at)
        else:
            if den != 1 or d != 1:
                raise PhraseError(f"found '/' together with {str(op)!r}", "one of them", column(op))
            _check_divisor(n, operand, text)
            num = floordiv(num, n) if op == "//" else mod(num, n)
        num, den = _bounded(num, at), _bounded(den, at)
    return num, den


def _call(node: Tree[Token], text: str) -> Size:
    function, args = node.children
    at = column(node)
    if function in ("min", "max"):
        return _bounded((minimum if function == "min" else maximum)(*_sizes(args, text)), at)
    if isinstance(args, Tree) and args.data == "list":
        raise PhraseError(f"found {len(args.children)} sizes", f"one size in {function}(…)", at)
    for kind in STEP_FUNCTIONS:
        if function == kind.function:
            return _bounded(step_function(kind, _size(args, text)), at)
    num, den = _ratio(args, text, slash=True)
    return _bounded(ceildiv(num, den) if function == "ceil" else floordiv(num, den), at)


def _number(token: Token) -> int:
    digits = token.replace("_", "")
    if len(digits) > 20 or int(digits) > MAX_NUMBER:
        raise PhraseError("found a number that is too large", "at most 2**63 - 1", column(token))
    return int(digits)


def _check_divisor(size: Size, node: Node, text: str) -> None:
    """Reject a divisor that is always 0."""
    if size == 0:
        found = f"found a division by {quote(node, text)}, which is 0"
        raise PhraseError(found, "a divisor that is never 0", column(node))


def _times(a: Size, b: Size, at: int) -> Size:
    if isinstance(a, Expr) and isinstance(b, Expr) and len(a.terms) * len(b.terms) > 1000:
        raise PhraseError("found an expression that is too large", "fewer products", at)
    return a * b


def _bounded(size: Size, at: int) -> Size:
    """The size itself if its normal form is small. Nested remainders double it at each level."""
    large = abs(size) > MAX_COMPUTED if isinstance(size, int) else (
        len(size.terms) > MAX_TERMS
        or max(abs(size.const), *(abs(c) for _, c in size.terms)) > MAX_COMPUTED
        or len(str(size)) > 400
    )  # fmt: skip
    if large:
        raise PhraseError("found an expression that is too large", "a simpler one", at)
    return size
