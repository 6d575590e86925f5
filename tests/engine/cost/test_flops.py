"""Operations by formula, against ``torch.utils.flop_counter`` on the real model."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archlint
from archlint.contracts.contract import Contract, SizeClause
from archlint.engine.check_run import CheckRun
from archlint.engine.cost.flops import flops
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of, source_of
from archlint.engine.sampling.real_run import build_input
from archlint.ops import traits
from archlint.ops.registry import NoRule, rule_for
from archlint.ops.traits import traits_of
from archlint.tracing.tensors.specs import known_of


def counted(call):
    with FlopCounterMode(display=False) as mode:
        call()
    return mode.get_total_flops()


def t(*sizes):
    return torch.empty(sizes, device="meta")


def c(*sizes):
    return torch.empty(sizes, dtype=torch.complex64, device="meta")


LSTM = [p.detach() for p in nn.LSTM(4, 5, 2, device="meta", bidirectional=True).parameters()]
PROJECTED = [p.detach() for p in nn.LSTM(4, 6, 2, device="meta", proj_size=3).parameters()]
GRU = [p.detach() for p in nn.GRU(4, 5, device="meta").parameters()]
RNN = [p.detach() for p in nn.RNN(4, 5, device="meta").parameters()]
CALLS = [
    (torch.conv1d, t(2, 6, 9), t(4, 3, 3), t(4), 2, 1, 1, 2),
    (torch.conv2d, t(2, 3, 9, 8), t(4, 3, 3, 2), None, (2, 1), (1, 0)),
    (torch.conv2d, t(3, 9, 8), t(4, 3, 3, 2)),
    (torch.conv3d, t(2, 3, 5, 6, 7), t(4, 3, 2, 2, 2)),
    (torch.conv_transpose1d, t(2, 4, 9), t(4, 3, 3), None, 2),
    (torch.conv_transpose2d, t(2, 4, 9, 8), t(4, 3, 3, 3), None, 2, 1, 1),
    (torch.conv_transpose3d, t(2, 4, 5, 6, 7), t(4, 3, 2, 2, 2)),
    (torch.convolution, t(2, 3, 9), t(4, 3, 3), None, [2], [0], [1], False, [0], 1),
    (torch.convolution, t(2, 4, 9), t(4, 3, 3), None, [2], [0], [1], True, [0], 1),
    (torch.conv2d, c(2, 3, 9, 8), c(4, 3, 3, 2), c(4), (2, 1)),
    (torch.conv_transpose1d, c(2, 4, 9), c(4, 3, 3), None, 2),
    (torch.convolution, c(2, 3, 9), c(4, 3, 3), None, [2], [0], [1], False, [0], 1),
    (F.linear, c(2, 5, 4), c(6, 4)),
    (torch.matmul, c(2, 1, 3, 4), c(6, 4, 5)),
    (torch.functional.einsum, "bij,bjk->bik", c(2, 3, 4), c(2, 4, 5)),
    (F.linear, t(2, 5, 4), t(6, 4), t(6)),
    (F.linear, t(4), t(6, 4)),
    (torch.matmul, t(3, 4), t(4, 5)),
    (torch.matmul, t(2, 3, 4), t(4, 5)),
    (torch.matmul, t(2, 1, 3, 4), t(6, 4, 5)),
    (torch.matmul, t(4), t(4, 5)),
    (torch.matmul, t(4), t(2, 4, 5)),
    (torch.matmul, t(3, 4), t(4)),
    (torch.matmul, t(2, 3, 4), t(4)),
    (torch.Tensor.__rmatmul__, t(4, 5), t(3, 4)),
    (torch.mm, t(3, 4), t(4, 5)),
    (torch.bmm, t(2, 3, 4), t(2, 4, 5)),
    (torch.addmm, t(5), t(3, 4), t(4, 5)),
    (torch.baddbmm, t(2, 3, 5), t(2, 3, 4), t(2, 4, 5)),
    (torch.inner, t(3, 4), t(5, 4)),
    (torch.inner, t(4), t(4)),
    (torch.functional.tensordot, t(3, 4, 5), t(4, 5, 6), 2),
    (torch.functional.tensordot, t(3, 4, 5), t(6, 5, 4), ([1, 2], [2, 1])),
    (torch.functional.einsum, "bij,bjk->bik", t(2, 3, 4), t(2, 4, 5)),
    (torch.functional.einsum, "bhik,bjk->bhij", t(2, 3, 4, 5), t(2, 6, 5)),
    (torch.functional.einsum, "i,j->ij", t(3), t(4)),
    (torch.functional.einsum, "ij,ij->i", t(3, 4), t(3, 4)),
    (torch.functional.einsum, "ij,jk->ik", t(3, 4), t(1, 5)),
    (torch.functional.einsum, "ijl,jk->ik", t(3, 4, 7), t(4, 5)),
    (torch.functional.einsum, "bixy,ioxy->boxy", t(1, 3, 4, 4), t(3, 2, 4, 4)),
    (torch.functional.einsum, "bi,io->bo", t(1, 3), t(3, 2)),
    (torch.functional.einsum, "bid,bjd->bij", t(1, 3, 4), t(1, 5, 4)),
    (torch.functional.einsum, "bid,jd->bij", t(6, 1, 4), t(1, 4)),
    (torch.functional.einsum, "...j,jk->...k", t(2, 3, 4), t(4, 5)),
    (F.scaled_dot_product_attention, t(2, 3, 4, 8), t(2, 3, 5, 8), t(2, 3, 5, 6)),
    (torch.lstm, t(7, 3, 4), (t(4, 3, 5), t(4, 3, 5)), LSTM, True, 2, 0.0, False, True, False),
    (torch.lstm, t(7, 3, 4), (t(2, 3, 3), t(2, 3, 6)), PROJECTED, True, 2, 0.0, *3 * [False]),
    (torch.gru, t(7, 3, 4), t(1, 3, 5), GRU, True, 1, 0.0, False, False, False),
    (torch.rnn_tanh, t(7, 3, 4), t(1, 3, 5), RNN, True, 1, 0.0, False, False, False),
    (torch.rnn_relu, t(7, 3, 4), t(1, 3, 5), RNN, True, 1, 0.0, False, False, False),
    (torch.lstm_cell, t(3, 4), (t(3, 5), t(3, 5)), *LSTM[:4]),
    (torch.gru_cell, t(3, 4), t(3, 5), *GRU),
    (torch.rnn_tanh_cell, t(3, 4), t(3, 5), *RNN),
    (torch.rnn_relu_cell, t(3, 4), t(3, 5), *RNN),
]  # fmt: skip
IN_PYTORCHS_ORDER = {torch.chain_matmul, torch.linalg.multi_dot, torch.matrix_power}


@pytest.mark.parametrize("call", CALLS, ids=lambda c: c[0].__name__)
def test_a_call_counts_what_the_counter_of_torch_counts(call):
    function, *args = call
    if function is torch.lstm_cell:
        args[2] = t(20, 4)
    result = function(*args)
    count = traits_of(function).flops
    assert count(known_of(result), *map(known_of, args)) == counted(lambda: function(*args))


def names_of(function):
    """The names of the arguments that the rule of a function may be called by."""
    takes = inspect.signature(rule_for(function)).parameters
    return [n for n, p in takes.items() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]


BY_NAME = [c for c in CALLS if rule_for(c[0]) and len(names_of(c[0])) >= len(c) - 1]


@pytest.mark.parametrize("call", BY_NAME, ids=lambda c: c[0].__name__)
def test_arguments_may_be_given_by_name(call):
    function, *args = call
    named = dict(zip(names_of(function), map(known_of, args), strict=False))
    result = known_of(args[0])
    count = traits_of(function).flops
    assert count(result, **named) == count(result, *named.values())


def test_every_operator_that_counts_is_compared():
    stated = {f for f, words in traits._STATED.items() if words.get("flops") is not None}
    counts = {traits_of(f).flops for f in stated}
    compared = {traits_of(f).flops for f, *_ in CALLS}
    ordered = {traits_of(f).flops for f in IN_PYTORCHS_ORDER}
    assert counts == compared | ordered
    for count in ordered:
        with pytest.raises(NoRule):
            count(known_of(t(2, 2)))


def every_size(model, input):
    """The paths of a model, and what each costs."""
    clause = SizeClause("any", True, "any size")
    parsed = contract_of(input=input, accepts="any size").input
    with source_of(model) as source:
        run = CheckRun.start(Contract("cost", parsed, clause), source, samples=0)
        return parsed, explore_model(run)


def agrees(model, input, *points):
    """The formulas give what is counted while the real model runs at these sizes."""
    parsed, exploration = every_size(model, input)
    results = [(p, flops(p.trace)) for p in exploration.accepting]
    for point in points:
        path = exploration.path_at(point)
        (mine,) = (f for p, f in results if p is path)
        assert mine.uncounted == []
        real = counted(lambda point=point: model(build_input(parsed, point, "meta")))
        assert mine.total.at(point) == real, (point, str(mine.total))
    return [f for _, f in results]


class Blocks(nn.Module):
    """Branches on a size in each of many modules, so that they are merged."""

    def __init__(self, block, count=10):
        super().__init__()
        self.blocks = nn.ModuleList([block() for _ in range(count)])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, stride=2, padding=1)
        self.point = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        if x.shape[-1] % 2:
            x = F.pad(x, (0, 1))
            return self.conv(x)
        return self.conv(self.point(x))


def test_each_branch_of_a_merged_module_counts_where_it_runs():
    model = Blocks(Padded, 4).to("meta")
    points = [{"N": 2, "H": 9, "W": w} for w in (*range(1, 20), 64, 255)]
    found = agrees(model, "N 2 H W", *points)
    assert any(f.total.parts for f in found) or len(found) > 8


class Inside(nn.Module):
    """What varies with the size is that of an inner module; the outer one branches too."""

    def __init__(self):
        super().__init__()
        self.inner = Padded()

    def forward(self, x):
        if x.shape[-2] % 2:
            x = F.pad(x, (0, 0, 0, 1))
        return self.inner(x)


def test_merged_modules_inside_merged_modules():
    model = Blocks(Inside, 5).to("meta")
    points = [{"N": 1, "H": h, "W": w} for h in (3, 4, 64) for w in (5, 6, 12)]
    found = agrees(model, "N 2 H W", *points)
    assert any(f.total.parts for f in found)


class OnWeights(nn.Module):
    """A product of weights alone, in each forward pass, also in one branch only."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.zeros(3, 4))
        self.b = nn.Parameter(torch.zeros(4, 5))

    def forward(self, x):
        w = self.a @ self.b
        if x.shape[0] % 2:
            w = w + torch.mm(self.a, self.b)
        return x @ w


