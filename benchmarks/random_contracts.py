"""Random contracts of random small networks, checked and run: the full form of the CI test.

python -m benchmarks.random_contracts --count 2000 [--seed S] [--jobs J]
"""

from __future__ import annotations

import sys

from benchmarks.drawn import sweep
from tests.end_to_end.test_random_contracts import Case, check_case, drawn

if __name__ == "__main__":
    sys.exit(sweep(__doc__ or "", "contracts", drawn(), lambda c: check_case(Case.of(*c))))
