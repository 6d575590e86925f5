"""Phrases that are read, and the mistakes in those that cannot be."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.contracts.contract import ANY_SIZE, ANY_SIZES
from archlint.contracts.rulefile.grammar import symbols_of
from archlint.contracts.rulefile.phrase_parser import parse_clause, parse_shape, parse_size
from archlint.errors import PhraseError
from archlint.symbolic import ceildiv, maximum, minimum, symbol

H, W, T = symbol("H"), symbol("W"), symbol("T")
GRID = [{"H": h, "W": w} for h in range(1, 9) for w in range(1, 9)]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("3", 3),
        ("1_000", 1000),
        ("H", H),
        ("H-2", H - 2),
        ("H//4", H // 4),
        ("2*T", 2 * T),
        ("H%3", H % 3),
        ("-H+W", W - H),
        ("--H", H),
        ("(H+1)*2", 2 * H + 2),
        ("ceil(H/32)", ceildiv(H, 32)),
        ("floor(H/32)", H // 32),
        ("floor((H+2*1-3)/2+1)", (H + 1) // 2),
        ("ceil(H/2/3)", ceildiv(H, 6)),
        ("floor(H/W)", H // W),
        ("min(H,W,3)", minimum(H, W, 3)),
        ("max(H,ceil(W/2))", maximum(H, ceildiv(W, 2))),
        ("floor(H)", H),
        ("minimum+orange", symbol("minimum") + symbol("orange")),
    ],
)
def test_size(text, size):
    assert parse_size(text) is size or parse_size(text) == size


def test_shape():
    assert parse_shape("N 3  H W") == [symbol("N"), 3, H, W]
    assert parse_shape("N _ ... H//2", wildcards=True) == [
        symbol("N"), ANY_SIZE, ANY_SIZES, H // 2,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "found an empty shape; expected sizes such as 'N 3 H W'"),
        ("N, 3 H", 2, "found ','; expected entries separated by spaces only"),
        ("N, 3", 1, "found 'N, 3'; did you mean 'N 3'?"),
        (" N,3,H//2", 2, "found 'N,3,H//2'; did you mean 'N 3 H//2'?"),
        ("(N, 3, H, W)", 1, "found '(N, 3, H, W)'; did you mean 'N 3 H W'?"),
        ("[N, 3, H, W]", 1, "found '[N, 3, H, W]'; did you mean 'N 3 H W'?"),
        ("1x3x224x224", 1, "found '1x3x224x224'; did you mean '1 3 224 224'?"),
        ("1×3×H×W", 1, "found '1×3×H×W'; did you mean '1 3 H W'?"),
        ("N H - 2", 5, "found '-' alone; expected an expression without spaces, as in 'H-2'"),
        ("min(H, W)", 1, "found 'min(H,'; expected an expression without spaces, closed by ')'"),
        ("N -1", 3, "found '-1'; expected a size of at least 0"),
        ("N _", 3, "found the wildcard '_'; expected a size or a name"),
        ("N ...", 3, "found the wildcard '...'; expected a size or a name"),
        ("N H/2", 4, "found '/'; expected '//', or ceil(…) or floor(…) around the division"),
        (
            "N H//0",
            6,
            "found a division by '0', which is 0; expected a divisor that is never 0",
        ),
        (
            "N H//(W-1)",
            3,
            "found a division by 'W-1', which can be 0; expected a divisor that is never 0",
        ),
        ("ceil(H/2//3)", 9, "found '/' together with '//'; expected one of them"),
        ("ceil(H,2)", 1, "found 2 sizes; expected one size in ceil(…)"),
        ("N 1.5", 4, "found '.'; expected a whole number"),
        ("N H>3", 4, "found '>'; expected the end"),
        ("N 3H", 3, "found '3H'; did you mean '3*H'?"),
        ("N and", 3, "found 'and'; expected a size or a name"),
        ("N any", 3, "found 'any'; expected a size or a name"),
        (
            "N (H>3)+1",
            4,
            "found the comparison 'H>3' in place of a size; expected a size or a name",
        ),
        ("N min()", 7, "found ')'; expected a size or a name"),
    ],
)
def test_shape_mistakes(text, column, message):
    check_message(lambda: parse_shape(text), column, message)


def test_a_second_ellipsis():
    check_message(
        lambda: parse_shape("... N ...", wildcards=True),
        7,
        "found a second '...'; expected one '...' at most",
    )


@pytest.mark.parametrize(
    ("text", "kind", "region"),
    [
        ("any N >= 1 and H, W >= 32", "any", "N >= 1 and H >= 32 and W >= 32"),
        ("only H % 16 == 0 and W % 16 == 0", "only", "H % 16 == 0 and W % 16 == 0"),
        ("any 32 <= H < 64", "any", "H >= 32 and H <= 63"),
        ("any 32 <= H, W < 64", "any", "H >= 32 and W >= 32 and H <= 63 and W <= 63"),
        ("any H == W", "any", "H == W"),
        ("any H*W <= 1_024*1024", "any", "H*W <= 1048576"),
        ("any H in 32..1024 step 32", "any", "H >= 32 and H <= 1024 and H % 32 == 0"),
        ("any H in {224, 256}", "any", "H == 224 or H == 256"),
        ("any H, W not in 3..5", "any", "(H <= 2 or H >= 6) and (W <= 2 or W >= 6)"),
        ("any not (H >= 3 or W >= 3)", "any", "H <= 2 and W <= 2"),
        ("any not not H >= 3", "any", "H >= 3"),
        ("any size", "any", "True"),
        ("any  sizes ", "any", "True"),
        ("any H, W", "any", "True"),
        ("any H", "any", "True"),
        ("any size >= 3", "any", "size >= 3"),
    ],
)
def test_promise(text, kind, region):
    clause = parse_clause(text, "accepts")
    assert (clause.kind, str(clause.region), clause.text) == (kind, region, text.strip())


def test_rejects():
    clause = parse_clause("any H < 16", "rejects")
    assert (clause.kind, str(clause.region)) == ("rejects", "H <= 15")


PREFIX = "found 'H'; expected 'any' or 'only', as in 'any H, W >= 32'"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "found nothing; expected 'any' or 'only', as in 'any H, W >= 32'"),
        ("H >= 32", 1, PREFIX),
        ("  H >= 32", 3, PREFIX),
        ("Any H >= 32", 1, "found 'Any'; expected 'any'"),
        (">= 3", 1, "found '>='; expected 'any' or 'only', as in 'any H, W >= 32'"),
        ("any", 4, "found the end; expected a condition such as 'H, W >= 32'"),
        ("only ", 5, "found the end; expected a condition such as 'H, W >= 32'"),
        ("any H >=", 9, "found the end; expected a size or a name"),
        ("any H > > 3", 9, "found '>'; expected a size or a name"),
        ("any H = 3", 7, "found '='; did you mean '=='?"),
        ("any H => 3", 7, "found '=>'; did you mean '>='?"),
        ("any H =< 3", 7, "found '=<'; did you mean '<='?"),
        ("any H <> 3", 7, "found '<>'; did you mean '!='?"),
        ("any H ≥ 3", 7, "found '≥'; did you mean '>='?"),
        ("any H > 3 && W > 3", 11, "found '&&'; did you mean 'and'?"),
        ("any H > 3 || W > 3", 11, "found '||'; did you mean 'or'?"),
        ("any !(H > 3)", 5, "found '!'; did you mean 'not'?"),
        ("any H > 3 AND W > 3", 11, "found 'AND'; did you mean 'and'?"),
        ("any 3H > 1", 5, "found '3H'; did you mean '3*H'?"),
        ("any H**2 > 1", 6, "found '**'; expected a product such as H*H"),
        ("any H/2 > 1", 6, "found '/'; expected '//', or ceil(…) or floor(…) around the division"),
        ("any H W", 7, "found 'W'; expected an operator such as '+', '>=' or 'and'"),
        ("any H >= 3)", 11, "found ')'; expected the end"),
        ("any (H >= 3", 12, "found the end; expected ')'"),
        ("any H in 3", 11, "found the end; expected '..'"),
        ("any H in {3", 12, "found the end; expected '}'"),
        ("any H in {}", 11, "found '}'; expected a size or a name"),
        ("any H in 5..3", 10, "found the empty range '5..3'; expected the smaller bound first"),
        ("any H in 3..5 step 0", 20, "found the step '0'; expected a whole number, at least 1"),
        ("any H in 3..5 step W", 20, "found the step 'W'; expected a whole number, at least 1"),
        ("any H >= 1.5", 11, "found '.'; expected a whole number"),
        ("any é > 3", 5, "found 'é'; expected a size, a name or an operator"),
        ("any _ > 3", 5, "found '_'; expected a size or a name"),
        (
            "any H % 4",
            5,
            "found 'H % 4' without a comparison; expected a comparison such as 'H % 4 == 0'",
        ),
        ("only H", 6, "found 'H' without a comparison; expected a comparison such as 'H >= 32'"),
        (
            "any N and H >= 2",
            5,
            "found 'N and H >= 2'; did you mean 'N, H >= 2'?",
        ),
        ("any H, W % 32 == 0", 5, "found the list 'H, W % 32'; expected 'H % 32, W % 32'"),
        ("any H, W % 4 in {0, 1}", 5, "found the list 'H, W % 4'; expected 'H % 4, W % 4'"),
        ("any 0 == A, B, (C+1) % (2*D)", 10,
         "found the list 'A, B, (C+1) % (2*D)'; expected 'A % (2*D), B % (2*D), (C+1) % (2*D)'"),
        ("any H, W >= N, M", 13, "found a second list, 'N, M'; expected one list per comparison"),
        (
            "any H >= 3, W >= 4",
            10,
            "found the list '3, W' between comparisons; expected 'and' instead of ','",
        ),
        (
            "any (H >= 1) + 2 > 3",
            6,
            "found the comparison 'H >= 1' in place of a size; expected a size or a name",
        ),
        (
            "any (H, W) + 2 > 3",
            6,
            "found the list 'H, W' in place of a size; expected a size or a name",
        ),
        (
            "any H > 9223372036854775808",
            9,
            "found a number that is too large; expected at most 2**63 - 1",
        ),
    ],
)  # fmt: skip
def test_promise_mistakes(text, column, message):
    check_message(lambda: parse_clause(text, "accepts"), column, message)


def test_only_does_not_reject():
    check_message(
        lambda: parse_clause("only H < 16", "rejects"),
        1,
        "found 'only'; expected 'any', as in 'any H < 32'",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 10_000 + "H" + ")" * 10_000 + " > 1", "found an expression nested 10000 deep"),
        ("(" * 33 + "H" + ")" * 33 + " > 1", "found an expression nested 33 deep"),
        ("(" * 10_000, "found an expression nested 10000 deep"),
        ("{" * 100, "found an expression nested 100 deep"),
        ("min(" * 50 + "H", "found an expression nested 50 deep"),
        ("not " * 10_000 + "H > 1", "found a text of 40009 characters"),
        ("-" * 3000 + "H > 1", "found a text of 3004 words and symbols"),
        ("H > 1" + " and H > 1" * 398, "found a text of 1596 words and symbols"),
        ("*".join(["(a+b+c+d)"] * 25) + " > 1", "found an expression that is too large"),
        ("*".join(["1000000000000"] * 9) + " > 1", "found an expression that is too large"),
        ("(" * 30 + "H" + "%3*W)%5" * 30 + " > 1", "found an expression that is too large"),
        ("H" + "*W//3" * 99 + " > 1", "found an expression that is too large"),
        ("H > " + "9" * 3000, "found a number that is too large"),
    ],
)
def test_hostile_phrases_end_in_a_message_at_once(text, message):
    start = time.perf_counter()
    with pytest.raises(PhraseError) as caught:
        parse_clause("any " + text, "accepts")
    assert caught.value.found == message
    assert time.perf_counter() - start < 1


def test_the_largest_phrases_allowed_are_quick():
    names = ", ".join(f"s{i}" for i in range(120))
    numbers = ", ".join(map(str, range(120)))
    start = time.process_time()
    parse_clause(f"any {names} in {{{numbers}}}", "accepts")
    parse_clause("any " + " and ".join(f"min({names[:300]}x) > {i}" for i in range(2)), "accepts")
    assert parse_size("(" * 32 + "H" + ")" * 32) is H
    assert time.process_time() - start < 5


def test_symbols_of():
    assert symbols_of("any N >= 1_000 and min(H, W2) in {N, 3}") == {"N": 5, "H": 24, "W2": 27}
    assert symbols_of("N _ ... ceil(_H/2)") == {"N": 1, "_H": 14}
    assert symbols_of("any size") == {}
    assert symbols_of("any size, H") == {"size": 5, "H": 11}


@given(st.text(alphabet="anyolH W()3+-*/%<>=!,.{}stepid_é&|", max_size=60))
def test_any_text_parses_or_says_why(text):
    for parse in (
        lambda: parse_clause("any " + text, "accepts"),
        lambda: parse_clause(text, "rejects"),
        lambda: parse_shape(text, wildcards=True),
    ):
        mistake = mistake_of(parse)
        if mistake is not None:
            assert mistake.found
            assert 1 <= mistake.column <= len(text) + 5


def mistake_of(parse):
    try:
        parse()
    except PhraseError as error:
        return error
    return None


def check_message(parse, column, message):
    with pytest.raises(PhraseError) as caught:
        parse()
    assert (caught.value.column, str(caught.value)) == (column, message)
