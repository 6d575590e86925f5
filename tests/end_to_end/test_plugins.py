"""Plugins: the example packages, installed and used; and what happens with bad ones."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from torch import nn

import archlint
from archlint.cli import app as cli
from archlint.contracts import plugins
from archlint.contracts.contract import ModelRef
from archlint.contracts.plugins import PluginError
from archlint.contracts.rulefile.load import load, loads
from archlint.contracts.rulefile.schema import StructureEntry
from archlint.errors import ArchlintError, TargetError
from archlint.models.targets import resolve
from tests import REPO

TOP = REPO
EXAMPLES = TOP / "examples" / "plugins"

NETS = """
import acme_blocks
import torch
from torch import nn


class Blocks(nn.Module):
    def __init__(self, size=4):
        super().__init__()
        self.size = size

    def forward(self, x):
        return torch.ops.acme.blocks(x, self.size)


class Writes(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = x * 2
        x[:, 0] = 1
        return self.relu(x)
"""
RULES = """
archlint: 1
models:
  blocks: nets:Blocks
  eights: {target: "hydra:conf/model.yaml", kwargs: {size: 8}}
  writes: nets:Writes
contracts:
  - id: grid
    models: [blocks, eights]
    input: N 3 H W
    accepts: only H % 4 == 0 and W % 4 == 0
    output: N 48 H//4 W//4
    samples: 2
  - id: pure
    models: [blocks, writes]
    input: N 3 H W
    structure: {acme.no-inplace: true}
    samples: 2
  - id: nearly-pure
    models: writes
    input: N 3 H W
    structure: {acme.no-inplace: {except: [relu, __setitem__]}, batch_preserved: true}
    samples: 2
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder into which pip has installed the example packages."""
    pytest.importorskip("pip")
    sources, target = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("site")
    # pip builds in the folder that it is given.
    names = sorted(p.name for p in EXAMPLES.iterdir() if (p / "pyproject.toml").exists())
    hidden = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    copies = [shutil.copytree(EXAMPLES / n, sources / n, ignore=hidden) for n in names]
    isolation = [] if importlib.util.find_spec("setuptools") is None else ["--no-build-isolation"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", *isolation, "--target", str(target), *map(str, copies)]
    subprocess.run(command, check=True, timeout=600)
    assert len(names) == 4
    return target


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "model.yaml").write_text("_target_: nets.Blocks\nsize: 4\n")
    (tmp_path / "archlint.yaml").write_text(RULES)
    return tmp_path


@pytest.fixture(autouse=True)
def none_loaded(monkeypatch):
    """The process as it is before the first plugin."""
    monkeypatch.setattr(plugins, "_managers", [])
    monkeypatch.setattr(plugins, "_ruled", set())


def run(project, *words, path=()):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, "-m", "archlint", *words], cwd=project, env=env, text=True,
        capture_output=True, timeout=600,
    )  # fmt: skip


@pytest.mark.slow
def test_the_example_packages(site, project):
    words = ("check", "--no-cache", "--format", "acme-markdown", "--output", "json=all.json")
    done = run(project, *words, path=[site, TOP])
    assert done.stdout.splitlines() == [
        "| contract | model | verdict | |",
        "|---|---|---|---|",
        "| grid | blocks | proved |  |",
        # the contract accepts 4x4; blocks of 8 need 8x8.
        "| grid | eights | broken | N=1 H=4 W=4 is refused: height H divisible by size 8 |",
        "| pure | blocks | proved |  |",
        "| pure | writes | broken | __setitem__ writes to its argument |",
        "| nearly-pure | writes | proved |  |",
    ], done.stderr
    assert done.returncode == 1
    verdicts = json.loads((project / "all.json").read_text())["verdicts"]
    writes = next(v for v in verdicts if (v["contract"], v["model"]) == ("pure", "writes"))
    line = next(i for i, text in enumerate(NETS.splitlines(), 1) if "x[:, 0] = 1" in text)
    assert writes["at"]["source"].endswith(f"nets.py:{line}")


def test_without_them(project):
    done = run(project, "check", path=[TOP])
    assert (done.returncode, done.stdout) == (2, "nothing was checked\n")
    assert "archlint.yaml:5:20: 'hydra:conf/model.yaml' is not a valid target" in done.stderr
    assert "; the prefixes are fixture, timm, torchvision" in done.stderr
    done = run(project, "check", "--format", "acme-markdown", path=[TOP])
    assert done.returncode == 2
    assert "there is no format 'acme-markdown'; expected text, json," in done.stderr


def test_rule_files_are_validated_without_importing_a_plugin(site, project, monkeypatch):
    monkeypatch.syspath_prepend(site)
    assert [c.id for c in load(project / "archlint.yaml").contracts] == [
        "grid", "pure", "nearly-pure"
    ]  # fmt: skip
    assert "acme_hydra" not in sys.modules
    with pytest.raises(ArchlintError) as caught:
        loads("archlint: 1\nmodels: {a: 'hydro:conf/model.yaml'}\ncontracts: []")
    assert "; the prefixes are fixture, hydra, timm, torchvision" in str(caught.value)


def test_nothing_is_paid_where_there_are_no_plugins(tmp_path):
    code = """
import sys
from archlint.contracts.rulefile.load import loads
from archlint.contracts import plugins
text = "archlint: 1\\ncontracts: [{id: a, models: 'm:x', structure: {acme.x: 1}}]"
assert loads(text).contracts[0].structure == {"acme.x": 1}
assert plugins._points.cache_info().currsize == 0  # no metadata was read
assert plugins.reporters() == {} and plugins.checks() == {}
plugins.register_rules()
assert "pluggy" not in sys.modules and "torch" not in sys.modules
"""
    env = os.environ | {"PYTHONPATH": str(TOP)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True, timeout=600)


# -- a project's own ------------------------------------------------------------------------------

LOCAL = """
from archlint.hooks import hookimpl

@hookimpl
def archlint_locate(prefix, name):
    from torch import nn
    return {"one": nn.Identity(), "two": nn.Identity, "three": 3}.get(name)
"""


def test_a_plugin_of_the_project(tmp_path):
    said = '[tool.archlint]\nplugins = ["local_locator"]\nlocators = ["ours"]\n'
    (tmp_path / "pyproject.toml").write_text(said)
    (tmp_path / "local_locator.py").write_text(LOCAL)
    rules = "archlint: 1\nmodels: {a: 'ours:a/b'}\ncontracts:\n  - {id: a, models: a, structure: "
    (tmp_path / "archlint.yaml").write_text(rules + "{forbids: LSTM}}")
    assert load(tmp_path / "archlint.yaml").models["a"].target == "ours:a/b"
    before = list(sys.path)
    for name in ("one", "two"):
        with resolve(ModelRef(name, f"ours:{name}"), tmp_path) as source:
            assert isinstance(source.for_running(), nn.Identity)
    with pytest.raises(TargetError, match="ours:three is an int; expected an "):
        resolve(ModelRef("a", "ours:three"), tmp_path)
    with pytest.raises(ArchlintError, match="ours:four: no plugin provides this target"):
        resolve(ModelRef("a", "ours:four"), tmp_path)
    assert sys.path == before


# -- bad ones -------------------------------------------------------------------------------------


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes an installed plugin of a text."""

    def install(text, name="acme"):
        module = f"{name}_of_{tmp_path.name}"
        (tmp_path / f"{module}.py").write_text(f"from archlint.hooks import hookimpl\n{text}")
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[archlint]\n{name} = {module}\n[archlint.locators]\n{name} = {module}\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(plugins, "_managers", [])
        plugins._points.cache_clear()
        return f"{name} ({module}, of {name} 1.0)"

    yield install
    plugins._points.cache_clear()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module", "could not be imported: ModuleNotFoundError: No module named"),
        ("1/0", "could not be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "could not be imported: SystemExit: 3"),
        ("def f(:", "could not be imported: SyntaxError"),
        ("@hookimpl\ndef archlint_chekcs(): pass", "is not valid: unknown hook 'archlint_chekcs'"),
        ("@hookimpl\ndef archlint_checks(torch): pass", "is not valid: Plugin 'acme' for hook"),
    ],
)
def test_a_plugin_that_cannot_be_loaded(install, text, said):
    known_as = install(text)
    with pytest.raises(PluginError) as caught:
        plugins.reporters()
    assert str(caught.value).startswith(f"the plugin {known_as} {said}")
    verdict = archlint.check(nn.Identity(), "N 3", accepts="any size", samples=0)
    assert (verdict.word, verdict.message) == ("error", str(caught.value))
    result = CliRunner().invoke(cli.cli, ["check", "--format", "acme"])
    assert result.exit_code == 2
    assert f"'acme' is not a format of archlint, and the plugin {known_as} {said}" in result.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("raise ValueError('no')", "archlint_checks raised ValueError: no"),
        ("return [1]", "archlint_checks returned [1]; expected a mapping of names to functions"),
        ("return {'undotted': print}", "'undotted' is not a valid name of a check"),
        ("return {3: print}", "3 is not a valid name of a check"),
        ("return {'acme.x': 3}", "acme.x is 3; expected a function"),
    ],
)
def test_checks_that_make_no_sense(install, given, said):
    install(f"@hookimpl\ndef archlint_checks():\n    {given}\n")
    with pytest.raises(PluginError) as caught:
        plugins.checks()
    assert str(caught.value) == f"the plugin acme: {said}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise KeyError('x')", "the structural check acme.x failed: KeyError: 'x'"),
        ("return ['bad']",
         "the structural check acme.x yielded 'bad'; expected archlint.Violation"),
        ("return 3", "the structural check acme.x failed: TypeError: 'int' object is not iterable"),
    ],
)  # fmt: skip
def test_a_check_that_fails(install, body, said):
    text = f"def x(seen, asked):\n    {body}\n"
    install(text + "@hookimpl\ndef archlint_checks():\n    return {'acme.x': x}\n")
    verdict = archlint.check(nn.Identity(), structure={"acme.x": True})
    assert verdict.word == "error"
    assert verdict.message.startswith(said)
    other = archlint.check(nn.Identity(), structure={"acme.y": True})
    assert other.message == "there is no structural check acme.y; did you mean 'acme.x'?"


