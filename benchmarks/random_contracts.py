"""Random promises about random small networks, decided and run: the full form of the CI test.

python benchmarks/random_contracts.py --count 2000 [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.test_random_contracts import Case, check_case, drawn


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
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
    @given(drawn())
    def sweep(parts: tuple[Any, ...]) -> None:
        seen["contracts"] += 1
        try:
            seen[check_case(Case.of(*parts))] += 1
        except AssertionError as e:
            seen["wrong"] += 1
            print(f"WRONG {e}", flush=True)

    sweep()
    print(dict(seen))
    return int(bool(seen["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
