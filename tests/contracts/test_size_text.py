"""Sizes as text."""

from archlint.contracts.size_text import shape_words, size_text
from archlint.symbolic import symbol


def test_sizes_by_name_in_their_order():
    assert size_text({"N": 1, "H": 224}) == "N=1 H=224"
    assert size_text({}) == ""


def test_sizes_of_a_shape():
    h = symbol("H")
    assert shape_words(("N", 3, 2 * h + 1, "_")) == "N 3 2*H+1 _"
    assert shape_words(()) == ""
