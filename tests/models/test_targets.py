"""From targets to models, and everything that can be wrong with a target."""

import sys
import textwrap

import pytest
import torch
from torch import nn

from archlint.contracts.contract import ModelRef
from archlint.contracts.rulefile.load import loads
from archlint.engine.pipeline import check_source
from archlint.errors import Location, TargetError
from archlint.models.meta_weights import LARGE
from archlint.models.targets import from_instance, resolve

GOOD = """
import dataclasses
import helper
import torch
from torch import nn

print("imported")

@dataclasses.dataclass
class Config:
    width: "int" = 4

class Net(nn.Module):
    def __init__(self, width=4, *, bias=True):
        super().__init__()
        import late
        self.width = width
        self.config = Config(width)
        self.fc = nn.Linear(64, 64 * width, bias=bias)
        self.drop = nn.Dropout()

def factory():
    print("built")
    torch.rand(3)
    return Net()

class Space:
    net = Net
    class Inner:
        answer = 42

ready = Net(2).eval()
"""

BAD = """
import signal, sys, torch
from torch import nn

class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        raise ValueError("no weights\\nmore")   # line 8

def tensor(): return torch.ones(3)
def nothing(): pass
def leaves(): sys.exit(3)
def interrupt(): signal.raise_signal(signal.SIGINT)
def endless(): return endless()
def lost():
    raise torch.cuda.OutOfMemoryError
class Stubborn(nn.Module):
    def train(self, mode=True):
        raise RuntimeError("never")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("helper", "late", "acme", "acme.models"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme/__init__.py").write_text("")
    (tmp_path / "acme/models.py").write_text(GOOD)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/net.py").write_text(GOOD)
    (tmp_path / "rules/bad.py").write_text(textwrap.dedent(BAD).lstrip())
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "late.py").write_text("")
    yield tmp_path
    for name in ("helper", "late", "acme", "acme.models"):
        sys.modules.pop(name, None)


def ref(target, *args, **kwargs):
    return ModelRef("m", target, args, kwargs)


def in_rules(project, target, *args, **kwargs):
    where = Location(str(project / "rules/contracts.yaml"), 3)
    return resolve(ModelRef("m", target, args, kwargs, where), project)


@pytest.mark.parametrize("target", ["Net", "factory", "Space.net"])
def test_a_module_target_is_imported_with_the_root_on_the_path(project, target, capfd):
    path = list(sys.path)
    source = resolve(ref(f"acme.models:{target}"), project)
    model = source.for_running()
    assert type(model).__name__ == "Net"
    assert not model.training
    assert sys.path == path
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("target", ["net.py:Net", "../rules/net.py:factory"])
def test_a_file_target_is_relative_to_the_rule_file(project, target):
    source = in_rules(project, target)
    assert source.for_running().config.width == 4
    assert "net" not in sys.modules
    again = in_rules(project, target)
    assert type(again.for_running()) is type(source.for_running())


def test_without_a_rule_file_it_is_relative_to_the_root(project):
    assert resolve(ref("rules/net.py:Net"), project).for_running().width == 4


def test_args_kwargs_and_mode(project):
    source = resolve(ref("acme.models:Net", 2, bias=False), project)
    model = source.for_running("train")
    assert model.fc.weight.shape == (128, 64)
    assert model.fc.bias is None
    assert model.training
    assert source.for_running() is not model
    assert source.for_tracing("train").training
    assert not source.for_tracing("eval").training


def test_an_instance_is_taken_as_it_is(project):
    with resolve(ref("acme.models:ready"), project) as source:
        assert source.for_running().width == 2
    with pytest.raises(TargetError, match="takes no args or kwargs"):
        resolve(ref("acme.models:ready", 3), project)


def test_building_leaves_the_random_state_alone(project):
    source = resolve(ref("acme.models:factory"), project)
    torch.manual_seed(0)
    source.for_running()
    source.for_tracing()
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert drawn == torch.rand(1)


def test_torchvision_and_timm_never_load_weights(project):
    pytest.importorskip("torchvision")
    for target in (
        "torchvision:resnet18",
        "torchvision.models:resnet18",
        "torchvision:lraspp_mobilenet_v3_large",
        "torchvision.models.segmentation:lraspp_mobilenet_v3_large",
    ):
        assert isinstance(resolve(ref(target), project).for_tracing(), nn.Module)
    model = resolve(ref("torchvision:resnet18", num_classes=7), project).for_tracing()
    assert model.fc.out_features == 7
    with pytest.raises(TargetError, match="no model 'resnet19'; did you mean resnet1"):
        resolve(ref("torchvision:resnet19"), project)
    pytest.importorskip("timm")
    assert resolve(ref("timm:resnet10t"), project).for_tracing().num_classes == 1000
    with pytest.raises(TargetError, match="'resnet10tt'; did you mean resnet10t"):
        resolve(ref("timm:resnet10tt"), project)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("resnet18", "'resnet18' is not a valid target; expected pkg.mod:factory"),
        (":x", "is not a valid target"),
        ("a b:c", "'a b' is neither a module name nor a path to a .py file"),
        ("acmee.models:Net", "there is no module acmee (looked in "),
        ("acme.modles:Net", "there is no module acme.modles"),
        ("acme.models:Nett", "acme.models has no 'Nett'; did you mean Net"),
        ("acme.models:Space.Inner.anwser", ":Space.Inner has no 'anwser'; did you mean answer"),
        ("acme.models:Space.Inner.answer", "is an int; expected an nn.Module, or a class"),
        ("rules/nett.py:Net", "there is no file "),
    ],
)  # fmt: skip
def test_targets_that_are_not_there(project, target, message):
    with pytest.raises(TargetError) as caught:
        resolve(ref(target), project)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_names_its_neighbour(project):
    with pytest.raises(TargetError, match=r"did you mean net\.py"):
        in_rules(project, "nett.py:Net")


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("import torch\nimport nowhere_to_be_found\n", "ModuleNotFoundError: No module named", 2),
        ("x = (\n", "SyntaxError: '(' was never closed", 1),
        ("\n\n1 / 0\n", "ZeroDivisionError: division by zero", 3),
        ("import sys\nsys.exit('bye')\n", "it calls sys.exit (SystemExit: bye", 2),
    ],
)
def test_modules_that_cannot_be_imported(project, text, message, line):
    (project / "acme/broken.py").write_text(text)
    (project / "rules/broken.py").write_text(text)
    for find in (
        lambda: resolve(ref("acme.broken:Net"), project),
        lambda: in_rules(project, "broken.py:Net"),
    ):
        with pytest.raises(TargetError) as caught:
            find()
        assert "broken" in str(caught.value)
        assert message in str(caught.value)
        assert f"broken.py:{line})" in str(caught.value)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Raises", "bad.py:Raises could not be built: ValueError: no weights ("),
        ("Raises", "bad.py:7)"),
        ("tensor", "bad.py:tensor returned a Tensor; expected an nn.Module"),
        ("nothing", "bad.py:nothing returned None; expected an nn.Module"),
        ("leaves", "it calls sys.exit (SystemExit: 3 ("),
        ("endless", "RecursionError: maximum recursion depth exceeded"),
        ("Stubborn", "could not be put into eval mode: RuntimeError: never"),
    ],
)
def test_models_that_cannot_be_built(project, target, message):
    source = in_rules(project, f"bad.py:{target}")
    for build in (source.for_running, source.for_tracing):
        with pytest.raises(TargetError) as caught:
            build()
        assert message in str(caught.value)


def test_wrong_arguments_are_the_constructors_error(project):
    with pytest.raises(TargetError, match="unexpected keyword argument 'wdith'"):
        resolve(ref("acme.models:Net", wdith=3), project).for_running()


def test_an_interrupt_passes(project):
    with pytest.raises(KeyboardInterrupt):
        in_rules(project, "bad.py:interrupt").for_running()


# -- lean models --------------------------------------------------------------------------------


def source_of(factory, tmp_path, monkeypatch):
    import types

    module = types.ModuleType("lean_test_module")
    module.factory = factory
    monkeypatch.setitem(sys.modules, "lean_test_module", module)
    return resolve(ref("lean_test_module:factory"), tmp_path)


class Rich(nn.Module):
    """Every kind of tensor that constructors make."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(16, 64, 3)
        self.norm = nn.BatchNorm2d(64)
        self.lstm = nn.LSTM(32, 64)
        self.head = nn.Linear(64, 100, dtype=torch.float64)
        self.attend = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(32, 2, 64, batch_first=True), 2
        )
        self.position = nn.Parameter(torch.zeros(1, 50, 32))
        nn.init.trunc_normal_(self.position, std=0.02)
        nn.init.kaiming_normal_(self.conv.weight)
        nn.init.orthogonal_(self.head.weight)
        table = torch.zeros(64, 32)
        steps = torch.arange(64).unsqueeze(1).float()
        table[:, 0::2] = torch.sin(steps * torch.linspace(0, 1, 16))
        self.register_buffer("table", table + torch.ones(32))
        self.register_buffer("index", torch.arange(4096).view(64, 64))
        self.register_buffer("mask", torch.ones(64, 64, dtype=torch.bool).tril())
        self.register_buffer("zeros", torch.full((2000,), 0))
        self.rates = [r.item() for r in torch.linspace(0, 0.1, 8)]
        self.plain = torch.randn(40, 40).new_ones(50, 50)
        self.tied = self.conv.weight