def test_products_of_weights_count():
    model = OnWeights().to("meta")
    agrees(model, "N 3", *({"N": n} for n in (1, 2, 3, 8)))
    chain = nn.Sequential(*[nn.Sequential(OnWeights(), nn.Linear(5, 3)) for _ in range(4)])
    agrees(chain.to("meta"), "N 3", *({"N": n} for n in (1, 2, 3, 8)))


class Steps(nn.Module):
    def __init__(self, growing=False):
        super().__init__()
        self.cell = nn.Linear(4, 4)
        self.growing = growing

    def forward(self, x):
        state = x[:, 0]
        out = []
        for i in range(x.shape[1]):
            state = self.cell(state + x[:, i])
            if self.growing:
                out.append(self.cell(x[:, : i + 1]).sum(1))
            else:
                out.append(state)
        return torch.stack(out, 1)


def test_a_turn_that_stands_for_all_counts_as_often():
    points = [{"N": 2, "T": t} for t in (1, 2, 3, 17, 100)]
    found = agrees(Steps().to("meta"), "N T 4", *points)
    assert str(max((f.total for f in found), key=lambda a: len(str(a)))) == "32*N*T"


def test_a_growing_turn():
    agrees(Steps(growing=True).to("meta"), "N T 4", *({"N": 2, "T": n} for n in (1, 2, 5, 9)))


