"""Extra folders on ``sys.path`` for a while."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from archlint.runtime.process_lock import PROCESS_LOCK


@contextmanager
def import_path(folders: Sequence[Path]) -> Iterator[None]:
    """Put ``folders`` first on ``sys.path`` inside the block; afterwards the list is as before."""
    with PROCESS_LOCK:
        path, before = sys.path, list(sys.path)
        path[:0] = map(str, folders)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            path[:] = before
