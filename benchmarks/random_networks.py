"""Random small networks, inferred and run at every size of a box: the full form of the CI test.

python benchmarks/random_networks.py --count 2000 [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import nn

from tests.test_random_networks import blocks, check_network, heads


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
    @given(parts=st.lists(blocks, min_size=1, max_size=4), head=heads)
    def sweep(parts: list[nn.Module], head: object) -> None:
        seen["networks"] += 1
        try:
            seen[check_network(nn.Sequential(*parts, head()).eval())] += 1  # type: ignore[operator]
        except AssertionError as e:
            seen["wrong"] += 1
            print(f"WRONG {e}", flush=True)

    sweep()
    print(dict(seen))
    return int(bool(seen["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