def test_a_lean_model_differs_only_in_large_weights(tmp_path, monkeypatch):
    source = source_of(Rich, tmp_path, monkeypatch)
    lean, real = source.for_tracing(), source.for_running()
    a, b = lean.state_dict(keep_vars=True), real.state_dict(keep_vars=True)
    assert list(a) == list(b)
    for name, tensor in b.items():
        assert a[name].shape == tensor.shape, name
        assert a[name].stride() == tensor.stride(), name
        assert a[name].dtype == tensor.dtype, name
        assert a[name].requires_grad == tensor.requires_grad, name
        large = tensor.is_floating_point() and tensor.numel() >= LARGE
        assert a[name].is_meta == large, name
        if not tensor.is_floating_point():
            assert torch.equal(a[name], tensor), name
    assert lean.rates == real.rates
    assert lean.plain.is_meta
    assert lean.tied is lean.conv.weight


def looks_at_values():
    model = nn.Linear(64, 64)
    model.scale = float(torch.ones(2000).sum())
    return model


def makes_integers():
    model = nn.Linear(64, 64)
    model.register_buffer("order", torch.rand(2000).argsort())
    return model


def draws_integers():
    model = nn.Linear(64, 64)
    model.register_buffer("shuffle", torch.randperm(8))
    return model


