"""What is known of integers in tensors, after some of them were written."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

import archlint


class Points(nn.Module):
    def __init__(self, pick):
        super().__init__()
        self.pick = pick

    def forward(self, x):
        return self.pick(x)


def farthest(x):
    """Farthest point sampling: the next index is read from distances, and written to a table."""
    rows = torch.arange(x.shape[0])
    table = torch.zeros(x.shape[0], 3, dtype=torch.long)
    far = torch.zeros(x.shape[0], dtype=torch.long)
    distance = torch.full((x.shape[0], x.shape[1]), 1e10)
    for i in range(3):
        table[:, i] = far
        to_point = ((x - x[rows, far][:, None]) ** 2).sum(-1)
        mask = to_point < distance
        distance[mask] = to_point[mask]
        far = distance.max(-1)[1]
    return x[rows[:, None], table]


def column(value):
    def pick(x):
        table = torch.zeros(x.shape[0], 2, dtype=torch.long)
        table[:, 1] = value(x)
        return x[..., 0].gather(1, table)

    return pick


def through_a_view(x):
    table = torch.zeros(x.shape[0], 2, dtype=torch.long)
    view = table[:, 1:]
    view[:] = 7
    return x[..., 0].gather(1, table)


def of_a_view(x):
    table = torch.zeros(x.shape[0], 2, dtype=torch.long)
    view = table[:, 1:]
    table[:, 1] = 7
    return x[..., 0].gather(1, view)


def of_another(x):
    index = torch.arange(x.shape[1])
    table = torch.zeros(x.shape[0], 2, dtype=torch.long)
    table[:, 1] = 5
    return x[:, index]


def inverse(write):
    """Sorts, and puts the rows back by the inverse of the permutation, as ``write`` makes it."""

    def pick(x):
        order = x[..., 0].argsort(-1)
        rank = torch.arange(order.shape[1]).to(order.device)
        back = write(torch.zeros_like(order), order, rank)
        return x.gather(1, order[..., None].expand(x.shape)).gather(
            1, back[..., None].expand(x.shape)
        )

    return pick


def row_by_row(back, order, rank):
    for row in range(order.shape[0]):
        back[row, order[row]] = rank
    return back


def scattered(back, order, rank):
    back.scatter_(1, order, rank.expand_as(order))
    return back


def put(back, order, rank):
    rows = torch.arange(order.shape[0])[:, None] * order.shape[1]
    return back.put_(order + rows, rank.expand_as(order))


def copied(back, order, rank):
    return back[0].index_copy(0, order[0], rank).expand_as(order)


def filled(back, order, rank):
    back.index_fill_(1, order[0], order.shape[1] - 1)
    return back


def selected(back, order, rank):
    return back.masked_scatter(order > 1, order)


def added(back, order, rank):
    return back.scatter_add(1, order, rank.expand_as(order))


def of_a_reduction(back, order, rank):
    return back.scatter(1, order, rank.expand_as(order), reduce="add")


def past_the_end(back, order, rank):
    return back.scatter(1, order, rank.expand_as(order) + 1)


def of_what_is_written(back, order, rank):
    view = back[:, :1]
    back.scatter_(1, order, rank.expand_as(order) + 1)
    return view


@pytest.mark.parametrize(
    ("write", "known"),
    [
        *[(w, True) for w in (row_by_row, scattered, put, copied, filled, selected)],
        *[(w, False) for w in (added, of_a_reduction, past_the_end, of_what_is_written)],
    ],
)
def test_an_index_that_an_operator_writes(write, known):
    found = archlint.infer(Points(inverse(write)), "N P 3")
    assert found.exact is known, found
    if known:
        assert found.text == "any size"
        assert inverse(write)(torch.rand(2, 4, 3)).shape == (2, 4, 3)
        assert inverse(write)(torch.rand(1, 1, 3)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("pick", "refused"),
    [
        (farthest, None),
        (column(lambda x: x.shape[1] - 1), None),
        (column(lambda x: x[..., 0].argmax(1)), None),
        (column(lambda x: x.shape[1]), {"N": 2, "P": 4}),
        (column(lambda x: -1), {"N": 2, "P": 4}),
        (through_a_view, {"N": 2, "P": 4}),
        (of_a_view, {"N": 2, "P": 4}),
        (of_another, None),
    ],
)
def test_an_index_table_that_is_written(pick, refused):
    model = Points(pick)
    found = archlint.infer(model, "N P 3")
    if refused is None:
        assert found.exact, found
        assert found.text == "any size"
        assert model(torch.ones(2, 4, 3)).ndim > 1
        return
    with pytest.raises(RuntimeError):
        model(torch.ones(2, 4, 3))
    assert found.accepts(**refused) is not True


def twice(x):
    return x[x > 0] + x[x > 0]


def of_both_halves(x):
    y = torch.zeros_like(x)
    mask = x.sum(-1) > 0
    y[mask], y[~mask] = x[mask] * 2, x[~mask] + 1
    return y


def after_a_kernel(x):
    mask = x > 0
    order = torch.linalg.matrix_exp(x @ x.mT)
    y = x.clone()
    y[mask] = x[mask]
    return y + order.sum()


@pytest.mark.parametrize("pick", [twice, of_both_halves, after_a_kernel])
def test_equal_masks_keep_equally_many(pick):
    found = archlint.infer(Points(pick), "N T 5")
    assert found.exact, found.reasons
    assert found.text == "any size"


def after_a_write(x):
    first = x[x > 0]
    x[:, 0] = 1
    return first + x[x > 0]


def after_a_write_to_the_mask(x):
    mask = x > 0
    first = x[mask]
    mask[:, 0] = True
    return first + x[mask]


def of_another_number(x):
    return x[x > 0] + x[x > 1]


def after_a_write_to_one_of_two(x):
    mask, other = x > 0, x > 0
    mask[:, 0] = True
    return x[mask] + x[other]


def after_a_write_to_a_view_of_one(x):
    mask, other = x > 0, x > 0
    mask[0].fill_(True)
    return x[mask] + x[other]


def after_an_operator_on_a_view_of_one(x):
    mask, other = x > 0, x > 0
    mask.view(-1).logical_not_()
    return x[mask] + x[other]


def after_a_write_to_what_was_compared(x):
    y = x.clone()
    mask = y > 0
    y.view(-1).neg_()
    return x[mask] + x[y > 0]


def while_a_loop_writes_to_one(x):
    mask, other = x > 0, x > 0
    total = x[:, :1].sum()
    for _ in range(x.shape[0]):
        total = total + (x[mask] + x[other]).sum()
        mask.view(-1)[:1] = False
        mask.view(-1)[-9:] = True
    return total


UNEQUAL = [
    after_a_write, after_a_write_to_the_mask, of_another_number, after_a_write_to_one_of_two,
    after_a_write_to_a_view_of_one, after_an_operator_on_a_view_of_one,
    after_a_write_to_what_was_compared, while_a_loop_writes_to_one,
]  # fmt: skip


@pytest.mark.parametrize("pick", UNEQUAL)
def test_masks_that_may_differ_are_not_proved(pick):
    torch.manual_seed(0)
    with pytest.raises(RuntimeError, match="size of tensor"):
        pick(torch.randn(4, 8, 5))
    assert not archlint.infer(Points(pick), "N T 5").exact


class DrawnWrites(nn.Module):
    """Writes to views of one tensor of indices, some of them made before and some after."""

    def __init__(self, seed):
        super().__init__()
        draw = random.Random(seed)
        self.zeros, self.last = draw.randrange(2), draw.randrange(99)
        self.steps = [
            (draw.randrange(99), draw.randrange(8), draw.randrange(6))
            for _ in range(draw.randrange(3, 9))
        ]

    def forward(self, x):
        n = x.shape[0]
        tensors = [torch.zeros(n, dtype=torch.int64) if self.zeros else torch.arange(n)]
        for which, step, value in self.steps:
            tensor = tensors[which % len(tensors)]
            number = (0, 1, 3, n, n + 2, n // 2)[value]
            if step < 4:
                new = (lambda t: t[1:], lambda t: t[:-1], lambda t: t.view(-1), torch.clone)[step]
                tensors.append(new(tensor))
            elif step == 4:
                tensor.clamp_(max=number)
            elif step == 5:
                tensor.fill_(number)
            elif step == 6:
                tensor.add_(number)
            else:
                tensor[0] = number
        return x[tensors[self.last % len(tensors)]]


@pytest.mark.parametrize("seed", range(80))
def test_indices_are_those_that_the_last_write_left(seed):
    model = DrawnWrites(seed)
    verdict = archlint.check(model, input="N 4", accepts="any N >= 16", samples=0)
    refused = []
    for n in range(16, 20):
        try:
            model(torch.zeros(n, 4))
        except IndexError:
            refused.append(n)
    if verdict.word == "proved":
        assert not refused
    if verdict.word == "broken":
        assert refused
