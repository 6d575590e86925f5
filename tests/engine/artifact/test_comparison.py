"""Exported models beside the model: each way to differ, told apart.

Most runs are on a stand-in for onnxruntime that misbehaves where the file says so; it is a module
of that name on the path of the worker process.
"""

import json
import os
import textwrap
from importlib.util import find_spec

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from archlint.cli.app import cli
from archlint.contracts.contract import Artifact, Budget, Contract, ModelRef
from archlint.contracts.rulefile.load import load
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.engine.artifact import comparison
from archlint.engine.artifact.comparison import artifact_verdict
from archlint.engine.pipeline import check_contract
from archlint.engine.python_contracts import contract_of
from archlint.errors import Location

MODEL = """
import torch
from torch import nn

class Pool(nn.Module):
    def forward(self, x):
        return nn.functional.avg_pool2d(x, 4)

class Mean(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))

class Two(nn.Module):
    def forward(self, x, scale):
        return {"a": x * scale, "b": x - scale}

class Seeded(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.conv = nn.Conv2d(2, 3, 3)

    def forward(self, x):
        return self.conv(x)
"""
RUNTIME = """
import json, os, signal, time
import numpy

__version__ = "0"

class SessionOptions:
    pass

class Input:
    def __init__(self, name, shape=None, type="tensor(float)"):
        self.name, self.shape, self.type = name, shape, type

class InferenceSession:
    def __init__(self, path, options, providers):
        self.says = json.load(open(path))
        if self.says.get("load") == "raise":
            raise RuntimeError("not a model")
        self.last = self.damaged = None

    def get_inputs(self):
        names = self.says.get("inputs", ["images"])
        shapes = self.says.get("shapes", [None] * len(names))
        return [Input(n, s, self.says.get("type", "tensor(float)")) for n, s in zip(names, shapes)]

    def get_outputs(self):
        return [Input(n) for n in self.says.get("outputs", ["out"])]

    def run(self, _, feeds):
        if "b" in self.says:
            x, scale = (feeds[n] for n in self.says["b"])
            found = {"a": x * scale, "b": x - scale}
            return [found.get(n, found["a"]) for n in self.says.get("outputs", ["a", "b"])]
        (x,) = feeds.values()
        n, c, h, w = x.shape
        for rule in self.says["rules"]:
            if not eval(rule["where"], {"n": n, "h": h, "w": w}):
                continue
            how = rule["how"]
            if how == "run":
                break
            if how == "SIGFPE":
                os.kill(os.getpid(), signal.SIGFPE)
            elif how == "exit":
                os._exit(3)
            elif how == "raise":
                raise RuntimeError("invalid size\\nmore")
            elif how == "stale" and self.last is not None:
                return self.last
            elif how == "shape":
                return [numpy.zeros((n, c, 11, 11), numpy.float32)]
            elif how == "values":
                return [self.pooled(x) * 1.065]
            elif how == "rounded":
                self.last = [self.pooled(x).astype(numpy.float16) * 1.005]
                return self.last
            elif how == "mean":
                return [x.mean((2, 3))]
            elif how == "nan":
                return [self.pooled(x) * numpy.nan]
            elif how == "damage":
                self.damaged = True
                raise RuntimeError("invalid size")
        print("noise on stdout")
        self.last = [self.pooled(x) + (1 if self.damaged else 0)]
        return self.last

    def pooled(self, x):
        n, c, h, w = x.shape
        h, w = h // 4, w // 4
        return x[:, :, : h * 4, : w * 4].reshape(n, c, h, 4, w, 4).mean((3, 5))
"""

