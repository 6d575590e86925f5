"""Runs a randomised test on any number of cases from any seed, and counts the results.

The cases are drawn in parts of PART, part P from the seed S + 1000 P in a process of its own, J at
a time; a line each half a minute tells how far they are. The rest of a part whose process died, or
raised anything but ``AssertionError``, is not drawn; such parts are counted, and fail the sweep.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

PART = 50
PAUSE = 30.0  # seconds between two lines of progress


def sweep(
    about: str, what: str, strategy: st.SearchStrategy[Any], check: Callable[[Any], str]
) -> int:
    """The exit code: 1 if a case is wrong, or a process died.

    ``check`` gives a word for a case, or raises ``AssertionError`` if it is wrong; ``what`` is the
    word for all cases, in the plural.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes at a time")
    options = parser.parse_args()
    start = said = time.monotonic()
    seen: Counter[str] = Counter({what: 0})
    for word in _words(strategy, check, options.count, options.seed, options.jobs):
        if word.startswith("wrong: "):
            print(f"WRONG {word.removeprefix('wrong: ')}", flush=True)
            word = "wrong"
        seen[what] += word != "died"
        seen[word] += 1
        if time.monotonic() - said > PAUSE:
            said = time.monotonic()
            print(f"{dict(seen)} of {options.count}, {said - start:.0f} s", flush=True)
    print(dict(seen), f"seed {options.seed}, {time.monotonic() - start:.0f} s")
    return int(bool(seen["wrong"] or seen["died"]))


def _words(
    strategy: st.SearchStrategy[Any],
    check: Callable[[Any], str],
    count: int,
    first: int,
    jobs: int,
) -> Iterator[str]:
    """The word of each case, "wrong: ..." for one that is, and "died" for a part that did."""
    context = multiprocessing.get_context("fork")
    parts = [(first + 1000 * p, min(PART, count - PART * p)) for p in range(-(-count // PART))]
    running: dict[Any, Any] = {}
    while parts or running:
        while parts and len(running) < jobs:
            receive, send = context.Pipe(False)
            process = context.Process(
                target=_part, args=(strategy, check, *parts.pop(0), send), daemon=True
            )
            process.start()
            send.close()
            running[receive] = process
        for ready in wait(list(running)):
            assert isinstance(ready, Connection)
            try:
                yield ready.recv()
            except EOFError:
                process = running.pop(ready)
                process.join()
                if process.exitcode:
                    yield "died"


def _part(
    strategy: st.SearchStrategy[Any],
    check: Callable[[Any], str],
    first: int,
    count: int,
    send: Connection,
) -> None:
    """Check ``count`` cases that are drawn from the seed ``first``; their words go to ``send``."""
    warnings.simplefilter("ignore")

    @seed(first)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=True,
    )
    @given(strategy)
    def run(case: Any) -> None:
        try:
            send.send(check(case))
        except AssertionError as error:
            send.send(f"wrong: {error}")

    run()
