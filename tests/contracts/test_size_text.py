"""Sizes as text."""

from archlint.contracts.size_text import size_text


def test_sizes_by_name_in_their_order():
    assert size_text({"N": 1, "H": 224}) == "N=1 H=224"
    assert size_text({}) == ""
