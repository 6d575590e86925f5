"""Sums that are linear in one of their sizes."""

import pytest

from archlint.symbolic import Size, symbol, unknown
from archlint.symbolic.linear_sums import linear_parts

N, H = symbol("N"), symbol("H")


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (7, (0, 7)),
        (N, (1, 0)),
        (3 * N * H + 2 * N + H // 2 + 5, (3 * H + 2, H // 2 + 5)),
        (H * H, (0, H * H)),
        (N * N + 1, None),
        (N * (N // 2), None),
        ((N + H) // 2, None),
    ],
    ids=str,
)
def test_factor_and_rest_of_n(size: Size, parts: tuple[Size, Size] | None) -> None:
    assert linear_parts(size, "N") == parts


def test_an_unknown_goes_by_its_name() -> None:
    index = unknown(0, 1, (H,))
    assert linear_parts(index * H + 4, "?0") == (H, 4)
