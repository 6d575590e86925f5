"""Modules of a copy share empty containers, and each has its own as soon as a run writes to one."""

from __future__ import annotations

import contextlib
import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import archlint
from archlint.engine.python_contracts import contract_of
from archlint.engine.question import Question
from archlint.models.meta_weights import lean_copy
from archlint.models.shared_empties import KINDS, SharedEmpties, Written
from archlint.models.targets import from_instance
from archlint.tracing.model_tracer import ModelTracer


def pair() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU())


def shared(model: nn.Module) -> set[int]:
    return {id(v) for m in model.modules() for v in vars(m).values() if type(v) in KINDS}


def test_modules_share_a_container_of_each_kind_until_they_are_separated() -> None:
    model, parts = lean_copy(pair(), share=True)
    assert len(shared(model)) == 2
    parts.separate()
    assert not shared(model)
    own = [id(v) for m in model.modules() for v in vars(m).values() if isinstance(v, (dict, set))]
    assert len(own) == len(set(own))
    for one, other in zip(model.modules(), pair().modules(), strict=True):
        assert {k: type(v) for k, v in vars(one).items()} == {
            k: type(v) for k, v in vars(other).items()
        }


def test_nothing_is_shared_where_nobody_asked_for_it() -> None:
    assert not shared(lean_copy(pair())[0])
    with from_instance(pair()) as source:
        assert not shared(source.for_tracing())


def test_a_module_with_a_hook_has_its_own() -> None:
    user = pair()
    user[0].register_forward_hook(print)
    model, _ = lean_copy(user, share=True)
    assert list(model[0]._forward_hooks.values()) == [print]
    assert not shared(model[0])
    assert shared(model[1])


class TwiceHeld(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hooks = [self._forward_hooks]


def test_nothing_is_shared_where_the_model_holds_it_in_another_place() -> None:
    model, _ = lean_copy(nn.Sequential(TwiceHeld(), nn.ReLU()), share=True)
    assert not shared(model)
    assert model[0].hooks[0] is model[0]._forward_hooks


def test_what_two_modules_have_in_common_they_still_have_when_separated() -> None:
    layer = nn.ReLU()
    model, parts = lean_copy(nn.Sequential(layer, copy.copy(layer), nn.ReLU()), share=True)
    parts.separate()
    assert model[0]._forward_hooks is model[1]._forward_hooks is not model[2]._forward_hooks


WRITES: list[Callable[[nn.Module], object]] = [
    lambda layer: layer.register_forward_hook(lambda *a: None),
    lambda layer: layer.register_forward_pre_hook(lambda *a: None, with_kwargs=True),
    lambda layer: layer.register_buffer("kept", torch.ones(1), persistent=False),
    lambda layer: layer._forward_hooks.update({1: print}),
    lambda layer: layer._forward_hooks.setdefault(1, print),
    lambda layer: layer._forward_hooks.__ior__({1: print}),
    lambda layer: layer._non_persistent_buffers_set.update({"a"}),
    lambda layer: layer._non_persistent_buffers_set.__ior__({"a"}),
    lambda layer: layer._forward_hooks.copy(),
    lambda layer: copy.copy(layer._non_persistent_buffers_set),
    lambda layer: layer._non_persistent_buffers_set | {"a"},
    copy.deepcopy,
    pickle.dumps,
]


@pytest.mark.parametrize("write", WRITES)
def test_a_write_or_a_copy_ends_the_run(write: Callable[[nn.Module], object]) -> None:
    model, parts = lean_copy(pair(), share=True)
    assert isinstance(parts.shared, SharedEmpties)
    assert not parts.shared.written()
    with pytest.raises(Written):
        write(model[1])
    assert parts.shared.written()
    parts.separate()
    write(model[1])


def test_a_write_by_the_methods_of_the_base_class_is_noticed() -> None:
    model, parts = lean_copy(pair(), share=True)
    OrderedDict.__setitem__(model[0]._forward_hooks, 1, print)
    assert parts.shared is not None
    assert parts.shared.written()


def test_reading_is_no_write() -> None:
    model, parts = lean_copy(pair(), share=True)
    for layer in model.modules():
        repr(layer._forward_hooks), list(layer._forward_hooks.items())
        layer._non_persistent_buffers_set.discard("a")
        layer.half(), layer.eval(), layer.requires_grad_(False), layer.zero_grad()
    copy.copy(model[1])
    model.load_state_dict(nn.Sequential(nn.Linear(3, 4), nn.ReLU()).state_dict(), assign=True)
    assert parts.shared is not None
    assert not parts.shared.written()


class Hooking(nn.Module):
    """One of two equal layers has a hook while the model runs."""

    def __init__(self, how: Callable[[Hooking], object]) -> None:
        super().__init__()
        self.one, self.other = nn.ReLU(), nn.ReLU()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        self.how(self)
        handle = self.one.register_forward_hook(lambda m, args, out: out[:, :2])
        x = self.other(self.one(x))
        handle.remove()
        return x


def catch_all(model: Hooking) -> None:
    with contextlib.suppress(BaseException):
        model.other.register_forward_hook(lambda m, args, out: out[:, :1]).remove()


@pytest.mark.parametrize("how", [id, catch_all, copy.deepcopy])
def test_a_hook_that_a_run_registers_is_one_of_its_layer(how: Callable[[Hooking], object]) -> None:
    model = Hooking(how)
    assert archlint.check(model, "N 4", accepts="any N >= 1", output="N 2").word == "proved"
    assert archlint.infer(model, "N 4").output(N=3) == (3, 2)
    assert not model.one._forward_hooks


class Kept(nn.Module):
    """A hook stays registered, and each path would register one more."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.other = nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        self.layer.register_forward_hook(lambda m, args, out: out + 1)
        hooks = len(self.layer._forward_hooks), len(self.other._forward_hooks)
        return x.new_zeros(x.shape[0], *hooks) if x.shape[0] > 5 else x.new_zeros(1, *hooks)


def test_each_path_starts_without_the_hooks_of_the_one_before() -> None:
    contract = contract_of(input="N 3", accepts="any N >= 1")
    with from_instance(Kept()) as source:
        tracer = ModelTracer(contract, source)
        box = Question.of(contract).box
        for size in (3, 9, 4):
            assert str(tracer.trace({"N": size}, box).output.dims[1:]) == "(1, 0)"
        assert not tracer.model.layer._forward_hooks
        tracer.model.other.register_forward_hook(print)
        assert not tracer.model.layer._forward_hooks


def test_whoever_gets_the_traced_model_may_write_to_it() -> None:
    contract = contract_of(input="N 3", accepts="any N >= 1")
    with from_instance(pair()) as source:
        tracer = ModelTracer(contract, source)
        tracer.model[0].register_forward_hook(lambda m, args, out: out[:, :2])
        assert not tracer.model[1]._forward_hooks
        box = Question.of(contract).box
        assert str(tracer.trace({"N": 3}, box).output.dims[1]) == "2"
