"""``archlint check --profile``: ranges of deployment tools against models."""

import json
import re
import shlex

import click
import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.cli.exit_codes import CannotRun
from archlint.cli.profile_jobs import profile_jobs
from archlint.contracts.rulefile.load import load
from archlint.explanation.advice import check_contract
from tests import REPO

MODELS = """
import torch
from torch import nn


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.down = nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(4)
        self.up = nn.Upsample(scale_factor=4)

    def forward(self, x):
        a = self.first(x)
        return torch.cat([a, self.up(self.down(a))], 1)


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 4, 3, stride=32, padding=1), nn.Linear(4 * 9, 5)

    def forward(self, images):
        return self.head(self.conv(images).flatten(1))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(100, 8)
        self.places = nn.Parameter(torch.zeros(64, 8))

    def forward(self, ids, mask):
        return (self.words(ids) + self.places[: ids.shape[1]]) * mask[..., None]
"""
RULES = """
archlint: 1
models: {unet: "models.py:UNet", tokens: "models.py:Tokens"}
contracts:
  - {id: a, models: unet, input: B 3 H W, accepts: any H == W and H in 4..8 step 4}
  - id: b
    models: tokens
    input: {ids: {shape: N T, dtype: int64, below: 100}, mask: N T}
    accepts: any T <= 64
"""
TRT = "trtexec --minShapes={0} --optShapes={1} --maxShapes={2}\n"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text(MODELS)
    return tmp_path


def verdicts(project, name, text, *models, input=None, samples=2):
    (project / name).write_text(text)
    jobs, mistakes = profile_jobs(project / name, "", input, (), models, samples)
    assert not mistakes
    return [check_contract(j.contract, j.ref, root=j.root, samples=j.samples) for j in jobs]


def test_a_box_that_a_grid_of_multiples_breaks(project):
    text = "set -e\n" + TRT.format("x:1x3x16x16", "x:2x3x64x64", "x:4x3x128x128")
    (broken,) = verdicts(project, "build.sh", text, "models.py:UNet")
    assert (broken.word, broken.line) == ("broken", 2)
    assert broken.file.endswith("build.sh")
    assert broken.counterexample == {"N": 1, "H": 16, "W": 17}
    assert broken.details["declared"].endswith("build.sh:2   (trtexec)")
    assert broken.details["good box"].splitlines() == [
        "N in 1..4 and H, W == 64   (the largest around N=2 H=64 W=64)",
        "N in 1..4 and H, W in 16..128 step 4   (the largest with these multiples)",
    ]


def test_a_box_around_an_island(project):
    shapes = {"min": [1, 3, 32, 32], "opt": [1, 3, 70, 70], "max": [2, 3, 128, 128]}
    (broken,) = verdicts(project, "ranges.json", json.dumps({"images": shapes}), "models.py:Flat")
    assert broken.counterexample == {"N": 1, "H": 32, "W": 32}
    box = "N in 1..2 and H, W in 65..96   (the largest around N=1 H=70 W=70)"
    assert broken.details["good box"] == box


def test_an_opt_that_is_refused_itself(project):
    text = TRT.format("x:1x3x32x32", "x:1x3x100x100", "x:2x3x128x128")
    (broken,) = verdicts(project, "build.sh", text, "models.py:Flat")
    assert "opt N=1 H=100 W=100 itself is refused" in broken.details["good box"]


def test_a_box_that_holds(project):
    text = TRT.format("x:1x3x65x65", "x:2x3x80x80", "x:4x3x96x96")
    (proved,) = verdicts(project, "build.sh", text, "models.py:Flat")
    assert (proved.word, proved.line) == ("proved", 1)


def test_each_profile_is_a_contract(project):
    text = TRT.format("x:1x3x65x65", "x:2x3x80x80", "x:4x3x96x96") * 2
    text = text[:-1].replace("96x96", "97x97", 1) + "\n"
    first, second = verdicts(project, "build.sh", text, "models.py:Flat")
    assert (first.contract, first.word, first.line) == ("build.sh-1", "broken", 1)
    assert (second.contract, second.word, second.line) == ("build.sh-2", "proved", 2)


