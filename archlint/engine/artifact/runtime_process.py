"""The process in which an exported model runs: ``python -m`` this module RUNTIME FILE FOLDER.

It imports the runtime and forks another process, which answers requests and which a runtime may
end: then it reports how that ended, and forks again without a second import. Each line of stdin is
a request as JSON: ``load``, ``run`` or ``end``, with the number of the fork that it is for. Arrays
are ``.npy`` files in FOLDER. Each answer is a line of stdout. What a runtime prints goes nowhere.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
import signal
import sys
import warnings
from pathlib import Path
from typing import IO, Any

from archlint.runtime.forks import FORKS

_CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")  # repeats the exception's name


class _Answers:
    """Lines of JSON, written to what was stdout when the process began."""

    def __init__(self) -> None:
        self._stream: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8")

    def write(self, **data: Any) -> None:
        self._stream.write(json.dumps(data) + "\n")
        self._stream.flush()


def main(runtime: str, file: str, folder: str) -> None:
    """Answer requests until stdin ends, in processes that are forked where that is possible."""
    answers = _Answers()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    warnings.simplefilter("ignore")
    try:
        from archlint.engine.artifact.runtimes import MODULES

        importlib.import_module("numpy")
        importlib.import_module(MODULES[runtime])
    except Exception as e:
        answers.write(failed=f"{type(e).__name__}: {message_of(e)}")
        return
    if not FORKS:
        serve(answers, 0, runtime, file, folder)
        return
    child = 0

    def end(*_: object) -> None:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this process ends it
    for fork in itertools.count():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            try:
                serve(answers, fork, runtime, file, folder)
            finally:
                os._exit(0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        _, status = os.waitpid(child, 0)
        child = 0
        answers.write(ended=os.waitstatus_to_exitcode(status))


def serve(answers: _Answers, fork: int, runtime: str, file: str, folder: str) -> None:
    """Answer the requests that are for this fork: another one may have ended before it read one."""
    import numpy

    from archlint.engine.artifact.runtimes import load

    loaded = reused = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["to"] != fork:
            continue
        try:
            if request["do"] == "end":
                os._exit(0)  # a damaged runtime need not survive its own end
            if loaded is None:
                loaded = load(runtime, file)
            if request["do"] == "load":
                answers.write(inputs=loaded.inputs, version=loaded.version, shapes=loaded.shapes,
                              names=loaded.outputs)  # fmt: skip
                continue
            if request["reused"]:
                reused = reused or loaded.make()
            run = reused if request["reused"] else loaded.make()
            assert run is not None
            arrays = [numpy.load(Path(folder, f"in_{i}.npy")) for i in range(request["inputs"])]
            outputs = run(arrays)
            for i, array in enumerate(outputs):
                numpy.save(Path(folder, f"out_{i}.npy"), array)
        except Exception as e:
            answers.write(error=f"{type(e).__name__}: {message_of(e)}")
        else:
            answers.write(outputs=len(outputs))
    if FORKS:
        os.kill(os.getppid(), signal.SIGTERM)  # nobody asks any more


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