def writes_into_small():
    model = nn.Linear(64, 64)
    model.table = torch.zeros(4)
    model.table[:] = torch.ones(2000)[:4]
    return model


def asks_the_device():
    model = nn.Linear(64, 64)
    model.device = model.weight.device
    return model


@pytest.mark.parametrize(
    "factory",
    [looks_at_values, makes_integers, draws_integers, writes_into_small, asks_the_device],
)
def test_a_model_that_needs_values_is_built_in_full(factory, tmp_path, monkeypatch):
    model = source_of(factory, tmp_path, monkeypatch).for_tracing()
    assert not any(t.is_meta for t in model.state_dict().values())


# -- a user's own model -------------------------------------------------------------------------


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


class Drawn(nn.Module):
    """A seed fixes its coin, which is drawn after weights that a lean model does not draw."""

    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(4)
        self.conv = nn.Conv2d(3, 500, 9)
        coin = torch.rand(1)
        if kind == "number":
            coin = coin.item()
        elif kind == "compared":
            coin = coin * 1 > 0.5
        self.coin = nn.Parameter(coin) if kind == "parameter" else coin

    def forward(self, x):
        return x.mean((2, 3)) if self.coin > 0.5 else self.conv(x).mean((2, 3))


@pytest.mark.parametrize("kind", ["tensor", "parameter", "number", "compared"])
def test_numbers_drawn_after_others_are_those_of_the_seed(kind, tmp_path, monkeypatch):
    assert Drawn("number").coin < 0.5  # without the weights' draws before it: 0.57
    source = source_of(lambda: Drawn(kind), tmp_path, monkeypatch)
    rules = "- {id: c, models: python:model, input: N 3 H W, accepts: any size}"
    contract = loads(f"archlint: 1\ncontracts:\n{rules}\n").contracts[0]
    verdict = check_source(contract, source, samples=0)
    assert verdict.word == "broken"
    assert verdict.counterexample == {"N": 1, "H": 1, "W": 1}
