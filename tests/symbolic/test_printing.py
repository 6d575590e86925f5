"""The text of a size, read back as Python: it has the value of the size at every point."""

import pytest
from hypothesis import example, given

from archlint.symbolic import ceildiv, evaluate, floordiv, minimum
from archlint.symbolic.printing import printed_terms, sum_text
from tests.support.examples import examples
from tests.support.sizes import IN_ALGEBRA, POINTS, SYMBOLS, normal, printed, trees, value

H, W, N = SYMBOLS.values()


@examples(160)
@given(trees(leaves=12))
@example(("%", ("%", "H", 7), "W"))
@example(("*", ("%", ("+", "H", 1), 7), "W"))
@example(("ceil", ("*", -3, "H"), "W"))
@example(("-", ("//", "H", 2), ("*", 4, ("//", ("//", "H", 2), 4))))
def test_the_text_has_the_value_of_the_size(tree):
    expr = normal(tree)
    text = str(expr)
    assert printed(text, SYMBOLS, IN_ALGEBRA) == expr, text  # == is identity: the same object
    for env in POINTS:
        expected = value(tree, env)
        if expected is not None:
            assert printed(text, env) == expected, (text, env)


@examples(60)
@given(trees(leaves=10))
def test_printed_terms_add_up_to_the_size(tree):
    expr = normal(tree)
    if isinstance(expr, int):
        return
    terms, const = printed_terms(expr)
    for env in POINTS:
        if value(tree, env) is not None:
            total = const + sum(t.coef * printed(t.factor, env) for t in terms)
            assert total == evaluate(expr, env), (terms, const, env)


def test_an_empty_sum_is_0():
    assert sum_text([], 0) == "0"
    assert sum_text([], -3) == "-3"


TEXTS = {
    "H": H,
    "-H": -H,
    "H-W": H - W,
    "H % 7": H % 7,
    "H % W": H % W,
    "(-H) % 7": (-H) % 7,
    "W*(H % 7)": W * (H % 7),
    "2*(H % 7)+1": 2 * (H % 7) + 1,
    "ceil(H/2)": (H + 1) // 2,
    "ceil(H/W)": ceildiv(H, W),
    "(H//2)//W": H // 2 // W,
    "min(H, W)//2": minimum(W, H) // 2,
    "512*(H//32)*(W//32)": 512 * (H // 32) * (W // 32),
    "-(H//2)": -(H // 2),
    "(-5)//H": floordiv(-5, H),
    "H//2+W//2": W // 2 + H // 2,
    "(2*H+W)//3-1": (2 * H + W) // 3 - 1,
    "7*ceil(H/7)": 7 * ceildiv(H, 7),
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text):
    assert str(TEXTS[text]) == text
