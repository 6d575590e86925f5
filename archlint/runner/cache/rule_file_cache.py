"""Rule files that were read before, and have not changed.

Reading YAML and its phrases takes longer than to see that the file, and the packs that it uses, are
the same. Only files without mistakes are kept.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from archlint.contracts.contract import RuleFile
from archlint.contracts.settings import project_root
from archlint.runner.cache import store
from archlint.runner.cache.codec import decode, encode
from archlint.runner.cache.dependencies import CurrentFiles
from archlint.runner.cache.environment_key import said, signature

_KIND = "rules"
_TICK = 0.05  # seconds: what changed later than this before the reading may change during it


def load(path: Path) -> RuleFile:
    """As :func:`.load`; what it says is kept in the file's project."""
    root = project_root(path.parent)
    at = store.digest("\0".join([signature(), said(root), os.getcwd(), str(path)]))
    file = _recalled(store.read(root, _KIND, at))
    if file is not None:
        return file
    from archlint.contracts.rulefile import load as rulefile

    began = time.time()
    file = rulefile.load(path)
    try:
        used = [os.path.abspath(p) for p in (path, *file.packs)]
        if max(map(os.path.getmtime, used)) < began - _TICK:
            body = {"file": encode(file), "used": CurrentFiles().digests(used)}
            store.write(root, _KIND, at, body)
    except (TypeError, AttributeError, OSError):
        pass  # what cannot be kept is read again
    return file


def _recalled(entry: Any) -> RuleFile | None:
    """The rule file of an entry, if every file that it was read from is as it was."""
    try:
        if entry is None or CurrentFiles().digests(entry["used"]) != entry["used"]:
            return None
        file = decode(entry["file"])
    except (TypeError, ValueError, KeyError, AttributeError, ImportError):
        return None
    return file if isinstance(file, RuleFile) else None
