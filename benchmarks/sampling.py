"""What runs of the real models cost, in processor time: the contracts of `examples/torchvision`.

    python benchmarks/sampling.py

Each contract is checked in this process, in one thread, the runs of its model timed apart from the
proof: choosing sizes, building the model, running it, comparing. ``benchmarks/mutants.py`` says
which faults of the engine such runs find.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from table import write

from archlint.contracts.rulefile.load import load
from archlint.engine import pipeline

ROOT = Path(__file__).parents[1] / "examples" / "torchvision"


def main() -> None:
    """Check every contract and write the table."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows: list[tuple[str, str, str, int, float]] = []
    spent = [0.0]
    cross_check = pipeline.cross_check

    def timed(*args: Any) -> Any:
        start = time.process_time()
        try:
            return cross_check(*args)
        finally:
            spent[0] += time.process_time() - start

    pipeline.cross_check = timed  # type: ignore[assignment]
    for file in sorted(ROOT.rglob("*.yaml")):
        for contract in load(file).contracts:
            for model in contract.models:
                spent[0] = 0.0
                verdict = pipeline.check_contract(contract, model, root=ROOT)
                run = verdict.samples.run
                rows.append((contract.id, model.name, verdict.word, run, spent[0]))
    total = sum(seconds for *_, seconds in rows)
    verdicts = ", ".join(
        f"{n} {word}" for word, n in Counter(word for _, _, word, *_ in rows).items()
    )
    summary = [f"{len(rows)} checks ({verdicts}), {sum(r[3] for r in rows)} runs: {total:.1f} s"]
    print(*summary)
    header = ["contract", "model", "verdict", "runs", "processor time"]
    lines = [(*map(str, row[:4]), f"{row[4]:.2f} s") for row in sorted(rows, key=lambda r: -r[4])]
    write("sampling", "python benchmarks/sampling.py", summary, header, lines)


if __name__ == "__main__":
    main()