def test_what_is_not_counted_is_reported():
    class Chain(nn.Module):
        def forward(self, x):
            return torch.linalg.multi_dot([x, x.mT, x])

    _, exploration = every_size(Chain(), "N 3")
    found = flops(exploration.accepting[0].trace)
    assert "in an order that PyTorch chooses" in found.uncounted[0]


def test_what_values_decide_is_bounded():
    class Picked(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 4)

        def forward(self, x):
            return self.linear(x[x.sum(1) > 0])

    _, exploration = every_size(Picked(), "N 3")
    (found,) = (flops(p.trace) for p in exploration.accepting)
    assert found.bounded
    assert str(found.total) == "24*N"


def test_a_refused_call_and_a_packed_sequence():
    _, exploration = every_size(nn.Linear(3, 4), "N K")
    paths = [flops(p.trace) for p in exploration.paths]
    assert sorted(str(f.total) for f in paths) in (["0", "24*N"], ["24*N"])
    refused = flops(every_size(nn.Linear(3, 4), "N 5")[1].paths[0].trace)
    assert refused.total.at({"N": 3}) == 0
    data = t(6, 3), torch.tensor([3, 2, 1]), (t(1, 3, 4), t(1, 3, 4))
    count = traits_of(torch.lstm).flops
    weights = [known_of(p) for p in LSTM]
    with pytest.raises(NoRule, match="packed"):
        count(None, *map(known_of, data), weights, True, 1, 0.0, False, False)