def test_the_input_of_the_rule_file(project):
    (project / "archlint.yaml").write_text(RULES)
    ids = "ids:1x{0},mask:1x{0}"
    text = TRT.format(ids.format(1), ids.format(16), ids.format(65))
    (broken,) = verdicts(project, "build.sh", text, "tokens")
    assert broken.counterexample == {"N": 1, "T": 65}
    text = TRT.format(*(f"x:1x3x{s}x{s}" for s in (4, 4, 8)))
    (broken,) = verdicts(project, "build.sh", text, "unet")
    assert broken.counterexample == {"B": 1, "H": 4, "W": 5}


def test_several_profiles_in_a_rule_file(project):
    """The line is that of the profile with the size that fails."""
    text = TRT.format("x:1x3x65x65", "x:2x3x80x80", "x:4x3x96x96")
    (project / "build.sh").write_text(text + text.replace("96x96", "97x96"))
    (project / "rules.yaml").write_text(
        "archlint: 1\ncontracts:\n- {id: a, models: 'models.py:Flat', input: N 3 H W, "
        "accepts: {from: build.sh}}\n"
    )
    (contract,) = load(project / "rules.yaml").contracts
    broken = check_contract(contract, contract.models[0], root=project, samples=1)
    assert broken.counterexample["H"] == 97
    assert broken.details["declared"] == "build.sh:2   (trtexec)"


def test_the_precision_of_an_engine_is_not_that_of_the_model(project):
    """Half precision is the tool's; a model that computes in it, as one that casts, is asked so."""
    (project / "half.py").write_text(
        "import torch\nfrom models import UNet\n\n\ndef half():\n    return UNet().half()\n\n\n"
        "class Cast(UNet):\n    def forward(self, x):\n"
        "        assert x.dtype == torch.float16\n        return super().forward(x.float())\n"
    )
    sizes = "min_shape=(1, 3, 16, 16), opt_shape=(2, 3, 16, 16), max_shape=(4, 3, 16, 16)"
    text = f"trt.compile(m, inputs=[torch_tensorrt.Input({sizes}, dtype=torch.half)])\n"
    for model in ("models.py:UNet", "half.py:half", "half.py:Cast"):
        (proved,) = verdicts(project, "build.py", text, model)
        assert proved.word == "proved", (model, proved)
    text = text.replace("max_shape=(4, 3, 16, 16)", "max_shape=(4, 3, 16, 17)")
    (broken,) = verdicts(project, "build.py", text, "models.py:UNet")
    assert broken.counterexample == {"N": 1, "W": 17}
    assert "as float32" in broken.details["declared"]


def test_a_file_without_dtypes_and_with_other_names(project):
    """Names that are no arguments are in the model's order; tokens are no floats."""
    ids = "ids:1x{0},mask:1x{0}"
    (broken,) = verdicts(project, "build.sh", TRT.format(*map(ids.format, (1, 8, 65))),
                         "models.py:Tokens")  # fmt: skip
    assert broken.counterexample == {"T": 65}
    assert broken.details["declared"].endswith(
        "build.sh:1   (trtexec; ids as int64, mask as int64)"
    )
    other = "input.1:1x{0},1:1x{0}"
    (proved,) = verdicts(project, "build.sh", TRT.format(*map(other.format, (1, 8, 64))),
                         "models.py:Tokens")  # fmt: skip
    assert proved.word == "proved", str(proved)
    floats = {name: {"min": [1, 1], "max": [1, 8], "dtype": "float32"} for name in ("ids", "mask")}
    (stated,) = verdicts(project, "ranges.json", json.dumps(floats), "models.py:Tokens")
    assert stated.word == "broken"
    assert "as int64" not in stated.details["declared"]
    one = TRT.format("ids:1x4", "ids:1x4", "ids:1x4")
    (error,) = verdicts(project, "build.sh", one, "models.py:Tokens")
    assert "mask" in error.message


def test_the_box_of_a_fixed_batch_is_around_an_image(project):
    shapes = {"x": {"min": [1, 3, 8, 8], "max": [1, 3, 300, 300]}}
    (broken,) = verdicts(project, "ranges.json", json.dumps(shapes), "models.py:UNet")
    assert broken.details["good box"].splitlines()[0].endswith("(the largest around H=224 W=224)")


def test_an_exported_model_is_no_file_of_ranges(project):
    (project / "net.pt2").write_bytes(b"PK\x03\x04\x8b")
    _, (mistake,) = profile_jobs(project / "net.pt2", "", None, (), ["models.py:Flat"], 0)
    assert "found an exported model (.pt2), of which archlint reads no ranges" in str(mistake)


