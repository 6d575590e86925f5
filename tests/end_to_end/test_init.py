"""``archlint init``: models found in source, asked, and written down."""

import json
import textwrap
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.cli.first_rules import ExistingRules
from archlint.contracts.rulefile.load import loads
from archlint.project.discover.candidates import discover
from archlint.project.discover.python_files import located
from tests.support import in_process


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes the files of a project; gives what is found in it, as rule files would say it."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()

    def write(files, place="."):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return discover(tmp_path / place, tmp_path)

    return write


def targets(models):
    return [m.target(Path.cwd()) for m in models]


def ready(found):
    return targets(found.ready((), ()))


NET = """
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x
"""


# Which files


def test_tests_hidden_folders_and_environments_are_passed_over(project):
    skipped = (
        "tests/models.py", ".hidden/models.py", "venv/lib/models.py", "test_models.py",
        "models_test.py", "conftest.py", "build/models.py", "acme.egg-info/models.py",
    )  # fmt: skip
    files = dict.fromkeys((*skipped, "acme/models.py"), NET) | {"venv/pyvenv.cfg": ""}
    found = project(files)
    assert (ready(found), found.files) == (["acme/models.py:Net"], 1)


def test_a_file_is_asked_for_by_name(project):
    found = project({"tests/models.py": NET, "other.py": NET}, "tests/models.py")
    assert ready(found) == ["tests/models.py:Net"]


@pytest.mark.parametrize(
    ("file", "packages", "target"),
    [
        ("models.py", [], "../models.py:Net"),
        ("scripts/models.py", [], "../scripts/models.py:Net"),
        ("acme/models.py", ["acme"], "acme.models:Net"),
        ("acme/__init__.py", ["acme"], "acme:Net"),
        ("acme/deep/models.py", ["acme", "acme/deep"], "acme.deep.models:Net"),
        ("src/acme/models.py", ["src/acme"], "src.acme.models:Net"),
        ("some-src/acme/models.py", ["some-src/acme"], "../some-src/acme/models.py:Net"),
    ],
)
def test_targets(project, file, packages, target):
    found = project({f"{p}/__init__.py": "" for p in packages} | {file: NET})
    assert [m.target(Path.cwd() / "contracts") for m in found.buildable] == [target]


def test_a_package_of_a_src_folder_that_is_installed_has_its_own_name(project, monkeypatch):
    project({"src/acmesrc/__init__.py": "", "src/acmesrc/models.py": NET})
    monkeypatch.syspath_prepend("src")
    file = located(Path("src/acmesrc/models.py").resolve(), Path.cwd())
    assert file.target("Net", Path.cwd()) == "acmesrc.models:Net"


def test_a_file_that_cannot_be_parsed_is_told(project):
    found = project({"bad.py": "class X(:", "good.py": NET, "coding.py": "# coding: none such\n"})
    assert ready(found) == ["good.py:Net"]
    told = {file.path.name: why for file, why in found.unread.items()}
    assert told.keys() == {"bad.py", "coding.py"}
    assert told["bad.py"].startswith("invalid syntax")


def test_no_code_runs(project):
    found = project({"models.py": "raise SystemExit('it ran')\n" + textwrap.dedent(NET)})
    assert ready(found) == ["models.py:Net"]


# Which definitions

