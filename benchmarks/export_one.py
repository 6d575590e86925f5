"""Ask torch.export the benchmarks' question about one model; print its seconds and its verdict.

python benchmarks/export_one.py MODEL LEAST DEFERRED(0|1)
"""

from __future__ import annotations

import faulthandler
import json
import sys
import time

import torch
from question import build


def main() -> None:
    name, least, deferred = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
    torch.set_num_threads(1)
    model = build(name)
    dim = torch.export.Dim
    shape = {0: dim("N", min=1), 2: dim("H", min=least), 3: dim("W", min=least)}
    image = torch.randn(2, 3, max(least, 224), max(least, 256))
    faulthandler.dump_traceback_later(90, exit=True)
    start = time.process_time()
    try:
        program = torch.export.export(
            model,
            (image,),
            dynamic_shapes=(shape,),
            prefer_deferred_runtime_asserts_over_guards=deferred,
        )
    except Exception as e:
        kind = type(e).__name__
        verdict = "refuses" if kind == "UserError" else f"raises {kind}"
    else:
        ranges = [str(r) for r in program.range_constraints.values()]
        verdict = f"accepts, {', '.join(ranges)}"
    print(json.dumps({"seconds": time.process_time() - start, "verdict": verdict}))


if __name__ == "__main__":
    main()
