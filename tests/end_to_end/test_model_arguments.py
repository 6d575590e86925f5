"""Models on the command line: targets, names of rule files, and mistakes that need no torch."""

import json
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from archlint.cli.app import cli
from archlint.cli.exit_codes import CannotRun
from archlint.cli.infer import infer_job
from archlint.cli.model_argument import model_argument, stated_input
from tests import REPO

NET = """from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
    def forward(self, x):
        return self.conv(x)

small = Net
"""
RULES = """archlint: 1
models:
  wide: {target: ../net.py:Net, kwargs: {width: 8}}
contracts:
  - {id: a, models: [wide], input: N 3 H W, accepts: "any H, W >= 3"}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rules(project):
    (project / "contracts").mkdir()
    (project / "contracts" / "models.archlint.yaml").write_text(RULES)


def test_targets_and_names(project):
    ref, root = model_argument("net.py:Net", {"width": 2})
    assert (ref.target, ref.kwargs, root) == ("net.py:Net", {"width": 2}, project)
    assert model_argument("net.py:small")[0].name == "net.py:small"
    rules(project)
    ref, root = model_argument("wide", {"depth": 3})
    assert (ref.name, ref.target, ref.kwargs) == ("wide", "../net.py:Net", {"width": 8, "depth": 3})
    assert root == project


def test_a_file_of_the_current_folder(project, monkeypatch):
    (project / "sub").mkdir()
    (project / "sub" / "other.py").write_text(NET)
    monkeypatch.chdir(project / "sub")
    ref, root = model_argument("other.py:Net")
    assert (ref.name, ref.target, root) == ("other.py:Net", "sub/other.py:Net", project)
    assert model_argument("net.py:Net")[0].target == "net.py:Net"


MISTAKES = {
    "net.py": "'net.py' is a file; expected one of its models: net.py:Net",
    "net": "'net' is a file; expected one of its models: net.py:Net",
    "neither": "'neither' is not a target, and there is no rule file; pass pkg.mod:factory",
    ":Net": "':Net' is not a valid target; expected pkg.mod:factory",
    "nett.py:Net": "there is no file",
    "net.py:Nett": "net.py:Nett: net.py has no 'Nett'; did you mean 'Net'?",
    "net.py:other": "net.py has no 'other'; it defines Net",
    "my net.ipynb:Net": "my net.ipynb is a notebook; jupyter nbconvert --to script 'my net.ipynb'",
    "./net:Net": "'./net:Net' is not a valid target; did you mean ./net.py:Net?",
    "net.py::Net": "'net.py::Net' is not a valid target; did you mean net.py:Net?",
    "net.Net": "'net.Net' is not a target, and there is no rule file; did you mean net:Net?",
    "resnet18": "'resnet18' is not a target, and there is no rule file; did you mean torchvision:",
    "timm.models.convnext_tiny": "did you mean timm:convnext_tiny?",
    "torchvision:resnt18": "torchvision has no model 'resnt18'; did you mean resnet18",
    "torchvision:resnet19": "did you mean resnet18 or resnet152 or resnet101?",
    "timm:resnt18": "timm has no model 'resnt18'; did you mean resnet18",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(project, text):
    with pytest.raises(CannotRun) as error:
        model_argument(text)
    assert MISTAKES[text] in error.value.message


def test_mistakes_in_names(project):
    rules(project)
    with pytest.raises(CannotRun, match="no model of the rule files is named 'wid'; did you mean"):
        model_argument("wid")
    with pytest.raises(CannotRun, match=r"they have wide; or pass pkg.mod:factory"):
        model_argument("model")
    with pytest.raises(CannotRun, match=r"'resnet18' is not a target; did you mean torchvision:"):
        model_argument("resnet18")
    with pytest.raises(CannotRun, match=r"'contracts' is a folder; expected a model: .* wide"):
        model_argument("contracts")


def test_a_module_whose_names_cannot_be_read_is_imported_later(project):
    for text in ("from net import *\n", "globals()['Made'] = 3\n", "def ("):
        (project / "made.py").write_text(text)
        assert model_argument("made.py:Made")[0].target == "made.py:Made"


SLIPS = {
    "infer net.py:Net --input 'x: N,3,H,W'": "found 'N,3,H,W'; did you mean 'N 3 H W'?",
    "cost net.py:Net --optimizer sgd": "--optimizer requires --train",
    "export-ranges net.py:Net --to json --opt 64x32": "expected sizes such as H=64,W=32",
    "export-ranges net.py:Net --to json --within 'H < = 64'": "found '< ='; did you mean '<='?",
    "cost net.py:Net --fits 24": "found 24 bytes; did you mean 24GiB?",
    "diff archlint.lock net.py:Net": "this file does not exist; archlint lock writes one",
}


@pytest.mark.parametrize("command", SLIPS)
def test_slips(project, command):
    done = CliRunner().invoke(cli, shlex.split(command))
    assert (done.exit_code, SLIPS[command] in done.output) == (2, True), done.output


def test_no_command_imports_torch_for_a_mistake(project):
    commands = [[name, target] for name in ("infer", "explain", "cost", "check") for target in
                ("net.py:Nett", "torchvision:resnt18")]  # fmt: skip
    commands += [["diff", "net.py:Net", "net.py:Nett"], ["check"], ["lock"], ["fix"]]
    commands += [["export-ranges", "net.py:Nett", "--to", "trtexec"]]
    code = (
        "import sys, json; from click.testing import CliRunner; from archlint.cli.app import cli\n"
        f"for args in {commands!r}:\n"
        "    done = CliRunner().invoke(cli, args)\n"
        "    print(json.dumps([done.exit_code, done.output, 'torch' in sys.modules]))\n"
    )
    env = {"PYTHONPATH": str(REPO), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=env, capture_output=True, text=True
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(commands), done.stderr
    for args, (exit_code, output, torch) in zip(commands, results, strict=True):
        assert (exit_code, torch) == (2, False), (args, output)
        assert ("Nett" in output) or ("resnt18" in output) or ("archlint init" in output), output


@pytest.mark.parametrize(
    "line",
    ["vars()['Other'] = Net", "locals().update(Other=Net)", "from torch.nn import *",
     "import sys; sys.modules[__name__].__dict__['Ot' + 'her'] = Net"],
)  # fmt: skip
def test_a_name_that_the_source_may_define_is_left_to_the_import(project, line):
    (project / "net.py").write_text(f"{NET}{line}\n")
    assert model_argument("net.py:Other")[0].target == "net.py:Other"


def test_only_what_a_module_defines_is_suggested(project):
    with pytest.raises(CannotRun) as caught:
        model_argument("net.py:Qqq")
    assert str(caught.value).endswith("has no 'Qqq'; it defines Net, nn, small")


def test_a_name_of_two_models_is_refused(project):
    rules(project)
    other = RULES.replace("width: 8", "width: 9")
    (project / "contracts" / "other.archlint.yaml").write_text(other)
    with pytest.raises(CannotRun, match=r"'wide' names two models, at .*models\.archlint"):
        model_argument("wide")
    (project / "contracts" / "other.archlint.yaml").write_text(RULES)
    assert model_argument("wide")[0].kwargs == {"width": 8}


@pytest.mark.parametrize("option", ["--locked", "--select=a", "--model=a"])
def test_what_is_about_rule_files_excludes_a_target(project, option):
    result = CliRunner().invoke(cli, ["check", "net.py:Net", option])
    assert result.exit_code == 2
    assert "a target cannot be combined with --select, --model or --locked" in result.output


TWO = """from torch import nn

