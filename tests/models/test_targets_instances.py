"""Models that a user made: copied, and left as they were."""

import pytest
import torch
from torch import nn

from archlint.errors import TargetError
from archlint.models.targets import from_instance
from tests.support.target_models import Rich


def test_an_instance_is_copied():
    model = Rich().train()
    with from_instance(model) as source:
        running, lean = source.for_running(), source.for_tracing()
        assert running is not model
        assert torch.equal(running.head.weight, model.head.weight)
        assert lean.head.weight.is_meta
        assert lean.tied is lean.conv.weight
        assert torch.equal(lean.index, model.index)
        assert not running.training
        assert not lean.training
        assert model.training
        assert not any(t.is_meta for t in model.state_dict().values())


def test_an_instance_that_cannot_be_copied_is_given_back_as_it_was():
    class Single(nn.Linear):
        def __deepcopy__(self, memo):
            raise TypeError("one of a kind")

    model = Single(3, 3)
    with from_instance(model) as source:
        assert source.for_running() is model
        assert source.for_tracing() is model
        assert not model.training
    assert model.training


class Shares(nn.Module):
    """Its copies are itself."""

    def __deepcopy__(self, memo):
        return self


class Loses(nn.Module):
    """Copying it drops what it holds open, from itself too."""

    def __init__(self):
        super().__init__()
        self.handle = object()

    def __getstate__(self):
        state = self.__dict__
        state["handle"] = None
        return state


class Counts(nn.Module):
    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __deepcopy__(self, memo):
        return Counts(self.seen)

    def train(self, mode=True):
        self.seen.append(mode)
        return super().train(mode)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_code_of_the_users_that_copies_a_model_or_sets_its_mode_leaves_it_as_it_was(mode):
    seen: list[object] = []
    model = nn.Sequential(Shares(), Loses(), Counts(seen)).train(mode == "eval")
    seen[:] = ["mine"]
    before = [dict(vars(m)) for m in model]
    with from_instance(model) as source:
        source.for_tracing(mode)
        source.for_running(mode)
    assert [dict(vars(m)) for m in model] == before
    assert seen == ["mine"]


def _frozen(module):
    """A part that stays in eval mode, whatever the model is put into."""
    module.eval().train = lambda mode=True: module
    return module


class Hides(nn.Module):
    """A frozen part that modes do not reach."""

    def __init__(self):
        super().__init__()
        self.part, self.head = nn.BatchNorm2d(3).eval(), nn.Conv2d(3, 4, 1)

    def children(self):
        return iter([self.head])


@pytest.mark.parametrize(
    "model", [nn.Sequential(_frozen(nn.BatchNorm2d(3)), nn.Conv2d(3, 4, 1)), Hides()], ids=type
)
def test_frozen_parts_stay_frozen(model):
    with from_instance(model) as source:
        norms = [
            next(m for m in made.modules() if isinstance(m, nn.BatchNorm2d))
            for made in (source.for_tracing("train"), source.for_running("train"))
        ]
    assert not any(n.training for n in norms)


def test_a_mode_that_cannot_be_set_is_an_error_of_the_model():
    class Fixed(nn.Module):
        fixed = False

        def __setattr__(self, name, value):
            if self.fixed:
                raise RuntimeError(f"{name} is fixed")
            super().__setattr__(name, value)

    model = Fixed()
    model.__class__.fixed = True
    with pytest.raises(TargetError, match=r"could not be put into eval mode: .*training is fixed"):
        from_instance(model).for_tracing()


def test_a_view_of_a_buffer_in_a_tuple_stays_one():
    model = nn.Module()
    model.register_buffer("steps", torch.arange(4))
    model.first = (model.steps[:1],)
    lean = from_instance(model).for_tracing()
    lean.first[0][0] = 9
    assert lean.steps.tolist() == [9, 1, 2, 3]
    assert model.steps.tolist() == [0, 1, 2, 3]


def test_an_instance_with_a_history_is_traced_as_a_copy():
    model = nn.Linear(40, 40)
    model.last = model.weight.sum() * 2
    with from_instance(model) as source:
        assert source.for_tracing() is not model


def test_only_modules():
    for value, got in (
        (3, "an int"),
        (nn.ReLU, "the class ReLU; call it and pass the result"),
        (lambda: nn.ReLU(), "a function; call it and pass the result"),
    ):
        with pytest.raises(TargetError) as e:
            from_instance(value)
        assert str(e.value) == f"expected an nn.Module, got {got}"
