"""The process in which an exported model runs: ``python -m`` this module RUNTIME FILE FOLDER.

Each line of stdin asks for one run, as JSON; arrays are ``.npy`` files in FOLDER. Each answer is a
line of stdout. A runtime may end this process; what it prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

_CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")  # repeats the exception's name


def main(runtime: str, file: str, folder: str) -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")

    def answer(**data: Any) -> None:
        answers.write(json.dumps(data) + "\n")
        answers.flush()

    try:
        from archlint.engine.artifact.runtimes import load

        loaded = load(runtime, file)
    except Exception as e:
        answer(failed=f"{type(e).__name__}: {message_of(e)}")
        return
    answer(inputs=loaded.inputs, version=loaded.version, shapes=loaded.shapes,
           names=loaded.outputs)  # fmt: skip
    import numpy

    reused = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["reused"]:
                reused = reused or loaded.make()
            run = reused if request["reused"] else loaded.make()
            assert run is not None
            arrays = [numpy.load(Path(folder, f"in_{i}.npy")) for i in request["inputs"]]
            outputs = run(arrays)
            for i, array in enumerate(outputs):
                numpy.save(Path(folder, f"out_{i}.npy"), array)
        except Exception as e:
            answer(error=f"{type(e).__name__}: {message_of(e)}")
        else:
            answer(outputs=len(outputs))


def message_of(error: BaseException) -> str:
    """The first line of an error's text that is not empty or a heading, at most 200 characters.

    Where that line announces a list, the first entry of the list follows.
    """
    lines = [" ".join(line.split()) for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith("Exception from")]
    first = _CODE.sub("", lines[0]) if lines else ""
    entry = f": {lines[1]}" if first.endswith("following indices") and len(lines) > 1 else ""
    return (first + entry)[:200]


if __name__ == "__main__":
    main(*sys.argv[1:])
