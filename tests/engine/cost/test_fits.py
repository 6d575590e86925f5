"""The largest sizes that fit, against all sizes one by one."""

import pytest
from torch import nn

import archlint
from archlint.engine.cost.activations import peak
from archlint.engine.cost.fits import fits
from archlint.errors import ArchlintError
from tests.engine.cost.test_flops import every_size

LIMIT, CONSTANT = 60_000, 1_000


class Padded(nn.Module):
    """Another path for large images, which are made smaller first."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x):
        if x.shape[-1] >= 40:
            x = x[..., ::2, ::2]
        return self.conv(x)


CASES = {
    "any": (nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3)), "N 3 H W"),
    "multiples": (nn.Sequential(nn.Conv2d(3, 8, 1), nn.Unflatten(2, (-1, 8))), "N 3 H W"),
    "paths": (Padded(), "N 3 H W"),
    "sequence": (nn.Sequential(nn.Linear(16, 64), nn.GELU()), "N T 16"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_largest_of_all(name):
    model, input = CASES[name]
    _, exploration = every_size(model.eval(), input)
    spent = [(path, peak(path.trace)) for path in exploration.accepting]
    amounts = {id(path): amount for path, amount in spent}
    names = exploration.names
    start = {n: 16 if n != "N" else 1 for n in names}
    found = fits(exploration, spent, start, "N", CONSTANT, LIMIT, "")

    def fitting(point):
        path = exploration.path_at(point)
        return exploration.accepts(point) and CONSTANT + amounts[id(path)].at(point) <= LIMIT

    for fit in (*found.squares, *found.batches):
        free = [n for n in names if n not in fit.fixed]
        sizes = (v for v in range(1, 1000) if fitting({**fit.fixed, **dict.fromkeys(free, v)}))
        most = max(sizes, default=None)
        assert fit.found == (dict.fromkeys(free, most) if most else None)
        assert fit.needed <= LIMIT
    assert len(found.squares) > 2
    assert found.grows


def test_the_formula_says_the_same():
    model, input = CASES["any"]
    found = archlint.cost(model, input, fits="300 KiB", at={"N": 1, "H": 16, "W": 16})
    weights = 4 * (8 * 27 + 8 + 16 + 4 * 72 + 4) + 4 * 16 + 8  # the last: batches, an int64
    assert found.fits.formula.startswith(f"N <= {300 * 1024 - weights}//max(")
    found = archlint.cost(model, input, fits="300 KiB", optimizer="adam", at="16x16")
    assert found.fits.formula.startswith("N <= ")


def test_what_cannot_be_read():
    with pytest.raises(ArchlintError, match="found '24 apples', expected bytes such as 24GiB"):
        archlint.cost(nn.Linear(3, 4), "N 3", fits="24 apples")
    with pytest.raises(ArchlintError, match="found the optimizer 'lion'; expected one of sgd"):
        archlint.cost(nn.Linear(3, 4), "N 3", optimizer="lion")


def test_nothing_fits():
    found = archlint.cost(nn.Linear(100, 100), "N 100", fits="1 KB")
    assert [fit.found for fit in found.fits.batches] == [None]


class Recurrent(nn.Module):
    """A loop, of whose turns autograd is not known to keep anything."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(6, 8)

    def forward(self, x):
        state = None
        for step in range(x.shape[1]):
            state = self.cell(x[:, step], state)
        return state


def test_in_training_what_is_alive_at_once_has_to_fit_too():
    wide = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(inplace=True), nn.Conv2d(8, 32, 1))
    for model, input in ((wide, "N 3 H W"), (Recurrent(), "N T 6")):
        one = archlint.cost(model, input, fits="1 GiB", optimizer="sgd")
        other = archlint.cost(model, input, mode="train")
        assert one.activations.at(one.point) < other.activations.at(one.point)
        expected = one.constant_bytes + other.activations.at(one.point)
        assert one.memory_at(one.point) == expected
        for fit in (*one.fits.squares, *one.fits.batches):
            sizes = {**fit.fixed, **fit.found}
            assert other.activations.at(sizes) <= (1 << 30) - one.constant_bytes
            larger = {**sizes, **{n: v + 1 for n, v in fit.found.items()}}
            room = (1 << 30) - one.constant_bytes
            assert fit.unbounded == (other.activations.at(larger) <= room)


def test_more_than_is_looked_for():
    found = archlint.cost(nn.ReLU(), "N 1", fits="1000 TiB").fits
    assert [fit.unbounded for fit in found.batches] == [True]
    assert not archlint.cost(nn.ReLU(), "N 1", fits="1 KiB").fits.batches[0].unbounded
