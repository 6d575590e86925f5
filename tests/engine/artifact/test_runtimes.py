"""The runtimes: which one a file needs, how each is called, and what some are known to do.

What they do is the table of ``python -m benchmarks.deployment``. In small it is tested here where
the extra of a runtime is installed; exporting takes long, so these tests are sweeps.
"""

import os
import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from torch import nn
from torch.export import Dim

from archlint.contracts.contract import Artifact, Budget, ModelRef
from archlint.engine.artifact import comparison
from archlint.engine.artifact.comparison import artifact_verdict
from archlint.engine.artifact.runtimes import load as load_artifact
from archlint.engine.artifact.runtimes import runtime_of
from archlint.engine.python_contracts import contract_of
from tests import REPO


def test_a_network_of_openvino_without_its_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"weights net\.bin are missing from its folder"):
        load_artifact("openvino", str(tmp_path / "net.xml"))


@pytest.mark.parametrize(
    ("inside", "runtime"),
    [("net/data/aotinductor/model/net.so", "aoti"), ("net/models/model.json", "torch-export")],
)
def test_what_torch_compiled_is_known_by_its_content(tmp_path, inside, runtime):
    with ZipFile(tmp_path / "net.pt2", "w") as archive:
        archive.writestr(inside, "")
    assert runtime_of(tmp_path / "net.pt2") == runtime
    assert runtime_of(tmp_path / "net.pt2", "aoti") == "aoti"


@pytest.mark.filterwarnings("ignore")
def test_torch_export_with_arguments_by_name(tmp_path):
    """Positions first, then names, and a pair: as the program was exported."""

    class Net(nn.Module):
        def forward(self, x, pair, *, scale, shift):
            return x * scale["by"] + shift + pair[0] - pair[1]

    arrays = [torch.randn(3) for _ in range(5)]
    x, one, other, by, shift = arrays
    names = {"scale": {"by": by}, "shift": shift}
    program = torch.export.export(Net(), (x, (one, other)), names)
    torch.export.save(program, str(tmp_path / "net.pt2"))
    request = load_artifact("torch-export", str(tmp_path / "net.pt2")).make()
    (got,) = request([a.numpy() for a in arrays])
    assert torch.equal(torch.from_numpy(got), Net()(x, (one, other), **names))


KNOWN = {
    ("squeezenet1_1", "onnxruntime", "N == 1 and H, W == 17"): (
        "crash", "process ended with SIGFPE at N=1 H=16 W=16"),
    ("alexnet", "onnxruntime", "N == 2 and H, W in {200, 224}"): ("values", "at N=2 H=200 W=200"),
    ("unet", "openvino", "N == 1 and H, W in 16..33"): ("stale", "the previous call's output at"),
    ("pools", "executorch", "N == 1 and H, W in 64..66"): ("silent", "returned 1x8 at N=1 H=1 W=1"),
}  # fmt: skip


@pytest.mark.sweep
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "runtime", "within"), KNOWN)
def test_what_is_known(name, runtime, within, tmp_path, monkeypatch):
    if find_spec(runtime) is None or (runtime != "executorch" and find_spec("onnxscript") is None):
        pytest.skip(f"needs {runtime}, and to export for it")
    from benchmarks import deployment

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(comparison, "POINTS", 3)
    suffix = deployment.SUFFIX[runtime]
    path = tmp_path / f"{name}.{suffix}"
    deployment.EXPORT[suffix](name, path)
    contract = contract_of(input="N 3 H W", accepts=f"any {within}")
    verdict = compared(contract, Artifact(str(path), runtime), name)
    kind, text = KNOWN[name, runtime, within]
    assert verdict.word == "broken", verdict
    assert text in verdict.details[kind], verdict


@pytest.mark.sweep
@pytest.mark.filterwarnings("ignore")
def test_what_aotinductor_compiled_runs_below_its_range(tmp_path, monkeypatch):
    """Compiled for sides from 32, it runs at sides of 1, which the model refuses."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        pytest.skip(f"torch compiles with {compiler}, which is not installed")
    from benchmarks.deployment_nets import build

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(comparison, "POINTS", 3)
    sides = {2: Dim("h", min=32, max=128), 3: Dim("w", min=32, max=128)}
    program = torch.export.export(
        build("pools"), (torch.randn(1, 3, 64, 64),), dynamic_shapes=(sides,)
    )
    path = str(tmp_path / "net.pt2")
    torch._inductor.aoti_compile_and_package(program, package_path=path)
    assert runtime_of(Path(path)) == "aoti"
    for within, word in (
        ("N == 1 and H, W in 32..128", "silent"),
        ("N == 1 and H, W in 32..48", ""),
    ):
        contract = contract_of(input="N 3 H W", accepts=f"any {within}")
        verdict = compared(
            contract, Artifact(path, "aoti", outside="refuses" if word else "any"), "pools"
        )
        assert "AOTInductor" in verdict.details["artifact"]
        assert verdict.word == ("broken" if word else "tested"), verdict
        if word:
            assert "returned 1x8 at N=1 H=1 W=1" in verdict.details["silent"], verdict


def compared(contract, artifact, name):
    contract = replace(contract, artifact=artifact, budget=Budget(64, 600.0))
    model = ModelRef(name, "benchmarks.deployment_nets:build", kwargs={"name": name})
    return artifact_verdict(contract, model, root=REPO)
