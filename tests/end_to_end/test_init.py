"""``archlint init``: the first rule file of a project."""

import json
import re
import textwrap
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.cli.first_rules import ExistingRules
from archlint.contracts.rulefile.load import loads
from archlint.project.discover.candidates import discover
from tests.support.init_projects import NET, init_in_process, start_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes the files of a project and returns the models found in it."""
    return start_project(tmp_path, monkeypatch)


@pytest.fixture
def run(monkeypatch):
    return init_in_process(monkeypatch)


MODELS = '''
    """Models."""
    import torch
    from torch import nn


    class Photo(nn.Module):
        """Any photo: the head pools whatever is left.

        And more.
        """

        def __init__(self, classes=10):
            super().__init__()
            self.stem = Stem()
            self.head = nn.Linear(8, classes)

        def forward(self, image):
            return self.head(self.stem(image).mean((2, 3)))


    class Stem(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 5)

        def forward(self, x):
            return self.conv(x)


    class Segmenter(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.ConvTranspose2d(3, 2, 2, stride=2)

        def forward(self, image):
            return {"out": image[:, :2] + self.up(nn.functional.max_pool2d(image, 2))}


    class Pair(nn.Module):
        def forward(self, left, right):
            return left + right


    class Fails(nn.Module):
        def __init__(self):
            raise RuntimeError("gone")

        def forward(self, x):
            return x


    class Wide(nn.Module):
        def __init__(self, width):
            super().__init__()

        def forward(self, x):
            return x
'''


def test_models_without_a_contract_for_one_reason_share_a_line(project, run):
    net = "from torch import nn\nclass {}(nn.Module):\n    def forward(self, x): return x\n"
    files = {f"acme_same/{n}.py": "import missing_one\n" + net.format(n.title()) for n in "abc"}
    project({"acme_same/__init__.py": "", **files})
    lines = run().output.splitlines()
    assert lines[:3] == [
        "[1/3] acme_same.a:A: could not be imported: ModuleNotFoundError: No module named "
        "'missing_one' (acme_same/a.py:1)",
        "[2/3] acme_same.b:B: could not be imported, as [1]",
        "[3/3] acme_same.c:C: could not be imported, as [1]",
    ]
    file = Path("contracts/models.archlint.yaml")
    assert "#   acme_same.a:A, acme_same.b:B, acme_same.c:C: could not be imported:" in (
        file.read_text()
    )
    # The models that failed come last in the next run, however their comment is wrapped.
    existing, folder = ExistingRules.read(file), file.resolve().parent
    models = discover(Path.cwd(), Path.cwd()).buildable
    assert [existing.failed_before(m, folder) for m in models] == [True] * 3


def test_the_first_rule_file(project, run, monkeypatch):
    project({"acme_init/__init__.py": "", "acme_init/models.py": MODELS, "bad.py": "("})
    result = run()
    assert result.exit_code == 0, result.output
    assert result.output == (
        "[1/4] Photo: accepts any H, W >= 5\n"
        "[2/4] Segmenter: accepts any H % 2 == 0 and W % 2 == 0\n"
        "[3/4] acme_init.models:Pair: Pair.forward takes left, right: pass --input, for example "
        "--input '{left: N 3 H W, right: N K}'\n"
        "[4/4] acme_init.models:Fails: could not be built: RuntimeError: gone "
        "(acme_init/models.py:47)\n"
        "contracts/models.archlint.yaml: 2 contracts; 2 models without a contract; "
        "1 skipped: part of another model; 1 skipped: needs arguments; 1 file not read\n"
        "next: change the contracts to what the models must accept, then archlint check\n"
    )
    text = Path("contracts/models.archlint.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=archlint.schema.json\n")
    rules = text[text.index("archlint: 1") :]
    assert rules == textwrap.dedent(
        """\
        archlint: 1

        models:
          Photo: acme_init.models:Photo
          Segmenter: acme_init.models:Segmenter

        contracts:
          # Any photo: the head pools whatever is left.
          - id: Photo
            models: Photo
            input: N 3 H W
            accepts: any H, W >= 5
            output: N 10

          - id: Segmenter
            models: Segmenter
            input: N 3 H W
            accepts: any H % 2 == 0 and W % 2 == 0
            output: {out: N 2 H W}

        # The comments from here on are for you; archlint init writes them again each time it runs.

        # Without a contract. archlint infer TARGET --input SHAPE shows what a model accepts:
        #   acme_init.models:Pair: Pair.forward takes left, right: pass --input, for example
        #     --input '{left: N 3 H W, right: N K}'
        #   acme_init.models:Fails: could not be built: RuntimeError: gone (acme_init/models.py:47)

        # Skipped: part of a model above. To check one, add it to models:
        #   acme_init.models:Stem

        # Skipped: needs arguments. To check one, move its line under the line models: (write that
        # line if there is none), replace the dots with values (an object of a class or function is
        # {of: model.py:Config, depth: 2}), and run archlint init again:
        #   Wide: {target: 'acme_init.models:Wide', kwargs: {width: ...}}

        # Files that could not be read:
        #   bad.py: '(' was never closed (bad.py, line 1)
        """
    )
    loads(text, "contracts/models.archlint.yaml")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path("contracts/archlint.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(text), schema)
    checked = CliRunner().invoke(cli.cli, ["check", "--no-cache", "contracts"])
    assert checked.exit_code == 0, checked.output
    assert checked.output.endswith("2 proved\n")


def test_the_input_is_what_the_first_layers_take(project, run):
    source = """
    from torch import nn

    def rows() -> nn.Module:
        return nn.Sequential(nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 2))

    def sound() -> nn.Module:
        return nn.Sequential(nn.Conv1d(2, 4, 9), nn.ReLU())

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(50, 8)

        def forward(self, ids):
            return self.words(ids).mean(1)
    """
    project({"firstlayers.py": textwrap.dedent(source)})
    result = run("--dry-run")
    assert result.exit_code == 0, result.output
    contracts = result.stdout.split("contracts:\n")[1]
    assert contracts == textwrap.indent(
        textwrap.dedent("""\
            - id: rows
              models: rows
              input: N 12
              accepts: any size
              output: N 2

            - id: sound
              models: sound
              input: N 2 L
              accepts: any L >= 9
              output: N 4 L-8

            - id: Tokens
              models: Tokens
              input: {shape: N T, dtype: int64, below: 50}
              accepts: any size
              output: N 8
        """),
        "  ",
    )


def test_configurations_with_defaults_are_made(project, run):
    source = """
        import enum
        from argparse import Namespace
        from dataclasses import dataclass
        from torch import nn

        @dataclass
        class NetConfig:
            width: int = 12

        @dataclass
        class OtherArgs:
            width: int
            depth: int = 2

        class Mode(enum.Enum):
            A = 1

        class Net(nn.Module):
            def __init__(self, config):
                super().__init__()
                self.head = nn.Linear(config.width, 2)

            def forward(self, x):
                return self.head(x)

        class Other(nn.Module):
            def __init__(self, args: OtherArgs, mode: Mode):
                super().__init__()

            def forward(self, x):
                return x

        class Both(Net):
            def forward(self, x, y):
                return self.head(x) + y

        class Weights(nn.Module):
            def __init__(self, pretrained=True, weights="DEFAULT"):
                super().__init__()
                assert not pretrained and weights is None

            def forward(self, x):
                return x
    """
    project({"models.py": source})
    result = run()
    assert result.exit_code == 0, result.output
    file = Path("contracts/models.archlint.yaml")
    rules = loads(file.read_text(), str(file))
    assert {name: ref.kwargs for name, ref in rules.models.items()} == {
        "Net": {"config": {"of": "../models.py:NetConfig"}},
        "Weights": {"pretrained": False, "weights": None},
    }
    assert rules.contracts[0].input.text == "N 12"
    assert (
        "#   Other: {target: '../models.py:Other', kwargs: {args: {of: '../models.py:OtherArgs', "
        "width: ...}, mode: ...}}" in file.read_text()
    )
    command = 'models.py:Both --kwargs \'{"config": {"of": "models.py:NetConfig"}}\''
    asked = f"{command}: Both.forward takes x, y: pass --input, for example --input '{{x: N 12, y:"
    assert asked in re.sub(r"\n# +", " ", file.read_text()), "as it is typed after archlint infer"
    assert asked in result.stderr
    checked = CliRunner().invoke(cli.cli, ["check", "--no-cache"])
    assert checked.output.endswith("2 proved\n"), checked.output


def test_notebooks_are_named(project, run):
    cell = json.dumps({"cells": [{"source": ["class Net(nn.Module):\n"]}]})
    project({"models.py": NET, "play.ipynb": cell, "plot.ipynb": "{}"})
    assert "1 file not read" in run().output
    text = Path("contracts/models.archlint.yaml").read_text()
    assert "#   play.ipynb: jupyter nbconvert --to script" in text
    assert "plot.ipynb" not in text


@pytest.mark.parametrize("args", [["--dry-run"], ["-o", "-"]])
def test_printing_writes_nothing(project, run, args):
    project({"models.py": NET})
    result = run(*args)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("# yaml-language-server")
    assert loads(result.stdout).contracts[0].clause.text == "any size"
    assert result.stderr == "[1/1] Net: accepts any size\nnot written: 1 contract\n"
    assert sorted(p.name for p in Path().iterdir()) == ["models.py", "pyproject.toml"]


def test_nothing_to_write(project, run):
    project({"models.py": "x = 1\n"})
    result = run()
    assert (result.exit_code, result.output) == (
        2,
        "Error: no model in 1 Python file of .: archlint looks for subclasses of nn.Module "
        "and functions that return one\n",
    )


def test_no_model_that_can_be_run(project, run):
    project({"models.py": NET.replace("(self, x)", "(self, x, state)")})
    result = run()
    assert result.exit_code == 0
    assert result.output.endswith(
        "contracts/models.archlint.yaml: 1 model without a contract\n"
        "next: archlint infer models.py:Net --input '{x: N 3 H W, state: N K}' "
        "shows what it accepts\n"
    )
    text = Path("contracts/models.archlint.yaml").read_text()
    assert loads(text).contracts == ()
    assert "#   models.py:Net: Net.forward takes x, state: pass --input" in text


def test_a_contract_that_the_real_model_does_not_keep_is_left_out(project, run):
    """It behaves when traced, and fails when run."""
    lies = """
        import traceback
        from torch import nn

        class Honest(nn.Module):
            def forward(self, x):
                return x

        class Lies(nn.Module):
            def forward(self, x):
                callers = [frame.filename for frame in traceback.extract_stack()]
                if not any("tracing" in name for name in callers):
                    raise RuntimeError("not today")
                return x
    """
    project({"lies.py": lies})
    result = run("--dry-run")
    assert result.exit_code == 0, result.output
    assert [c.id for c in loads(result.stdout).contracts] == ["Honest"]
    assert "#   lies.py:Lies: proved that N=1 H=1 W=1 is accepted, but" in result.stdout
    assert "the model raised RuntimeError: not" in result.stdout
