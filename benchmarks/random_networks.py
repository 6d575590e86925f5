"""Random small networks, inferred and run at every size of a box: the full form of the CI test.

python -m benchmarks.random_networks --count 2000 [--seed S] [--jobs J]
"""

from __future__ import annotations

import sys

from hypothesis import strategies as st
from torch import nn

from benchmarks.drawn import sweep
from tests.end_to_end.test_random_networks import blocks, check_network, heads

networks = st.builds(
    lambda parts, head: nn.Sequential(*parts, head()).eval(),
    st.lists(blocks, min_size=1, max_size=4),
    heads,
)

SECONDS = 2  # to infer one: what is not covered by then takes most of the time of a sweep

if __name__ == "__main__":
    sys.exit(sweep(__doc__ or "", "networks", networks, lambda m: check_network(m, SECONDS)))
