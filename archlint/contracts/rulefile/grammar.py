"""The grammar of sizes and conditions: text to syntax tree, or a :class:`PhraseError`.

Length and bracket depth are limited before parsing, so that hostile text cannot cause a stack
overflow. Chains of operators are flat in the tree, so it is no deeper than its brackets.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Union

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from archlint.errors import PhraseError

MAX_LENGTH = 4000  # characters of a phrase
MAX_DEPTH = 32  # brackets inside brackets
MAX_TOKENS = 1000  # 61 ways to halve a size take 735

GRAMMAR = r"""
size: sum
predicate: disjunction

?disjunction: conjunction (_OR conjunction)*
?conjunction: negation (_AND negation)*
?negation: comparison
         | NOT+ comparison
?comparison: list (COMPARE list)*
           | list NOT? _IN (span | choices)   -> member
span: sum _DOTS sum (_STEP sum)?
choices: _LBRACE list _RBRACE
?list: sum (_COMMA sum)*
?sum: product ((PLUS | MINUS) product)*
?product: negative (TIMES negative)*
?negative: atom
         | MINUS+ atom
?atom: NAME | NUMBER | _LPAR disjunction _RPAR | call
call: _function _LPAR list _RPAR
_function: MIN | MAX | CEIL | FLOOR | ISQRT | BIT_LENGTH | FLOOR_POW2 | FLOOR_LOG | FLOOR_LOG10