def test_a_call_on_weights_of_two_devices_counts_once():
    """A model whose large weights are left out has its tables of positions on another device."""

    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", torch.rand(5, 4))
            self.mix = nn.Linear(4, 3, device="meta")

        def forward(self, x):
            return x + self.mix(self.table).sum(0)

    _, exploration = every_size(Positions(), "N 3")
    assert flops(exploration.accepting[0].trace).total.at({"N": 2}) == 2 * 5 * 4 * 3


class Mapped(nn.Module):
    """Functions mapped over the batch, one inside the other, with several results."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.mix = nn.Linear(5, 5)

    def forward(self, x):
        def rows(image):
            both = torch.vmap(lambda row: (self.mix(row), row * 2), in_dims=1)
            return both(image[:, :5].flatten(1))

        found = torch.vmap(self.conv)(x), torch.vmap(lambda i: (self.conv(i).relu(), i + 1))(x)
        return found, torch.vmap(lambda i: rows(i.mean(2).mT)[0])(x[..., :3, :5].mT)


def test_mapped_functions_count_for_each_entry():
    agrees(Mapped().to("meta"), "N 3 H W", *({"N": n, "H": 9, "W": 8} for n in (1, 2, 5)))


class Chosen(nn.Module):
    """Values choose the layers that run."""

    def __init__(self, *others):
        super().__init__()
        self.first, self.others = nn.Linear(4, 4), nn.ModuleList(others)

    def forward(self, x):
        y = self.first(x)
        for other in self.others:
            if y.mean() > 0:
                y = other(y)
        return y


@pytest.mark.parametrize("layers", [(nn.Linear(4, 4),), (nn.ReLU(),), (nn.Linear(4, 4), nn.GELU())])
def test_what_values_choose_counts_at_most(layers):
    model = Chosen(*layers)
    _, exploration = every_size(model, "N 4")
    (path,) = exploration.accepting
    found = flops(path.trace)
    linear = sum(isinstance(m, nn.Linear) for m in layers)
    assert str(found.total) == f"{32 * (1 + linear)}*N"
    assert found.bounded == (linear > 0)
    note = "tensor values determine how much is computed; the formula is an upper bound"
    assert (note in archlint.cost(model, "N 4").notes) == (linear > 0)
    values = torch.randn(64, 1, 4)
    assert {counted(lambda x=x: model(x)) for x in values} >= {32}
    assert max(counted(lambda x=x: model(x)) for x in values) <= found.total.at({"N": 1})


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_layer_of_torchscript_has_a_name():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    (layer,) = archlint.cost(scripted, "N 3 H W").paths[0].layers[:1]
    assert layer.flops.at({"N": 1, "H": 3, "W": 3}) == 2 * 3 * 4 * 9
    assert layer.layer