KINDS = """
    import abc
    import torch
    import torch.nn as tnn
    import torchvision
    import pytorch_lightning as pl
    from timm import create_model
    from torch.nn import *
    from torch import nn
    from .base import Base, NoForward
    from .base import Base as Renamed
    from .other import resnet

    class Direct(nn.Module):
        def forward(self, x): ...

    class Spelled(torch.nn.Module):
        def forward(self, x): ...

    class Starred(Module):
        def forward(self, x): ...

    class Inherits(Base): ...

    class Alias(Renamed): ...

    class Row(tnn.Sequential): ...

    class Lightning(pl.LightningModule):
        def forward(self, x): ...

    class Library(torchvision.models.resnet.ResNet): ...

    class NoWay(NoForward): ...

    class HalfLinear(nn.Linear):  # its arguments are those of PyTorch
        def forward(self, x): ...

    class Normed(tnn.LayerNorm): ...

    class Plain:
        def forward(self, x): ...

    class _Private(nn.Module):
        def forward(self, x): ...

    class Abstract(nn.Module):
        @abc.abstractmethod
        def encode(self, x): ...
        def forward(self, x): ...

    class Given(nn.Module):
        def __init__(self, width, depth=2, *, rate): ...
        def forward(self, x): ...

    class GivenToo(Given): ...

    class Optional(Given):
        def __init__(self, width=8): ...

    def sequence():
        return nn.Sequential()

    def annotated() -> nn.Module:
        return MODELS["annotated"]

    def quoted() -> "Direct":
        return make()

    def assigned(classes=10):
        model = create_model("resnet18", num_classes=classes)
        model.eval()
        return model

    def chained():
        return resnet()

    def given(width):
        return nn.Linear(width, width)

    def function():
        return nn.functional.relu

    def number():
        return len([nn.Linear(2, 2)])

    def stream():
        yield nn.Linear(2, 2)

    def trained():
        model = Direct()
        model(torch.zeros(1)).backward()
        return model

    def endless():
        return endless()

    if __name__ == "__main__":
        def main():
            return nn.Linear(2, 2)
"""


def test_which_definitions_are_models(project):
    found = project(
        {
            "acme/__init__.py": "",
            "acme/kinds.py": KINDS,
            "acme/base.py": """
                from torch import nn

                class Base(nn.Module):
                    def forward(self, x): ...

                class NoForward(nn.Module): ...
            """,
            "acme/other.py": """
                import torchvision.models as models

                def resnet():
                    return models.resnet18(weights=None)
            """,
        }
    )
    names = {m.definition.name for m in found.buildable}
    assert names == {
        "Direct", "Spelled", "Starred", "Inherits", "Alias", "Row", "Lightning", "Library",
        "Optional", "Base", "resnet", "sequence", "annotated", "quoted", "assigned", "chained",
    }  # fmt: skip
    needing = {m.definition.name: m.needs for m in found.needing}
    assert needing == {
        "Given": ("width", "rate"),
        "GivenToo": ("width", "rate"),
        "given": ("width",),
    }


def test_classes_that_derive_from_each_other_end(project):
    text = """
        from torch import nn

        class A(B): ...

        class B(A, nn.Module):
            def forward(self, x):
                return A(), B()
    """
    assert {m.definition.name for m in project({"odd.py": text}).buildable} <= {"A", "B"}


def test_two_models_of_one_name_are_told_apart(project):
    found = project({"a.py": NET, "b.py": NET, "c.py": NET.replace("Net", "Other")})
    assert [m.name for m in found.buildable] == ["a.Net", "b.Net", "Other"]


# Parts


def test_parts_of_models_are_left_out(project):
    found = project(
        {
            "acme/__init__.py": "from .layers import Stem\n",
            "acme/layers.py": """
                from torch import nn

                class Stem(nn.Module):
                    def forward(self, x): ...

                class Squeeze(nn.Module):
                    def forward(self, x): ...

                class Block(nn.Module):
                    def __init__(self, width, squeeze=Squeeze):
                        self.squeeze = squeeze()
                    def forward(self, x): ...

                class Alone(nn.Module):
                    def forward(self, x): ...
            """,
            "acme/models.py": """
                import acme.layers as L
                from acme import Stem
                from torch import nn

                class Photo(nn.Module):
                    def __init__(self):
                        self.stem = Stem()
                        self.blocks = nn.ModuleList(map(L.Block, [8, 16]))
                        self.alone: "L.Alone" = None
                    def forward(self, x):
                        assert not isinstance(x, L.Alone)

                def photo() -> nn.Module:
                    return Photo()
            """,
        }
    )
    assert ready(found) == ["acme.layers:Alone", "acme.models:photo"]
    assert found.needing == []  # Block is a part


def test_parts_are_asked_where_the_whole_failed(project):
    found = project(
        {
            "models.py": """
                from torch import nn

                class Net(nn.Module):
                    def forward(self, x): ...

                class Trainer(nn.Module):
                    def __init__(self):
                        self.net = Net()
                    def forward(self, batch, step): ...
            """
        }
    )
    net, trainer = found.buildable
    assert targets([net, trainer]) == ["models.py:Net", "models.py:Trainer"]
    assert found.ready((), ()) == [trainer]
    assert found.ready([trainer], []) == []
    assert found.ready([trainer], [trainer]) == [net]