def test_a_check_that_nobody_has():
    verdict = archlint.check(nn.Identity(), structure={"acme.x": True})
    said = "there is no structural check acme.x: no plugin adds checks"
    assert (verdict.word, verdict.message) == ("error", said)


def test_two_plugins_with_one_name(install):
    text = "@hookimpl\ndef archlint_reporters():\n    return {'table': print}\n"
    install(text)
    install(text, "other")
    with pytest.raises(PluginError, match="both provide table"):
        plugins.reporters()


def test_a_reporter_that_gives_no_text(install, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rules = "archlint: 1\ncontracts: [{id: a, models: 'm:x', input: N, accepts: any size,"
    (tmp_path / "archlint.yaml").write_text(rules + " bad: 1}]")
    install("@hookimpl\ndef archlint_reporters():\n    return {'none': lambda run: None}\n")
    result = CliRunner().invoke(cli.cli, ["check", "--format", "none"])
    assert result.exit_code == 2
    assert "the reporter none of a plugin returned None; expected a str" in result.output
    install("@hookimpl\ndef archlint_reporters():\n    return {'low': lambda run: 1/0}\n", "other")
    result = CliRunner().invoke(cli.cli, ["check", "--format", "low"])
    assert "the reporter low of a plugin raised ZeroDivisionError" in result.output


def test_rules_that_clash(install):
    text = "import torch, archlint\n    archlint.shape_rule(torch.relu)(print)\n"
    install(f"@hookimpl\ndef archlint_register_rules():\n    {text}")
    verdict = archlint.check(nn.Identity(), "N 3", accepts="any size", samples=0)
    assert verdict.word == "error"
    assert verdict.message.startswith(
        "the plugin acme: archlint_register_rules raised ValueError: "
    )
    assert "has a shape rule already" in verdict.message


@pytest.mark.parametrize("setting", ["plugins = 3", "plugins = [3]", "locators = 'hydra'"])
def test_settings_that_make_no_sense(setting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(f"[tool.archlint]\n{setting}\n")
    with pytest.raises(ArchlintError, match="must be a list of strings"):
        (plugins.checks if "plugins" in setting else lambda: plugins.prefixes(tmp_path))()


# -- the documentation ----------------------------------------------------------------------------


def test_the_page_quotes_the_packages():
    page = (TOP / "docs" / "extending.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^`(examples/plugins/\S+)`\n\n```\w+\n(.*?)\n```$", page, re.M | re.S)
    files = {p.relative_to(TOP).as_posix() for p in EXAMPLES.glob("*/*.*") if p.is_file()}
    assert {name for name, _ in quoted} == files
    for name, text in quoted:
        assert text == (TOP / name).read_text(encoding="utf-8").rstrip(), name
    for hook in re.findall(r"^def (archlint_\w+)", (TOP / "archlint/hooks.py").read_text(), re.M):
        assert hook in page


def test_the_page_of_structural_checks():
    page = (TOP / "docs" / "structure.md").read_text(encoding="utf-8")
    assert all(f"`{name}" in page for name in StructureEntry.model_fields)
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.S)
    whole = loads("archlint: 1\nmodels: {mobile: 'm:x'}\n" + blocks[0])
    assert [len(c.structure) for c in whole.contracts] == [3, 2]
    for line in blocks[1].splitlines():
        text = "archlint: 1\ncontracts:\n  - id: a\n    models: m:x\n    input: N 3 H W\n    "
        assert list(loads(text + line).contracts[0].structure) == ["total_stride"]
