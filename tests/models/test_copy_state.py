"""A copy that ran is as it was made, and what it can reach outside of itself is known."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from archlint.engine.python_contracts import contract_of
from archlint.engine.question import Question
from archlint.models.copy_state import CopyState
from archlint.models.meta_weights import lean_copy
from archlint.models.snapshot import Snapshot
from archlint.models.targets import from_instance
from archlint.tracing.model_tracer import ModelTracer
from archlint.tracing.trace import dims_of
from tests.models.test_snapshot import Restless, state


def test_everything_a_forward_changes_is_undone():
    model, parts = lean_copy(Restless())
    order, before, values = list(model.__dict__), state(model), copy.deepcopy(model.state_dict())
    outside, own = Snapshot(model, held=parts.held), CopyState(parts)
    for _ in range(2):
        model(torch.ones(2, 3))
        assert model.window == 3
        own.restore()
        outside.restore()
        assert list(model.__dict__) == order
        after = state(model)
        assert before.keys() == after.keys()
        for key, value in before.items():
            same = torch.equal if isinstance(value, torch.Tensor) else type(value).__eq__
            assert same(value, after[key]), key
        assert vars(model.helper) == {"calls": 0, "log": {"seen": [1]}}
        assert model.fc.bias.requires_grad
        assert model.unregistered[0].training
        assert model.state_dict().keys() == values.keys()
        assert all(torch.equal(v, model.state_dict()[k]) for k, v in values.items())


LOG: list[int] = []


def note(module, args):
    LOG.append(1)


def hooked():
    model = nn.Sequential(nn.ReLU())
    model[0].register_forward_pre_hook(note)
    return model


class Functional(nn.Module):
    def __init__(self, kept):
        super().__init__()
        self.kept = kept

    def forward(self, x):
        note(self, x)
        return x


@pytest.mark.parametrize(
    "make",
    [
        hooked,
        lambda: Functional(note),
        lambda: Functional([note]),
        lambda: Functional({"a": (note, 1)}),
        lambda: Functional(((note,),)),
        lambda: Functional(partial(note, None)),
    ],
)
def test_what_functions_of_a_copy_write_is_undone(make):
    model, parts = lean_copy(make())
    outside = Snapshot(model, held=parts.held)
    model(torch.ones(1))
    assert LOG
    outside.restore()
    assert LOG == []


class Growing(nn.Module):
    """Its second call would answer otherwise, and so would each after that."""

    def __init__(self):
        super().__init__()
        self.calls, self.seen = 0, [2]
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x):
        self.calls += 1
        self.seen.append(self.calls)
        self.steps += 1
        return x.new_zeros(x.shape[0], len(self.seen), self.calls, int(self.steps))


def test_each_trace_starts_from_the_copy_as_it_was_made():
    contract = contract_of(input="N 3", accepts="any N >= 1")
    user = Growing()
    with from_instance(user) as source:
        tracer = ModelTracer(contract, source)
        box = Question.of(contract).box
        first = tracer.trace({"N": 1}, box)
        model = tracer.model
        assert (model.calls, model.seen, int(model.steps)) == (0, [2], 0)
        second = tracer.trace({"N": 1}, box)
        assert tracer.model is model
    assert first.outcome == second.outcome
    assert str(dims_of(first.output)) == str(dims_of(second.output)) == "(N, 2, 1, 1)"
    assert (user.calls, user.seen, int(user.steps)) == (0, [2], 0)


def test_a_layer_that_is_put_in_before_the_first_trace_is_restored_too():
    contract = contract_of(input="N 3", accepts="any N >= 1")
    with from_instance(nn.Sequential(nn.ReLU())) as source:
        tracer = ModelTracer(contract, source)
        tracer.model[0] = Growing()
        tracer.trace({"N": 1}, Question.of(contract).box)
        assert tracer.model[0].calls == 0


class Tensors(nn.Module):
    """Large and small weights, tied ones, and buffers of two dtypes."""

    def __init__(self):
        super().__init__()
        self.large, self.small = nn.Linear(64, 64), nn.Linear(3, 2)
        self.tied = nn.Linear(64, 64)
        self.tied.weight = self.large.weight
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("mean", torch.tensor([1.0, 2.0]))
        self.register_buffer("same", self.mean)
        self.register_buffer("steps", torch.tensor(7))
        self.unregistered = torch.ones(2, 2)


class Views(Tensors):
    """A buffer that is a view of another: such a copy is made in another way."""

    def __init__(self):
        super().__init__()
        self.register_buffer("first", self.mean[:1])


def write_in_place(model):
    model.mean += 1
    model.steps.fill_(0)
    model.unregistered.zero_()


def put_other_data(model):
    model.mean.data = torch.ones(5)
    model.small.weight.data = torch.zeros(2, 3)
    model.large.weight.data = model.large.weight.data.reshape(32, 128)
    model.large.bias.data = model.large.bias.data.double()


def share_memory(model):
    model.unregistered.data = model.small.weight.data[:, :2]


def put_other_tensors(model):
    model.mean = torch.zeros(2)
    model.large.weight = nn.Parameter(torch.zeros(1))
    model.tied = nn.Identity()


def train(model):
    model.small(torch.ones(1, 3)).sum().backward()
    model.frozen.requires_grad_()
    model.small.weight.requires_grad = False
    with torch.no_grad():
        model.mean.copy_(torch.zeros(2))


@pytest.mark.parametrize("kind", [Tensors, Views])
@pytest.mark.parametrize(
    "change", [write_in_place, put_other_data, share_memory, put_other_tensors, train]
)
def test_what_a_run_does_to_tensors_is_undone(kind, change):
    user = kind()
    model, parts = lean_copy(user)
    own = CopyState(parts)
    for _ in range(2):
        change(model)
        own.restore()
        assert model.large.weight is model.tied.weight
        assert model.mean is model.same
        tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        tensors["unregistered"] = model.unregistered
        for name, tensor in tensors.items():
            was = (
                user.get_parameter(name)
                if isinstance(tensor, nn.Parameter)
                else getattr(user, name)
            )
            assert tensor is not was
            assert (tensor.shape, tensor.dtype) == (was.shape, was.dtype)
            assert (tensor.requires_grad, tensor.grad) == (was.requires_grad, None)
            assert tensor.is_meta or torch.equal(tensor, was)
        model.unregistered.zero_()
        model.mean.zero_()
        assert torch.equal(model.small.weight, user.small.weight)
        assert kind is Tensors or model.first == 0
        assert torch.equal(user.mean, torch.tensor([1.0, 2.0]))
        own.restore()
