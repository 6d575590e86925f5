"""Where the weights are that a traced model lacks, in many ways to ask."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint
from archlint.tracing.real_calls import _rows


class AsksWhere(nn.Module):
    """Its path depends on where a weight is, large or small."""

    def __init__(self, size, ask):
        super().__init__()
        self.norm, self.ask = nn.BatchNorm2d(size), ask
        self.register_buffer("table", torch.zeros(size))

    def forward(self, x):
        tensors = self.norm.weight, self.norm.running_mean, self.table
        if all(map(self.ask, tensors)):
            return x.mean((2, 3))
        return x[:, :, 6:].flatten(1)


OF_A_WEIGHT = {
    "itself": lambda w: w,
    "detached": lambda w: w.detach(),
    "data": lambda w: w.data,
    "view": lambda w: w[:2],
    "computed": lambda w: w * 2,
    "new": lambda w: w.new_zeros(2),
    "like": lambda w: torch.zeros_like(w),
    "moved": lambda w: torch.zeros(2).to(w),
    "made there": lambda w: torch.zeros(2, device=w.device),
    "named": lambda w: torch.zeros(2, device=str(w.device)),
}
WHERE = {
    "is_cpu": lambda w: w.is_cpu,
    "is_meta": lambda w: not w.is_meta,
    "device": lambda w: w.device == torch.device("cpu"),
    "key": lambda w: w.device in {torch.device("cpu"): 1},
    "get_device": lambda w: w.get_device() == -1,
    "type": lambda w: w.type() == "torch.FloatTensor",
    "text": lambda w: "meta" not in repr(w),
    "storage": lambda w: w.untyped_storage().device.type == "cpu",
    "address": lambda w: w.data_ptr() != 0,
    "numpy": lambda w: w.detach().numpy().ndim == 1,
}


@pytest.mark.parametrize("size", [4, 2048])
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("of", OF_A_WEIGHT)
def test_a_weight_that_was_left_out_is_on_the_cpu(size, where, of):
    model = AsksWhere(size, lambda w: WHERE[where](OF_A_WEIGHT[of](w)))
    assert_right(model)
    assert model.norm.weight.is_cpu


class Asks(nn.Module):
    """Returns what its contract promises if ``ask`` holds; ``make`` prepares it."""

    def __init__(self, size, ask, make):
        super().__init__()
        self.norm, self.ask = nn.BatchNorm2d(size), ask
        self.weight = nn.Parameter(torch.zeros(size))
        self.register_buffer("table", torch.zeros(size))
        make(self)

    def forward(self, x):
        tensors = self.norm.weight, self.norm.running_var, self.weight, self.table
        if all(self.ask(t) for t in tensors):
            return x.mean((2, 3))
        return x[:, :, 6:].flatten(1)


def caught(read):
    def ask(weight):
        try:
            return read(weight)
        except Exception:
            return False

    return ask


def tagged(model):
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.tag = [3]


def with_gradients(model):
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.requires_grad_()
            tensor.grad = torch.ones_like(tensor)


def written(model):
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.add_(1)


READS = {
    "item": lambda w: w.sum().item() >= 0,
    "float": lambda w: float(w.detach().max()) >= 0,
    "list": lambda w: w.tolist()[0] >= 0,
    "numpy": lambda w: w.detach().numpy().min() >= 0,
    "bool": lambda w: bool((w >= 0).all()),
    "nonzero": lambda w: len((w < 0).nonzero()) == 0,
    "unique": lambda w: len(torch.unique(w)) == 1,
    "equal": lambda w: torch.equal(w, w.clone()),
    "moved": lambda w: w.to("cpu").min().item() >= 0,
    "mask": lambda w: w[w < 0].numel() == 0,
    "assertion": lambda w: torch._assert(bool((w >= 0).all()), "") is None,
    "address": lambda w: w.data_ptr() != 0,
}


@pytest.mark.parametrize("size", [4, 2048])
@pytest.mark.parametrize("read", READS)
def test_code_that_catches_errors_reads_the_real_values(size, read):
    model = Asks(size, caught(READS[read]), lambda model: None)
    assert_right(model)


PREPARED = {
    "attributes": (tagged, lambda w: getattr(w, "tag", None) == [3]),
    "gradients": (with_gradients, lambda w: w.grad is not None and w.grad.shape == w.shape),
    "none": (lambda model: None, lambda w: w.grad is None and not hasattr(w, "tag")),
}


@pytest.mark.parametrize("size", [4, 2048])
@pytest.mark.parametrize("samples", [0, 5])
@pytest.mark.parametrize("name", PREPARED)
def test_what_the_weights_of_a_model_have(name, samples, size):
    make, ask = PREPARED[name]
    model = Asks(size, ask, make)
    assert_right(model, samples)
    for tensor in (*model.parameters(), *model.buffers()):
        assert getattr(tensor, "tag", None) == ([3] if name == "attributes" else None)


@pytest.mark.parametrize("size", [4, 2048])
def test_how_often_a_weight_was_written_is_not_known(size):
    model = Asks(size, lambda w: w._version > 1, written)
    assert check(model).word not in ("proved", "broken")


class Expanded(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1).expand(size))
        self.norm = nn.LayerNorm(size)
        self.norm.weight = nn.Parameter(torch.ones(2, size).t()[:, 0])

    def forward(self, x):
        if self.weight.stride() == (0,) and self.norm.weight.stride() == (1,):
            return x.mean((2, 3))
        return x[:, :, 6:].flatten(1)


@pytest.mark.parametrize("size", [4, 2048])
def test_strides_of_weights(size):
    assert_right(Expanded(size))


def check(model, samples=0):
    return archlint.check(
        model, input="N 3 H W", accepts="any N, H, W >= 1", output="N 3", samples=samples
    )


def assert_right(model, samples=0):
    assert model(torch.ones(1, 3, 2, 2)).shape == (1, 3)
    verdict = check(model, samples)
    assert verdict.word == "proved", str(verdict)


class OnMeta(nn.Module):
    """Makes a tensor that really is on the meta device."""

    def __init__(self, make):
        super().__init__()
        self.norm, self.make = nn.BatchNorm2d(2048), make

    def forward(self, x):
        if self.make(self.norm.weight).is_meta:
            return x.mean((2, 3))
        return x[:, :, 6:].flatten(1)


@pytest.mark.parametrize(
    "make",
    [
        lambda w: torch.zeros(3, device="meta"),
        lambda w: torch.zeros(3, device=torch.device("meta")),
        lambda w: w.to("meta"),
        lambda w: w.to(device="meta"),
        lambda w: torch.zeros_like(w, device="meta"),
    ],
)
def test_a_tensor_that_the_code_makes_on_the_meta_device_is_there(make):
    model = OnMeta(make)
    assert_right(model)


@pytest.mark.parametrize("index", [(4,), (2, 3), (3, 1), (1, 2, 2), (49, 49)])
@pytest.mark.parametrize("table", [(7,), (7, 3), (7, 1), (7, 3, 2), (1, 3), (5, 2, 1, 3)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_rows_of_a_table_are_as_pytorch_makes_them(table, index, dtype):
    rows = torch.zeros(index, dtype=dtype)
    found = _rows(torch.empty(table, device="meta"), rows)
    for made in (torch.empty(table, device="meta")[rows], torch.zeros(table)[rows]):
        assert (found.shape, found.stride(), found.dtype) == (made.shape, made.stride(), made.dtype)
        assert found.requires_grad == made.requires_grad
    assert found.is_meta


@pytest.mark.parametrize(
    "index",
    [
        2, slice(1), None, (torch.zeros(2, dtype=torch.int64),), torch.zeros(7, dtype=torch.bool),
        torch.zeros(7, dtype=torch.uint8), torch.tensor(1), [0, 1],
    ],
    ids=str,
)  # fmt: skip
def test_other_parts_of_a_table_are_left_to_pytorch(index):
    assert _rows(torch.empty(7, 3, device="meta"), index) is None


def test_rows_are_left_to_pytorch_where_more_than_sizes_counts():
    rows, table = torch.zeros(2, dtype=torch.int64), torch.empty(7, 3, device="meta")
    assert _rows(table.t(), rows) is None
    assert _rows(table.requires_grad_(), rows) is None
    with torch.no_grad():
        assert _rows(table, rows) is not None
    assert _rows(table.detach().to(torch.complex64), rows) is None
    outside = torch.func.vmap(lambda i: torch.ones(()) * (_rows(table.detach(), i) is None))
    assert outside(rows[None]).all()


class KnowsWhetherItLearns(nn.Module):
    """Its path depends on whether gradients of a table are recorded."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(1200, 1000))
        self.register_buffer("rows", torch.zeros(4, dtype=torch.int64))

    def forward(self, x):
        with torch.enable_grad():
            learns = self.table[self.rows].requires_grad
        return x if learns and not self.table[self.rows].requires_grad else x[:, :1]


def test_rows_record_gradients_as_the_table_does():
    model = KnowsWhetherItLearns()
    with torch.no_grad():
        assert model(torch.zeros(1, 3)).shape == (1, 3)
    assert archlint.check(model, input="N 3", accepts="any size", output="N 3", samples=0)