def test_models_that_use_each_other_are_no_parts(project):
    text = """
        from torch import nn

        class A(nn.Module):
            def forward(self, x): return B()

        class B(nn.Module):
            def forward(self, x): return A()
    """
    assert ready(project({"models.py": text})) == ["models.py:A", "models.py:B"]


def test_a_part_of_what_needs_arguments_is_asked_itself(project):
    text = """
        from torch import nn

        class Head(nn.Module):
            def forward(self, x): ...

        class Net(nn.Module):
            def __init__(self, width):
                self.head = Head()
            def forward(self, x): ...
    """
    found = project({"models.py": text})
    assert (ready(found), targets(found.needing)) == (["models.py:Head"], ["models.py:Net"])


def test_what_needs_arguments_is_listed_with_the_main_model_first(project):
    """A function that needs arguments does not hide the class that it makes."""
    text = """
        from torch import nn

        class Head(nn.Module):
            def __init__(self, width): ...
            def forward(self, x): ...

        class Block(nn.Module):
            def __init__(self, width): ...
            def forward(self, x): ...

        class Net(nn.Module):
            def __init__(self, width):
                self.parts = [Block(width), Block(width)]
            def forward(self, x): ...

        def load(name):
            return Net(len(name))
    """
    found = project({"models.py": text})
    assert targets(found.needing) == ["models.py:Net", "models.py:Head", "models.py:load"]


# The command

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


@pytest.fixture
def run(monkeypatch):
    """``archlint init`` in this process, which builds the models as well."""
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    return lambda *args: CliRunner().invoke(cli.cli, ["init", *map(str, args)])


def test_a_package_that_the_models_need(project, run):
    net = "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x\n"
    project({"acme_needs/__init__.py": "", "acme_needs/net.py": f"import missing_one\n{net}"})
    result = run()
    assert result.output.endswith(
        "next: missing_one is not installed here; run archlint init in the environment in which "
        "your models run\n"
    )


