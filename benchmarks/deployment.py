"""Exported models on real runtimes beside the model, at and around the boundary of what it accepts.

``python -m benchmarks.deployment`` exports each model with dynamic sizes, compares it at 20 sizes
inside of its accepted set and as many just outside, and writes results/deployment.md.
With ``--models a,b`` and ``--runtimes a,b``, the other rows stay as they are; each row names the
commit that it was measured at. It needs the extras onnx, openvino and executorch; a runtime that is
not installed is left out. Torchvision's models with an average over the image refuse no size.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim
from torch.fx.experimental import _config as experimental_config

from archlint.contracts.contract import Artifact, Budget, ModelRef
from archlint.contracts.verdict import Verdict
from archlint.engine.artifact.comparison import artifact_verdict
from archlint.engine.artifact.runtimes import PACKAGES
from archlint.engine.python_contracts import contract_of
from benchmarks import table
from benchmarks.deployment_nets import TORCHVISION, TOYS, build

WITHIN = "N in 1..2 and H, W in 1..256"
EXAMPLE = {"flatten_head": 224}  # the side of the example; 96 for the others
STEP = {"unet": 16, "patches": 8}  # sizes that executorch's range may have
SUFFIX = {"onnxruntime": "onnx", "openvino": "onnx", "torch-export": "pt2", "executorch": "pte"}
SMALLEST = 64  # of the range that executorch is given, with 256 as the largest
LARGEST = 80  # of the sizes that run there: its portable kernels take seconds for an image
SECONDS = 1800.0  # the time limit
TOLERANCE = {"openvino": 0.02}  # where a processor has bfloat16, it computes in that; else 0.001


def _example(name: str) -> torch.Tensor:
    side = EXAMPLE.get(name, 96)
    return torch.randn(2, 3, side, side)


def _free() -> dict[int, Any]:
    return {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}


def _onnx(name: str, path: Path) -> None:
    torch.onnx.export(
        build(name), (_example(name),), str(path), dynamo=True, dynamic_shapes=(_free(),),
        verbose=False,
    )  # fmt: skip


def _pt2(name: str, path: Path) -> None:
    torch.export.save(
        torch.export.export(build(name), (_example(name),), dynamic_shapes=(_free(),)), path
    )


def _pte(name: str, path: Path) -> None:
    from executorch.exir import EdgeCompileConfig, to_edge

    step = STEP.get(name, 1)
    first, last = (224, 255) if name in EXAMPLE else (SMALLEST, 256)
    side = [Dim(n, min=first // step, max=last // step) for n in ("h", "w")]
    shape = {i + 2: step * dim if step > 1 else dim for i, dim in enumerate(side)}
    with experimental_config.patch(backed_size_oblivious=True):
        program = torch.export.export(
            build(name), (_example(name)[:1],), dynamic_shapes=(shape,),
            prefer_deferred_runtime_asserts_over_guards=True,
        )  # fmt: skip
    try:
        edge = to_edge(program)
    except AssertionError:  # its verifier has no torch.sym_not, which asserts of sizes use
        edge = to_edge(program, compile_config=EdgeCompileConfig(_check_ir_validity=False))
        graph = edge.exported_program().graph
        for node in list(graph.nodes):
            if node.target is torch.ops.aten._assert_scalar.default:
                graph.erase_node(node)
        graph.eliminate_dead_code()
    path.write_bytes(edge.to_executorch().buffer)


EXPORT: dict[str, Callable[[str, Path], None]] = {"onnx": _onnx, "pt2": _pt2, "pte": _pte}


def compare(name: str, runtime: str, folder: Path) -> tuple[str, str]:
    """The version of the runtime with the sizes that were run, and each kind of disagreement."""
    path = folder / f"{name}.{SUFFIX[runtime]}"
    if not path.is_file():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                EXPORT[SUFFIX[runtime]](name, path)
        except Exception as e:
            reason = (str(e).strip() or type(e).__name__).splitlines()[0]
            return "", f"cannot be exported: {type(e).__name__}: {reason:.120}"
    within = WITHIN if runtime != "executorch" else _slow_sizes(name)
    contract = contract_of(input="N 3 H W", accepts=f"any {within}")
    contract = replace(
        contract,
        artifact=Artifact(str(path), runtime, tolerance=TOLERANCE.get(runtime, 0.001)),
        budget=Budget(128, SECONDS),
        id=name,
    )
    model = ModelRef(name, "benchmarks.deployment_nets:build", kwargs={"name": name})
    verdict = artifact_verdict(contract, model, root=Path.cwd())
    return _row(verdict, path.parent)


def _slow_sizes(name: str) -> str:
    first = EXAMPLE.get(name, SMALLEST)
    return f"N == 1 and H, W in {first}..{max(LARGEST, first + 31)}"


def _row(verdict: Verdict, folder: Path) -> tuple[str, str]:
    details = verdict.details
    compared = details.get("compared") or details.get("agrees") or ""
    kinds = ("crash", "stale", "after", "silent", "refuses", "shape", "values")
    found = [f"{kind}: {_one_line(details[kind])}" for kind in kinds if kind in details]
    if verdict.word == "error":
        message = verdict.message.replace(f"{folder}/", "")
        found = [f"error: {message.splitlines()[0]:.160}"]
    return compared.partition(",")[0], "; ".join(found) or "agrees"


def _one_line(text: str) -> str:
    """How many sizes, the smallest of them, and for values the worst."""
    how_many, *examples = text.splitlines()
    shown = examples[:1] + (examples[-1:] if "differs" in text and len(examples) > 1 else [])
    return f"{how_many}: {', '.join(map(_short, shown))}" if shown else how_many


def _short(example: str) -> str:
    """The text and its size, where the text is long only its start."""
    text, at, size = example.rpartition(" at ")
    return f"{text:.110}{'…' if len(text) > 110 else ''}{at}{size}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default=",".join([*TOYS, *TORCHVISION]))
    installed = [r for r, (package, _) in PACKAGES.items() if find_spec(package)]
    parser.add_argument("--runtimes", default=",".join(installed))
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    default = parser.parse_args([])
    rows = [] if chosen == default else table.read("deployment")[1:]
    order = [*TOYS, *TORCHVISION]
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.models.split(","):
            for runtime in chosen.runtimes.split(","):
                compared, found = compare(name, runtime, Path(folder))
                row = [name, runtime, compared, found, table.commit()]
                rows = [r for r in rows if r[:2] != row[:2]] + [row]
                rows.sort(key=lambda r: (order.index(r[0]), list(PACKAGES).index(r[1])))
                print(" | ".join(row), flush=True)
                _write(rows)


def _write(rows: list[list[str]]) -> None:
    packages = {PACKAGES[row[1]][0] for row in rows}
    versions = ", ".join(f"{p} {version(p)}" for p in sorted(packages))
    differ = sum(row[3] != "agrees" for row in rows)
    summary = [
        f"{versions}; within {WITHIN}; values to 0.1 %, of openvino to 2 %",
        f"{differ} of {len(rows)} artifacts differ",
        table.commits([row[-1] for row in rows]),
    ]
    header = ["model", "runtime", "compared", "disagreements", "commit"]
    table.write("deployment", "python -m benchmarks.deployment", summary, header, rows)


if __name__ == "__main__":
    main()
