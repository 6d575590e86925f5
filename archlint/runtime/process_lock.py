"""The one lock under which archlint changes state of the whole process.

Python and PyTorch keep much of their state once per process: ``sys.stdout``, the working directory,
random states, the methods of ``nn.Module``. Whoever changes any of it for a while holds this lock
until it is restored. The lock is re-entrant: a check that starts another check holds it twice.
"""

from __future__ import annotations

import threading

PROCESS_LOCK = threading.RLock()
