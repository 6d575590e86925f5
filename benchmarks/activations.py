"""Bytes of activations by formula against what real runs keep alive, on torchvision's classifiers.

    python benchmarks/activations.py [--only GLOB] [--every N]

In inference: the most that is alive at once while the model runs on meta tensors, by a mode that
sees each result as long as it is referred to. In training: what ``saved_tensors_hooks`` sees on the
CPU, weights left out. The formulas are lower bounds: never above, and close.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
import warnings
import weakref
from dataclasses import replace
from typing import Any

import torch
from question import build, classifiers, contract, run_of, source
from table import write
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archlint.contracts.contract import SizeClause
from archlint.engine.cost.activations import peak
from archlint.engine.cost.amount import total
from archlint.engine.cost.saved import saved
from archlint.engine.explore import explore_model
from archlint.tracing.model_tracer import ModelTracer

_ANY = SizeClause("any", True, "any size")
_SIDES = {"inception_v3": 299, "vit_h_14": 224}


class Alive(TorchDispatchMode):
    """Adds up the memory that operators return, as long as it is referred to."""

    def __init__(self, model: torch.nn.Module, *inputs: torch.Tensor) -> None:
        super().__init__()
        weights = (*model.parameters(), *model.buffers())
        self.known = {t.untyped_storage()._cdata for t in weights}
        self.now = self.most = 0
        for tensor in inputs:
            self.see(tensor)

    def see(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        place, size = storage._cdata, storage.nbytes()
        if place in self.known:
            return
        self.known.add(place)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self.gone, place, size)

    def gone(self, place: int, size: int) -> None:
        self.known.discard(place)
        self.now -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self.see(leaf)
        return out


def alive(name: str, image: torch.Tensor) -> int:
    model = build(name).to("meta")
    with torch.no_grad(), Alive(model, image) as mode:
        model(image)
    return mode.most


def kept(name: str, image: torch.Tensor) -> int:
    model = build(name).train()
    seen = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers())}
    storages: list[Any] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in seen:
            seen.add(storage._cdata)
            storages.append(storage)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(image)
    return sum(storage.nbytes() for storage in storages)


def measure(name: str) -> dict[str, Any]:
    """One model: both ratios, and the seconds of the traces and of the sums."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    side = _SIDES.get(name, 224)
    point = {"N": 2, "H": side, "W": side}
    row: dict[str, Any] = {"name": name, "note": ""}
    try:
        for mode in ("eval", "train"):
            asked = replace(contract(1), clause=_ANY, output=None, mode=mode)
            run = run_of(ModelTracer(asked, source(name)))
            start = time.process_time()
            explored = explore_model(run)
            traced = time.process_time()
            here = explored.path_at({n: point[n] for n in explored.names})
            if here is None:
                row["note"] = f"{mode}: not accepted"
                continue
            bounds = {
                id(p): peak(p.trace) if mode == "eval" else total(saved(p.trace).values())
                for p in explored.accepting
            }
            row[f"share {mode}"] = (time.process_time() - traced, traced - start)
            device = "meta" if mode == "eval" else "cpu"
            image = torch.zeros(2, 3, side, side, device=device)
            real = alive(name, image) if mode == "eval" else kept(name, image)
            row[mode] = bounds[id(here)].at(point) / real
    except Exception as e:
        row["note"] = f"{type(e).__name__}: {e}"[:120]
    return row


def _ratio(row: dict[str, Any], mode: str) -> str:
    return f"{row[mode]:.4f}" if mode in row else "-"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="*")
    parser.add_argument("--every", type=int, default=3, help="each so many-th model")
    args = parser.parse_args()
    rows = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=4) as pool:
        for row in pool.imap(measure, classifiers(args.only)[:: args.every]):
            rows.append(row)
            print(row["name"], _ratio(row, "eval"), _ratio(row, "train"), row["note"], flush=True)
    summary = []
    for mode, what in (("eval", "alive at once in inference"), ("train", "kept in training")):
        ratios = [r[mode] for r in rows if mode in r]
        spent = [r[f"share {mode}"] for r in rows if f"share {mode}" in r]
        share = sum(s for s, _ in spent) / max(sum(t for _, t in spent), 1e-9)
        summary.append(
            f"{what}: {statistics.median(ratios):.4f} of what is real in the median, "
            f"{min(ratios):.4f} at least and {max(ratios):.4f} at most, on {len(ratios)} models; "
            f"adding up takes {100 * share:.1f} % of the time of the traces"
        )
    print(*summary, sep="\n")
    if args.only == "*":
        write(
            "activations",
            f"python benchmarks/activations.py --every {args.every}",
            summary,
            ("model", "inference", "training", "note"),
            [(r["name"], _ratio(r, "eval"), _ratio(r, "train"), r["note"]) for r in rows],
        )


if __name__ == "__main__":
    main()
