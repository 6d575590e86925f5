"""Sizes as text."""

from archlint.contracts.points import point_text


def test_sizes_by_name_in_their_order():
    assert point_text({"N": 1, "H": 224}) == "N=1 H=224"
    assert point_text({}) == ""