REFUSES = {"where": "h < 4 or w < 4", "how": "raise"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the models, and the stand-in on the path."""
    (tmp_path / "runtimes").mkdir()
    (tmp_path / "runtimes" / "onnxruntime.py").write_text(RUNTIME)
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(comparison, "POINTS", 10)
    monkeypatch.syspath_prepend(str(tmp_path / "runtimes"))
    paths = [str(tmp_path / "runtimes"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    return tmp_path


def compare(project, *rules, model="Pool", within="N <= 2 and H, W <= 40", input="N 2 H W", **more):
    says = more.pop("says", {"rules": list(rules)})
    if says is not None:
        (project / "net.onnx").write_text(json.dumps(says))
    artifact = Artifact(**{"path": "net.onnx"} | more)
    shape, clause = contract_of(input=input, accepts="any size").input, f"any {within}"
    where = Location(str(project / "net.onnx"), 1)
    contract = Contract("a", shape, parse_clause(clause, "accepts"), budget=Budget(64, 60.0),
                        artifact=artifact, where=where)  # fmt: skip
    return artifact_verdict(contract, ModelRef("m", f"model.py:{model}"), root=project)


def kinds(verdict):
    known = ("crash", "stale", "after", "silent", "refuses", "shape", "values")
    return [kind for kind in verdict.details if kind in known]


def test_an_artifact_that_agrees(project):
    verdict = compare(project, REFUSES)
    assert verdict.word == "tested"
    assert verdict.samples.run == 20
    assert "accepted and" in verdict.details["agrees"]
    assert "values to 0.1 %" in verdict.details["agrees"]


@pytest.mark.parametrize(
    ("rules", "kind", "at", "text"),
    [
        ([{"where": "h == 3", "how": "SIGFPE"}, REFUSES], "crash", "H=3", "ended with SIGFPE at"),
        ([{"where": "n == 1 and h == w == 3", "how": "SIGFPE"}, REFUSES], "crash", "H=3",
         "at N=1 H=3 W=3"),
        ([{"where": "w == 3", "how": "exit"}, REFUSES], "crash", "W=3", "ended with exit code 3"),
        ([{"where": "h == 3", "how": "run"}, REFUSES], "silent", "H=3", "returned 1x2x0x"),
        ([REFUSES, {"where": "n == 2", "how": "raise"}], "refuses", "N=2",
         "RuntimeError: invalid size at N=2"),
        ([REFUSES, {"where": "n == 2", "how": "shape"}], "shape", "N=2",
         "returned 2x2x11x11, eager"),
        ([REFUSES, {"where": "w % 4 == 1", "how": "values"}], "values", "W=5",
         "differs from eager by 6.5 % at"),
        ([REFUSES, {"where": "h == 32", "how": "nan"}], "values", "H=32", "more than 1000 %"),
        ([{"where": "h == 3", "how": "damage"}, REFUSES], "after", "H=3",
         "the next call returned another output at"),
    ],
)  # fmt: skip
def test_each_difference(project, rules, kind, at, text):
    verdict = compare(project, *rules)
    assert verdict.word == "broken"
    assert kinds(verdict) == [kind]
    assert text in verdict.details[kind]
    assert at in verdict.details["fails at"]
    name, _, size = at.partition("=")
    assert verdict.counterexample[name] == int(size)
    assert verdict.confirmed


def test_reports(project):
    """SARIF and annotations name the artifact, and say how to run it again."""
    (project / "net.onnx").write_text(json.dumps({"rules": [{"where": "h == 3", "how": "SIGFPE"},
                                                            REFUSES]}))  # fmt: skip
    command = ["compare-artifact", "net.onnx", "--with", "model.py:Pool", "--input", "N 2 H W",
               "--within", "N <= 2 and H, W <= 9"]  # fmt: skip
    outputs = [w for f in ("sarif", "github") for w in ("--output", f"{f}={f}.txt")]
    result = CliRunner().invoke(cli, [*command, *outputs])
    assert result.exit_code == 1
    assert "artifact   net.onnx   (onnxruntime 0, a process of its own)" in result.stdout
    run = json.loads((project / "sarif.txt").read_text())["runs"][0]
    (rule,), (found,) = run["tool"]["driver"]["rules"], run["results"]
    assert "agrees with net.onnx" in rule["shortDescription"]["text"]
    assert "compare-artifact net.onnx --with MODEL runs it again" in rule["help"]["text"]
    assert "N=1 H=3 W=3: process ended with SIGFPE" in found["message"]["text"]
    assert "N=1 H=3 W=3: process ended with SIGFPE" in (project / "github.txt").read_text()


def test_points_on_an_island(project):
    """Sizes of 37 to 39 only: next to the smallest there are enough to compare."""
    verdict = compare(project, REFUSES, within="N <= 2 and H, W in 37..39", outside="any")
    assert verdict.samples.run == 10
    assert "10 accepted and 0 refused" in verdict.details["agrees"]


def test_a_model_that_refuses_nothing(project):
    """There is no size outside to run, and the report says so."""
    verdict = compare(
        project, {"where": "True", "how": "mean"}, model="Mean", within="N <= 2 and H, W <= 40"
    )
    assert verdict.word == "tested"
    assert "10 accepted sizes (the model refuses none), each in" in verdict.details["agrees"]


def test_an_earlier_output(project):
    """Fresh, the stand-in refuses such sizes; reused, it returns what it had."""
    verdict = compare(project, {"where": "h == 3", "how": "stale"}, REFUSES)
    assert kinds(verdict) == ["stale"]
    assert "previous call's output at N=1 H=3 W=4   (reused request)" in verdict.details["stale"]
    assert compare(project, {"where": "h < 4", "how": "stale"}, outside="any").word == "tested"


def test_values_that_differ_everywhere(project):
    wrong = {"where": "h >= 4 and w >= 4", "how": "values"}
    verdict = compare(project, REFUSES, wrong)
    assert "may have other weights" in verdict.details["note"]
    assert compare(project, REFUSES, wrong, shapes_only=True).word == "tested"
    assert compare(project, REFUSES, wrong, tolerance=0.1).word == "tested"


def test_an_artifact_of_one_size(project):
    says = {"shapes": [[2, 2, 8, 8]], "rules": [{"where": "not n == h / 4 == 2", "how": "raise"}]}
    verdict = compare(project, says=says, within="N == 1 and H, W <= 40")
    assert kinds(verdict) == ["refuses"]
    assert verdict.details["note"].startswith("the artifact takes one size only, 2 x 2 x 8 x 8: ")


def test_an_artifact_of_one_batch(project):
    says = {"shapes": [[1, 2, None, None]], "rules": [{"where": "n > 1", "how": "raise"}, REFUSES]}
    verdict = compare(project, says=says)
    assert kinds(verdict) == ["refuses"]
    text = "the artifact fixes sizes that the model leaves open, images is 1 x 2 x ? x ?: export it"
    assert verdict.details["note"].startswith(text)
    assert "note" not in compare(project, REFUSES, {"where": "n == 2", "how": "raise"}).details


def test_an_artifact_of_lower_precision(project):
    verdict = compare(project, REFUSES, {"where": "True", "how": "rounded"})
    assert kinds(verdict) == ["values"]
    assert "--tolerance 0.02 allows that" in verdict.details["note"]


def test_an_earlier_output_of_lower_precision(project):
    """No output is near enough to the model's; that it is an earlier one is seen nevertheless."""
    stale, rounded = {"where": "h == 3", "how": "stale"}, {"where": "True", "how": "rounded"}
    assert kinds(compare(project, stale, REFUSES, rounded)) == ["stale", "values"]


def test_inputs_in_another_order(project):
    inputs = {"x": "N T", "scale": "N 1"}
    says = {"inputs": ["scale", "x"], "b": ["x", "scale"], "outputs": ["b", "a"]}
    within = "N <= 2 and T in 3..9"
    verdict = compare(project, model="Two", input=inputs, within=within, says=says)
    assert verdict.word == "tested", "by their names"
    says |= {"inputs": ["in.1", "0"], "b": ["0", "in.1"], "shapes": [["n", 1], ["n", 5]]}
    verdict = compare(project, model="Two", input=inputs | {"x": "N 5"}, within="N <= 2", says=says)
    assert verdict.word == "tested", "by their shapes"
    says["inputs"] = ["scale"]
    verdict = compare(project, model="Two", input=["N", "T"], within="N <= 2", says=says)
    assert verdict.word == "error"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"path": "absent.onnx"}, "absent.onnx: this file does not exist"),
        ({"says": {"load": "raise"}}, "cannot be loaded: RuntimeError: not a model"),
        (
            {"says": {"type": "tensor(string)"}},
            r"the input images is a tensor\(string\); only arrays of numbers can be passed",
        ),
        ({"path": "net.engine", "says": None}, "found no runtime for .engine"),
        ({"runtime": "executorch"}, r'pip install "torch-archlint\[executorch\]"'),
        ({"within": "H < 4"}, "accepts none of these sizes"),
    ],
)
def test_what_cannot_be_compared(project, more, message):
    if more.get("runtime") == "executorch" and find_spec("executorch"):
        pytest.skip("executorch is installed")
    (project / "net.engine").write_text("")
    verdict = compare(project, REFUSES, **more)
    assert verdict.word == "error"
    with pytest.raises(ValueError, match=message):
        raise ValueError(verdict.message)


