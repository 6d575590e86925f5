"""Budgets as they are written, and mistakes in them."""

import pytest

from archlint.contracts.cost_budget import budgets_text
from archlint.contracts.rulefile.load import loads
from archlint.errors import RuleFileError
from archlint.symbolic.formula import holds

FILE = """\
archlint: 1
contracts:
  - id: a
    models: torchvision:resnet18
    input: N 3 H W
    costs: {%s}
"""


def budget(text):
    return loads(FILE % text).contracts[0].costs[0]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("flops: <= 20e9", 20 * 10**9),
        ("flops: <= 1.5e9 at N=1 H=8 W=9", 1_500_000_000),
        ("parameters: <= 30000", 30_000),
        ("activations: <= 2 GiB", 2 << 30),
        ("activations: '<=512MB for N <= 4'", 512 * 10**6),
        ("activations: <= 7 B", 7),
        ("activations: <= 7 kB", 7000),
        ("activations: <= 1.5 KiB", 1536),
    ],
)
def test_limits(text, limit):
    assert budget(text).limit == limit


def test_sizes():
    at = budget("flops: <= 5 at N=1 H=8 W=9")
    assert at.point == (("N", 1), ("H", 8), ("W", 9))
    assert holds(at.where, {"N": 1, "H": 8, "W": 9})
    assert not holds(at.where, {"N": 2, "H": 8, "W": 9})
    some = budget("'flops': '<= 5 for N <= 16 and H, W <= 1024'")
    assert some.point is None
    assert holds(some.where, {"N": 16, "H": 1024, "W": 3})
    assert not holds(some.where, {"N": 16, "H": 1025, "W": 3})
    assert budgets_text((at,)) == "flops: <= 5 at N=1 H=8 W=9"


@pytest.mark.parametrize(
    ("text", "found", "column"),
    [
        ("flops: '< 5'", "found '< 5'", 1),
        ("flops: <= 5 GB", "found the unit 'GB'", 6),
        ("flops: <= 5 GFLOPs", "found the unit 'GFLOPs'", 6),
        ("flops: <= 5M", "found the unit 'M'", 5),
        ("activations: <= 5 gib", "found the unit 'gib'", 6),
        ("activations: <= 5 G for N == 1", "found the unit 'G'", 6),
        ("parameters: <= 5 M", "found the unit 'M'", 6),
        ("flops: <= 5 at N=1 H=2 W=3 H=4", "found 'N=1 H=2 W=3 H=4'", 9),
        ("flops: <= 5 for N <= 16 and h <= 3", "not a size of the input; did you mean 'H'?", 22),
        ("flops: <= 5 for Q <= 16", "found 'Q', which is not a size of the input", 10),
        ("flops: <= 5 at K=1", "found 'K=1'", 9),
        ("flops: <= 5 at N=1 H=2", "found 'N=1 H=2'", 9),
        ("flops: <= 5 for H <", "found the end", 13),
        ("flops: <= 5 for H ! 3", "found '!'", 12),
        ("flops: <= 5 on", "found 'on'", 6),
        ("parameters: <= 5 at N=1", "found 'at'", 6),
        ("watts: <= 5", "found the unknown key 'watts'", None),
        ("flops: 7", "7", None),
    ],
)
def test_mistakes(text, found, column):
    with pytest.raises(RuleFileError) as error:
        loads(FILE % text)
    (mistake,) = error.value.mistakes
    assert found in mistake.found
    if column is not None:
        value = text.partition(": ")[2]
        start = (FILE % text).splitlines()[5].index(value) + value.startswith("'")
        assert mistake.where.column == start + column


def test_what_needs_an_input():
    without = FILE.replace("    input: N 3 H W\n", "")
    assert loads(without % "parameters: <= 5").contracts[0].costs[0].limit == 5
    with pytest.raises(RuleFileError) as error:
        loads(without % "flops: <= 5")
    assert [m.found for m in error.value.mistakes] == ["found flops without an input"]
    with pytest.raises(RuleFileError) as error:
        loads(FILE % "")
    assert [m.found for m in error.value.mistakes] == ["found costs without a budget"]


@pytest.mark.timeout(20)  # minutes, if the time grows with the square of the length
@pytest.mark.parametrize("part", ["a", "_", "a=", "1", " "])
def test_a_long_point_is_searched_once(part):
    with pytest.raises(RuleFileError):
        loads(FILE % f"flops: <= 5 at N{part * (100_000 // len(part))}!")


def test_an_unknown_key_says_what_is_known():
    with pytest.raises(RuleFileError) as error:
        loads(FILE % "flop: <= 5")
    (mistake,) = error.value.mistakes
    assert mistake.found == "found the unknown key 'flop'; did you mean 'flops'?"
    assert mistake.expected == "one of flops, parameters, activations"


def test_refused_sizes_have_no_budget():
    text = FILE.replace("    input: N 3 H W\n", "    input: N 3 H W\n    rejects: any H < 3\n")
    with pytest.raises(RuleFileError) as error:
        loads(text % "flops: <= 5")
    assert [m.found for m in error.value.mistakes] == ["found costs beside rejects"]