def test_a_folder_is_no_artifact(project):
    (project / "net.xml").write_text("")
    result = CliRunner().invoke(cli.cli, ["compare-artifact", ".", "--with", "models.py:Flat"])
    assert "this is a folder; state one of its files: net.xml" in result.output


def test_which_model(project):
    (project / "build.sh").write_text(TRT.format(*["x:1x3x32x32"] * 3))

    def jobs(*models):
        return profile_jobs(project / "build.sh", "", None, (), models, 0)[0]

    with pytest.raises(CannotRun, match="no rule file found"):
        jobs()
    (project / "archlint.yaml").write_text(RULES)
    with pytest.raises(CannotRun, match="state which model the profile is for"):
        jobs()
    with pytest.raises(CannotRun, match="did you mean 'unet'"):
        jobs("unett")
    assert [j.ref.name for j in jobs("unet", "models.py:Flat")] == ["models.py:Flat", "unet"]


def test_the_page_of_torch_export(project, monkeypatch):
    """Its commands, in this process; the code that is written exports the model again."""
    from archlint.cli import check, export_ranges
    from archlint.engine.infer.export_boxes import boxes_verdict
    from archlint.engine.infer.trial_export import trial_verdict

    functions = {export_ranges.BOXES: boxes_verdict, export_ranges.TRIAL: trial_verdict}

    def run(jobs, *_args, check=None, **_kwargs):
        function = functions.get(check, check_contract)
        return [function(j.contract, j.ref, root=j.root, samples=0) for j in jobs]

    monkeypatch.setattr(check, "run_logged", run)
    monkeypatch.setattr(export_ranges, "run_jobs", run)
    page = (REPO / "docs" / "deploy-export.md").read_text()
    (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (project / "net.py").write_text(source)
    export, profile = re.findall(r"(?m)^\$ archlint (.*?)(?: \| cat > export.py)?$", page)
    written = CliRunner().invoke(cli.cli, shlex.split(export))
    assert "# Exported with torch" in written.stdout, written.output
    (project / "export.py").write_text(written.stdout)
    checked = CliRunner().invoke(cli.cli, shlex.split(profile))
    assert checked.exit_code == 0, checked.output
    assert checked.stdout.startswith("proved")


def test_the_command(project, monkeypatch):
    from archlint.cli import check

    def run(jobs, *_args, **_kwargs):  # in this process
        return [check_contract(j.contract, j.ref, root=j.root, samples=0) for j in jobs]

    monkeypatch.setattr(check, "run_logged", run)

    def command(*words):
        return CliRunner().invoke(cli.cli, ["check", *words])

    (project / "build.sh").write_text(TRT.format("x:1x3x16x16", "x:2x3x64x64", "x:4x3x128x128"))
    broken = command("--profile", "build.sh", "--model", "models.py:UNet", "--format", "json")
    assert broken.exit_code == 1
    (verdict,) = json.loads(broken.stdout)["verdicts"]
    assert (verdict["file"], verdict["line"]) == ("build.sh", 1)
    sarif = command("--profile", "build.sh", "--model", "models.py:UNet", "--format", "sarif")
    (result,) = json.loads(sarif.stdout)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "build.sh"
    (rule,) = json.loads(sarif.stdout)["runs"][0]["tool"]["driver"]["rules"]
    assert "archlint export-ranges MODEL --to trtexec" in rule["help"]["text"]
    github = command("--profile", "build.sh", "--model", "models.py:UNet", "--format", "github")
    assert "%0Agood box: N in 1..4 and H, W == 64" in github.stdout
    square = command("--profile", "build.sh", "--model", "models.py:UNet", "--input", "N 3 S S")
    assert "any N in 1..4 and S in 16..128" in square.stdout
    assert "N=1 S=17" in square.stdout
    (project / "build.sh").write_text("trtexec --minShapes=x:1x3\n")
    mistaken = command("--profile", "build.sh", "--model", "models.py:UNet")
    assert mistaken.exit_code == 2
    assert "build.sh:1:1: found no max shape of x" in mistaken.stderr
    assert command("--input", "N 3 H W").exit_code == click.UsageError.exit_code
