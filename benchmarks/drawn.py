"""Runs a randomised test on any number of cases from any seed, and counts the results."""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st


def sweep(
    about: str, what: str, strategy: st.SearchStrategy[Any], check: Callable[[Any], str]
) -> int:
    """The exit code: 1 if ``check`` raised ``AssertionError`` for any case; it gives a word."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seen: Counter[str] = Counter()

    @seed(options.seed)
    @settings(
        max_examples=options.count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=True,
    )
    @given(strategy)
    def run(case: Any) -> None:
        seen[what] += 1
        try:
            seen[check(case)] += 1
        except AssertionError as e:
            seen["wrong"] += 1
            print(f"WRONG {e}", flush=True)

    run()
    print(dict(seen))
    return int(bool(seen["wrong"]))
