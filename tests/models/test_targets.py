"""Targets: what is imported, what is built, and how a failure is told."""

import sys
import textwrap

import pytest
import torch
from torch import nn

from archlint.contracts.contract import ModelRef
from archlint.errors import Location, TargetError
from archlint.models.targets import resolve
from tests.support.target_models import ref

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


@pytest.mark.parametrize("target", ["sub/models/net.py:Deep", "sub.models.net:Deep"])
@pytest.mark.parametrize("package", [True, False])
def test_a_project_in_a_folder_of_the_root_imports_from_there(
    project, monkeypatch, target, package
):
    for name in ("sub", "sub.models", "sub.models.net", "parts", "parts.conv"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for folder in ("models", "parts"):
        (project / "sub" / folder).mkdir(parents=True)
    (project / "sub/parts/conv.py").write_text("from torch.nn import Conv2d")
    (project / "sub/models/net.py").write_text("from parts.conv import Conv2d as Deep")
    if package:
        (project / "sub/models/__init__.py").write_text("")
    assert resolve(ref(target, 3, 4, 1), project).for_running().in_channels == 3


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
        ("fixture:net", "only pytest can build a model from a fixture"),
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


def test_a_file_that_is_relative_to_the_project_is_named_relative_to_the_rule_file(project):
    (project / "own.py").touch()
    with pytest.raises(TargetError, match=r"relative to the rule file: did you mean \.\./own\.py"):
        in_rules(project, "own.py:Net")


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
    (project / "needs.py").write_text(
        "class Needs:\n    def __init__(self, width, *, depth): self.width = width\n"
        "def other(): return Needs()\n"
    )
    message = (
        "required keyword-only argument: 'depth'; pass kwargs: {depth: ...} in a rule file, or"
    )
    with pytest.raises(TargetError, match=message):
        resolve(ref("needs.py:Needs", width=3), project).for_running()
    with pytest.raises(TargetError, match=r"'wdith'(; d|\. D)id you mean '?width") as caught:
        resolve(ref("needs.py:Needs", wdith=3), project).for_running()
    assert str(caught.value).lower().count("did you mean") == 1, "Python may say it, too"
    with pytest.raises(TargetError) as caught:
        resolve(ref("needs.py:other"), project).for_running()
    assert "--kwargs" not in str(caught.value), "they are not the arguments of other"


def test_a_default_file_that_is_missing(project):
    """Of YOLOv5's models: their configuration has a default name, in a folder below."""
    (project / "files.py").write_text(
        "class Net:\n    def __init__(self, width=3, cfg='net.yaml'): open(cfg)\n"
        "class Other:\n    def __init__(self, cfg='net.yaml'): open('other.yaml')\n"
    )
    with pytest.raises(TargetError) as caught:
        resolve(ref("files.py:Net"), project).for_running()
    assert str(caught.value).endswith(
        "files.py:2); pass kwargs: {cfg: ...} in a rule file, or --kwargs '{cfg: ...}'"
    )
    with pytest.raises(TargetError) as caught:
        resolve(ref("files.py:Other"), project).for_running()
    assert str(caught.value).endswith("files.py:4)")


def test_an_interrupt_passes(project):
    with pytest.raises(KeyboardInterrupt):
        in_rules(project, "bad.py:interrupt").for_running()
