"""Random loops over a size, inferred and run at plain sizes: the full form of the CI test.

python -m benchmarks.random_loops --count 300 [--seed S] [--jobs J]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.drawn import sweep
from tests.tracing.loops.drawn_loops import sources
from tests.tracing.loops.test_loop_iterator import check_drawn

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(sweep(__doc__ or "", "loops", sources(), lambda s: check_drawn(s, Path(folder))))