def test_the_rule_file(project):
    (project / "net.onnx").write_text(json.dumps({"rules": [{"where": "h < 4", "how": "SIGFPE"},
                                                            REFUSES]}))  # fmt: skip
    (project / "rules.yaml").write_text(
        textwrap.dedent("""\
        archlint: 1
        contracts:
          - id: a
            models: ["model.py:Pool"]
            input: N 2 H W
            accepts: any N <= 2 and H, W in 4..9
            artifact: {path: net.onnx, runtime: onnxruntime}
          - id: b
            models: ["model.py:Pool"]
            input: N 2 H W
            accepts: any N <= 2 and H, W in 4..9
            artifact: {path: net.onnx, outside: any}
        """)
    )
    broken, tested = load(project / "rules.yaml").contracts
    verdict = check_contract(broken, broken.models[0], root=project)
    assert (verdict.word, kinds(verdict), verdict.line) == ("broken", ["crash"], 3)
    assert verdict.proof.covered
    verdict = check_contract(tested, tested.models[0], root=project)
    assert verdict.word == "tested"
    verdict = check_contract(tested, tested.models[0], root=project, samples=0)
    assert (verdict.word, "was not run" in verdict.message) == ("tested", True)


@pytest.mark.filterwarnings("ignore")
def test_torch_export(project):
    """A program whose range is smaller than what the model accepts."""
    torch.manual_seed(7)
    model = nn.Conv2d(2, 3, 3)
    size = torch.export.Dim("size", min=8, max=64)
    program = torch.export.export(model, (torch.randn(2, 2, 16, 9),),
                                  dynamic_shapes=({2: size},))  # fmt: skip
    torch.export.save(program, str(project / "net.pt2"))
    more = {"path": "net.pt2", "says": None, "model": "Seeded", "outside": "any"}
    verdict = compare(project, within="N == 2 and H in 6..12 and W == 9", **more)
    assert kinds(verdict) == ["refuses"]
    assert verdict.counterexample == {"N": 2, "H": 6, "W": 9}
    assert "H=8" not in verdict.details["refuses"]
