"""The grammar: limits before parsing, names, and the text of a node."""

import pytest

from archlint.contracts.rulefile.grammar import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TOKENS,
    column,
    parse,
    quote,
    symbols_of,
    within_bounds,
)
from archlint.errors import PhraseError


def test_names_with_their_first_columns():
    assert symbols_of("H >= 3 and W in {H, 4}") == {"H": 1, "W": 12}
    assert symbols_of("N _ max(H,2)") == {"N": 1, "H": 9}
    assert symbols_of(" any  size ") == {}


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_DEPTH + 1) + ")" * (MAX_DEPTH + 1),
        "H" * (MAX_LENGTH + 1),
        "H " * (MAX_TOKENS + 1),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_parsed(text):
    with pytest.raises(PhraseError):
        within_bounds(text)


def test_a_node_quotes_its_text():
    text = "H >= 3 and W*2 < 4"
    comparison = parse(text, "predicate").children[0].children[1]
    assert (column(comparison), quote(comparison, text)) == (12, "'W*2 < 4'")
    assert len(quote(parse("H" * 50, "size").children[0], "H" * 50)) == 42
