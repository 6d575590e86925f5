"""Rule files read in earlier runs that have not changed.

Comparing a rule file, its packs and files of ranges with their digests is faster than parsing YAML
and phrases. Only files without mistakes are cached.
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
from archlint.runner.cache.environment_key import archlint_settings, signature

_KIND = "rules"
_TICK = 0.05  # seconds: a file changed later than this before it is read may change again meanwhile


def load(path: Path) -> RuleFile:
    """Load a rule file, from the cache of its project if nothing has changed.

    Arguments, result and errors are those of :func:`archlint.contracts.rulefile.load.load`.
    """
    root = project_root(path.parent)
    parts = [signature(), archlint_settings(root), os.getcwd(), str(path)]
    key = store.digest("\0".join(parts))
    cached = _valid(store.read(root, _KIND, key))
    if cached is not None:
        return cached
    from archlint.contracts.rulefile import load as rulefile

    start = time.time()
    rules = rulefile.load(path)
    try:
        clauses = [contract.clause for contract in rules.contracts]
        ranges = [Path(c.declared.where.file) for c in clauses if c.declared]
        files = [os.path.abspath(p) for p in (path, *rules.packs, *ranges)]
        if max(map(os.path.getmtime, files)) < start - _TICK:
            body = {"rules": encode(rules), "files": CurrentFiles().digests(files)}
            store.write(root, _KIND, key, body)
    except (TypeError, AttributeError, OSError):
        pass  # a rule file that cannot be cached is read again
    return rules


def _valid(entry: Any) -> RuleFile | None:
    """The rule file of an entry if none of the files it was read from has changed."""
    try:
        if entry is None or CurrentFiles().digests(entry["files"]) != entry["files"]:
            return None
        rules = decode(entry["rules"])
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    return rules if isinstance(rules, RuleFile) else None