def test_models_without_a_contract_for_one_reason_share_a_line(project, run):
    net = "from torch import nn\nclass {}(nn.Module):\n    def forward(self, x): return x\n"
    files = {f"acme_same/{n}.py": "import missing_one\n" + net.format(n.title()) for n in "abc"}
    project({"acme_same/__init__.py": "", **files})
    lines = run().output.splitlines()
    assert lines[:3] == [
        "[1/3] acme_same.a:A: could not be imported: ModuleNotFoundError: No module named "
        "'missing_one' (acme_same/a.py:1)",
        "[2/3] acme_same.b:B: could not be imported, as acme_same.a:A",
        "[3/3] acme_same.c:C: could not be imported, as acme_same.a:A",
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
        "next: write the arguments of Wide in contracts/models.archlint.yaml, where its comment "
        "says how, then archlint init again; or archlint check\n"
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
        #   acme_init.models:Pair: Pair.forward takes left, right: pass --input, for example --input
        #     '{left: N 3 H W, right: N K}'
        #   acme_init.models:Fails: could not be built: RuntimeError: gone (acme_init/models.py:47)

        # Skipped: part of a model above. To check one, add it to models:
        #   acme_init.models:Stem

        # Skipped: needs arguments. To check one, move its line under models:, write the values for
        # the dots, and run archlint init again:
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


def test_a_file_with_mistakes_is_left_alone(project, run):
    project({"models.py": NET, "contracts/models.archlint.yaml": "mine\n"})
    result = run()
    assert result.exit_code == 2
    assert result.output.startswith(
        "Error: contracts/models.archlint.yaml has mistakes; nothing is added to it\n"
        "contracts/models.archlint.yaml:1:1: "
    )
    assert Path("contracts/models.archlint.yaml").read_text() == "mine\n"
    assert run("-o", "new/rules.archlint.yaml").exit_code == 0
    assert "Net: ../models.py:Net" in Path("new/rules.archlint.yaml").read_text()


def test_a_second_run_adds_what_is_new_and_changes_no_line(project, run):
    wide = """
    class Wide(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.head = nn.Linear(width, 2)

        def forward(self, x):
            return self.head(x)
    """
    net = textwrap.dedent(NET)
    project({"models.py": net})
    assert run().exit_code == 0
    file = Path("contracts/models.archlint.yaml")
    mine = file.read_text().replace("accepts: any size", "accepts: any H, W >= 8  # mine")
    file.write_text(mine)
    again = run()
    assert "contracts/models.archlint.yaml: no new model\n" in again.output
    assert file.read_text() == mine

    project({"models.py": net + net.replace("Net", "More").replace("from torch import nn", "")
             + textwrap.dedent(wide)})  # fmt: skip
    result = run()
    assert result.output.startswith("[1/1] More: accepts any size\n"), result.output
    rules = loads(file.read_text(), str(file))
    assert [c.id for c in rules.contracts] == ["Net", "More"]
    assert "# mine" in file.read_text()
    line = "Wide: {target: '../models.py:Wide', kwargs: {width: ...}}"
    assert f"#   {line}\n" in file.read_text()

    moved = file.read_text().replace("models:\n", f"models:\n  {line.replace('...}', '12}')}\n", 1)
    file.write_text(moved)
    assert run().output.startswith("[1/1] Wide: accepts any size\n")
    rules = loads(file.read_text(), str(file))
    assert [c.id for c in rules.contracts] == ["Net", "More", "Wide"]
    assert "Skipped" not in file.read_text()


def test_models_of_other_rule_files_are_not_written_again(project, run):
    other = """
        archlint: 1
        contracts:
          - {id: mine, models: models.py:Net, input: N 3 H W, accepts: any size}
    """
    project({"models.py": NET, "archlint.yaml": other})
    result = run()
    assert "no new model" in result.output


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
    checked = CliRunner().invoke(cli.cli, ["check", "--no-cache"])
    assert checked.output.endswith("2 proved\n"), checked.output


def test_each_model_is_written_at_once(project, run, monkeypatch):
    """An interruption after the first model loses nothing."""

    def interrupted(jobs, count=1, **kwargs):
        yield next(in_process.run(jobs, count, **kwargs))
        raise KeyboardInterrupt

    project({"one.py": NET, "two.py": NET.replace("Net", "Other")})
    monkeypatch.setattr("archlint.runner.pool.run", interrupted)
    result = CliRunner().invoke(cli.cli, ["init"])
    assert (result.exit_code, result.output) == (
        130,
        "[1/2] Net: accepts any size\n"
        "interrupted: contracts/models.archlint.yaml has what was done; run archlint init again\n",
    )
    text = Path("contracts/models.archlint.yaml").read_text()
    assert [c.id for c in loads(text).contracts] == ["Net"]


def test_models_are_left_for_the_next_run_when_the_time_is_up(project, run, monkeypatch):
    monkeypatch.setattr("archlint.cli.first_rules.SECONDS_IN_ALL", -1.0)
    project({"one.py": NET, "two.py": NET.replace("Net", "Other")})
    first = run()
    assert "contracts/models.archlint.yaml: 1 contract; 1 not tried yet\n" in first.output
    assert "next: archlint init continues with the models not tried\n" in first.output
    assert "#   ../two.py:Other\n" in Path("contracts/models.archlint.yaml").read_text()
    assert run().output.startswith("[1/1] Other: accepts any size\n")


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
    project({"models.py": NET.replace("(self, x)", "(self, x, y)")})
    result = run()
    assert result.exit_code == 0
    assert result.output.endswith(
        "contracts/models.archlint.yaml: 1 model without a contract\n"
        "next: archlint infer models.py:Net --input '{x: N 3 H W, y: N K}' shows what it accepts\n"
    )
    text = Path("contracts/models.archlint.yaml").read_text()
    assert loads(text).contracts == ()
    assert "#   ../models.py:Net: Net.forward takes x, y: pass --input" in text


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
    assert "#   ../lies.py:Lies: proved that N=1 H=1 W=1 is accepted, but" in result.stdout
    assert "the model raised RuntimeError: not" in result.stdout
