"""Writes in place from the same memory: PyTorch's CPU refuses them where the two overlap partly."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint

SIZES = range(1, 6)


class Writes(nn.Module):
    """Runs a function of the model and of a new tensor, and gives the tensor."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps
        self.register_buffer("kept", torch.zeros(8, 8))

    def forward(self, x):
        y = x.clone()
        found = self.steps(self, y)
        return y if found is None else found


def shifted_copy(self, y):
    y[1:].copy_(y[:-1])


def shifted_set(self, y):
    y[1:] = y[:-1]


def shifted_add(self, y):
    y[1:].add_(y[:-1])


def shifted_iadd(self, y):
    y[1:] += y[:-1]


def shifted_narrow(self, y):
    y.narrow(0, 1, y.shape[0] - 1).add_(y.narrow(0, 0, y.shape[0] - 1))


def transposed_set(self, y):
    y[:] = y.t()


def transposed_mul(self, y):
    y.mul_(y.t())


def transposed_later(self, y):
    z = y.T
    y += 1
    y *= z


def transposed_named(self, y):
    y.mul_(other=y.t())


def transposed_hypot(self, y):
    y.hypot_(y.t())


def transposed_atan2(self, y):
    y.atan2_(y.transpose(0, 1))


def transposed_kernel(self, y):
    y.heaviside_(y.t())


def transposed_out(self, y):
    torch.add(y.t(), 1, out=y)


def transposed_dropout(self, y):
    y += F.dropout(y, 0.5, False).permute(1, 0)


def transposed_cast(self, y):
    y += y.float().contiguous().t()


def transposed_real(self, y):
    y += y.real.t()


def transposed_einsum(self, y):
    y += torch.einsum("ij->ji", y)


def transposed_data(self, y):
    y.copy_(y.data.mT)


def first_row(self, y):
    y -= y[0]


def first_column(self, y):
    y -= y[:, :1]


def scattered(self, y):
    y.scatter_(0, torch.zeros(y.shape, dtype=torch.int64), y)


def indexed(self, y):
    y[[0]] = y[:1]


def kept(self, y):
    n = y.shape[0]
    self.kept[0, 1:n].copy_(self.kept[0, : n - 1])


def joined(self, y):
    y.mul_(Even()(y).t())


def of_pieces(self, y):
    a, b = y.reshape(-1).unfold(0, 2, 1).unbind(1)
    a.copy_(b)


def of_repeated(self, y):
    z = y[:1].expand(2, -1)
    z[0, 1:].copy_(z[1, :-1])


def shifted_element(self, y):
    for element in torch.stack([y, y], 1):
        element[:, 1:].add_(element[:, :-1])


def turned_elements(self, y):
    for element in torch.stack([y, y.flip(0)])[:, :, None].expand(-1, -1, len(y), -1):
        element[0, 1:].copy_(element[1, :-1])


def windows_unpacked(self, y):
    a, _ = y.reshape(-1).unfold(0, 3, 2)[:, :, None].expand(-1, -1, 2)
    a[1:].copy_(a[:2])


class Even(nn.Module):
    """Its result is a copy at some sizes."""

    def forward(self, y):
        return F.pad(y, (0, y.shape[1] % 2, 0, y.shape[1] % 2)) if y.shape[1] % 2 else y


REFUSED = [
    shifted_copy, shifted_set, shifted_add, shifted_iadd, shifted_narrow, transposed_set,
    transposed_mul, transposed_later, transposed_named, transposed_hypot, transposed_atan2,
    transposed_kernel, transposed_out, transposed_dropout, transposed_cast, transposed_real,
    transposed_einsum, transposed_data, first_row, first_column, scattered, indexed, kept, joined,
    of_pieces, of_repeated, shifted_element, turned_elements, windows_unpacked,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
@pytest.mark.parametrize("steps", REFUSED, ids=lambda f: f.__name__)
def test_what_the_cpu_refuses_is_not_proved(steps):
    agrees(steps)


def agrees(steps):
    """Compare with real runs; give whether the set is exact."""
    model = Writes(steps).eval()
    found = archlint.infer(model, "N F")
    for n, f in itertools.product(SIZES, SIZES):
        try:
            with torch.no_grad():
                model(torch.rand(n, f))
            ran = True
        except (RuntimeError, IndexError, ValueError):
            ran = False
        said = found.accepts(N=n, F=f)
        if found.exact:
            assert said is ran, (n, f)
        else:
            assert said is None or said is ran, (n, f)
    return found.exact


def itself(self, y):
    y.mul_(y)
    y += y.detach()
    y[:] = y
    y *= y.contiguous()
    y += F.dropout(y, 0.5, False)


def part_of_itself(self, y):
    y[:, :1] *= 2
    y[1:, :1] += 1
    y[:, :1] = y[:, :1]


def reshaped(self, y):
    y += y.reshape(y.shape)
    y.view(-1).add_(y.flatten())


def new_memory(self, y):
    a = y * 2
    y[..., ::2] = a[..., ::2]
    y[1:] = y[:-1].clone()
    y.add_(y.t().exp().sum()).sub_(y.mean(0))
    y -= y[:1] * 1


def numbers(self, y):
    y[..., :1] = 0.5
    y[y > 1] = 2.0
    y[[0]] = y[[0]]


def chunks(self, y):
    z = torch.cat([y, y], 1)
    a, b = z.chunk(2, 1)
    a.mul_(b)
    b += a
    return z


def pieces(self, y):
    z = torch.stack([y, y, y])
    a, b, c = z.unbind(0)
    a += b.t().t()
    b.copy_(c)
    z[0] = z[1]
    z[-1].copy_(z.select(0, 0))
    a, b = z.split([1, 2])
    a += b[:1]
    return z


def halves(self, y):
    z = torch.cat([y, y], 1)
    half = y.shape[1]
    z[:, :half] = z[:, half:]
    z[:, half:].add_(z[:, :half])
    return z


def rows_of_elements(self, y):
    for element in y[:, None].expand(-1, 3, -1).clone():
        total = element[0]
        total += element[1]
        total -= element[-1]
    first, _ = torch.stack([y.t(), y.t()], 1)[:2]
    first[0].add_(first[1])
    return first


def unpacked(self, y):
    a, b = y[:, None].expand(-1, 3, -1).clone()
    for row in (a[1], a[2]):
        row.mul_(a[0])
    b[:1] += b[1:2]
    return b


def weights(self, y):
    y += self.kept[:1, :1]
    self.kept[0].mul_(y[0, 0])


@pytest.mark.parametrize(
    "steps",
    [
        itself,
        part_of_itself,
        reshaped,
        new_memory,
        numbers,
        chunks,
        pieces,
        halves,
        weights,
        rows_of_elements,
        unpacked,
    ],
    ids=lambda f: f.__name__,
)
def test_what_surely_does_not_overlap_partly_is_exact(steps):
    assert agrees(steps)


def test_the_reason_names_the_operator():
    found = archlint.infer(Writes(shifted_add), "N F")
    assert not found.exact
    assert "what add reads and writes may overlap in part" in str(found.reasons)


def test_a_chain_of_views_of_any_length_is_followed_back():
    class Chain(nn.Module):
        def forward(self, x):
            known = x.relu()
            view = known
            for _ in range(1500):
                view = view.view(view.shape)
            view.relu_()
            return known.add_(view)

    assert archlint.check(Chain(), input="N 4", accepts="any N >= 1", samples=0)
