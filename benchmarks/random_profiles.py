"""Declared boxes of drawn models, run at every size: the full form of the CI test.

python -m benchmarks.random_profiles --count 200 [--seed S] [--jobs J]
"""

from __future__ import annotations

import sys

from benchmarks.drawn import sweep
from tests.explanation.test_declared_box import cases, check_box

if __name__ == "__main__":
    sys.exit(sweep(__doc__ or "", "boxes", cases(), check_box))