class Two(nn.Module):
    def forward(self, image, mask):
        return image * mask
"""
TWO_RULES = """archlint: 1
models: {two: two.py:Two, bare: two.py:Two}
contracts:
  - {id: train, models: two, mode: train, input: {image: N 3, mask: N 3}, accepts: any size}
  - {id: same, models: two, input: {image: N 3 H W, mask: N 1 H W}, accepts: any size}
"""


def test_a_name_takes_the_input_of_its_contract(project, capsys):
    (project / "two.py").write_text(TWO)
    (project / "archlint.yaml").write_text(TWO_RULES)
    stated = "input {image: N 3 H W, mask: N 1 H W}: as in contract 'same' at archlint.yaml:5"
    for command in ("cost", "explain"):
        done = CliRunner().invoke(cli, [command, "two"])
        assert done.exit_code == 0, done.output
        assert done.stderr == f"{stated}; --input states another\n"
        assert "as in contract" not in done.stdout
    ids = infer_job("two", [], "eval", 1, 1.0).contract.input
    assert [str(d) for d in ids["mask"].dims] == ["N", "1", "H", "W"]
    assert capsys.readouterr().err == f"{stated}; --input states another\n"
    infer_job("two", [], "train", 1, 1.0)
    assert "contract 'train' at archlint.yaml:4" in capsys.readouterr().err
    assert stated_input("two", ids) == ids
    assert stated_input("bare", []) == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ("conf", "; did you mean 'conv'?"),
        ("onv", "; did you mean 'conv'?"),
        ("Conv", "; did you mean 'conv'?"),
        ("nothing", "; there are conv"),
    ],
)
def test_a_layer_that_does_not_exist_is_an_error_with_near_names(project, layer, hint):
    done = CliRunner().invoke(cli, ["explain", "net.py:Net", "--layer", layer])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: no layer that runs matches {layer!r}{hint}\n")


def test_layers_are_selected_by_the_name_of_what_contains_them(project):
    (project / "deep.py").write_text(
        "from torch import nn\n"
        "def deep(): return nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3)), nn.Conv2d(4, 4, 3))\n"
    )
    for layer, shown in (("0", "0.0"), ("0.*", "0.0"), ("1", "1")):
        done = CliRunner().invoke(cli, ["explain", "deep.py:deep", "--layer", layer])
        assert done.exit_code == 0, done.output
        rows = [line for line in done.stdout.splitlines() if "Conv2d(" in line]
        assert [row.split()[0] for row in rows] == [shown]