_OR: "or"
_AND: "and"
NOT: "not"
_IN: "in"
_STEP: "step"
MIN: "min"
MAX: "max"
CEIL: "ceil"
FLOOR: "floor"
ISQRT: "isqrt"
BIT_LENGTH: "bit_length"
FLOOR_POW2: "floor_pow2"
FLOOR_LOG: "floor_log"
FLOOR_LOG10: "floor_log10"
COMPARE: "<=" | "<" | ">=" | ">" | "==" | "!="
PLUS: "+"
MINUS: "-"
TIMES: "*" | "//" | "/" | "%"
_DOTS: ".."
_COMMA: ","
_LPAR: "("
_RPAR: ")"
_LBRACE: "{"
_RBRACE: "}"
NUMBER: /[0-9](_?[0-9])*/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
%ignore /\s+/
"""

RESERVED = frozenset(
    (
        "and",
        "or",
        "not",
        "in",
        "step",
        "any",
        "only",
        "min",
        "max",
        "ceil",
        "floor",
        "isqrt",
        "bit_length",
        "floor_pow2",
        "floor_log",
        "floor_log10",
    )
)
ANY_SIZE_PATTERN = re.compile(r"\s*any\s+sizes?\s*")
_NAME_PATTERN = re.compile(r"(?<![0-9A-Za-z_])[A-Za-z_][A-Za-z0-9_]*")

Node = Union[Token, "Tree[Token]"]

# Operators of other languages, and ours.
_FOREIGN = {
    "=>": ">=", "=<": "<=", "<>": "!=", "&&": "and", "||": "or", "&": "and", "|": "or",
    "!": "not", "=": "==", "≥": ">=", "≤": "<=", "≠": "!=", "×": "*",
}  # fmt: skip
_FOREIGN_PATTERN = re.compile(r"=>|=<|<>|&&?|\|\|?|!(?!=)|(?<![<>=!])=(?!=)|[≥≤≠×]")

_EXPECTED = {
    "NAME": "a size or a name", "COMPARE": "an operator such as '+', '>=' or 'and'",
    "PLUS": "an operator such as '+'", "_IN": "'in'", "_COMMA": "','", "_DOTS": "'..'",
    "_STEP": "'step'", "_AND": "'and'", "_OR": "'or'", "_LPAR": "'('", "_LBRACE": "'{'",
    "_RPAR": "')'", "_RBRACE": "'}'", "$END": "the end",
}  # fmt: skip


@lru_cache(maxsize=1)
def _parser() -> Lark:
    # The contextual lexer would read a misplaced keyword as a name.
    return Lark(
        GRAMMAR,
        parser="lalr",
        lexer="basic",
        start=["size", "predicate"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


@lru_cache(maxsize=256)
def parse(text: str, start: str) -> Tree[Token]:
    """The syntax tree of ``text``. It is cached: do not modify it.

    ``start`` is ``size`` or ``predicate``.

    Raises:
        PhraseError: syntax error.
    """
    foreign = _FOREIGN_PATTERN.search(within_bounds(text))
    if foreign:
        meant = f"did you mean {_FOREIGN[foreign[0]]!r}?"
        raise PhraseError(f"found {foreign[0]!r}; {meant}", "", foreign.start() + 1)
    power = text.find("**")
    if power >= 0:
        raise PhraseError("found '**'", "a product such as H*H", power + 1)
    try:
        return _parser().parse(text, start=start)
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        expected = "a whole number" if text[at] == "." else "a size, a name or an operator"
        raise PhraseError(f"found {text[at]!r}", expected, at + 1) from None
    except UnexpectedToken as error:
        token = error.token
        if token.type == "$END":
            raise PhraseError("found the end", _words(error), len(text.rstrip()) + 1) from None
        at = token.start_pos or 0
        before = re.search(r"[0-9]+$", text[:at])
        if token.type == "NAME" and before:
            found = f"found '{before[0]}{token}'; did you mean '{before[0]}*{token}'?"
            raise PhraseError(found, "", before.start() + 1) from None
        if token.lower() in RESERVED and token != token.lower():
            meant = f"did you mean {token.lower()!r}?"
            raise PhraseError(f"found {str(token)!r}; {meant}", "", at + 1) from None
        raise PhraseError(f"found {str(token)!r}", _words(error), at + 1) from None


def _words(error: UnexpectedToken) -> str:
    """What the parser expected, in plain words."""
    accepted = error.accepts or error.expected
    if "NAME" in accepted:
        return _EXPECTED["NAME"]
    if "COMPARE" in accepted:  # many operators may follow a size: name the common ones
        accepted = accepted & {"COMPARE", "_RPAR"}
    words = [_EXPECTED[name] for name in _EXPECTED if name in accepted]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def symbols_of(text: str) -> dict[str, int]:
    """The size names in a valid phrase or shape, each with its first column (from 1)."""
    found: dict[str, int] = {}
    if not ANY_SIZE_PATTERN.fullmatch(text):
        for match in _NAME_PATTERN.finditer(text):
            if match[0] not in RESERVED and match[0] != "_":
                found.setdefault(match[0], match.start() + 1)
    return found


def within_bounds(text: str) -> str:
    """The text itself. Raises :class:`PhraseError` if it is too long or nested too deeply."""
    depth = 0
    deepest = 0
    for bracket in re.findall(r"[(){}]", text):
        depth += 1 if bracket in "({" else -1
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        found = f"found an expression nested {deepest} deep"
        raise PhraseError(found, f"at most {MAX_DEPTH} levels", 1)
    if len(text) > MAX_LENGTH:
        expected = f"at most {MAX_LENGTH}"
        raise PhraseError(f"found a text of {len(text)} characters", expected, 1)
    tokens = len(re.findall(r"\w+|[^\w\s]", text))
    if tokens > MAX_TOKENS:
        raise PhraseError(f"found a text of {tokens} words and symbols", f"at most {MAX_TOKENS}", 1)
    return text


def column(node: Node) -> int:
    """The column (from 1) at which the node starts."""
    position = node.start_pos if isinstance(node, Token) else node.meta.start_pos
    return (position or 0) + 1


def quote(node: Node, text: str) -> str:
    """The source text of the node in quotes, shortened to 40 characters."""
    end = node.end_pos if isinstance(node, Token) else node.meta.end_pos
    words = text[column(node) - 1 : end]
    return repr(words if len(words) <= 40 else words[:37] + "...")
