"""What makes a finding the same finding in the next run, when lines have moved."""

from __future__ import annotations

import hashlib

from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake


def fingerprint(verdict: Verdict, path: str | None) -> str:
    """Of the rule file's ``path``, contract, model, word and layer: not of lines and sizes."""
    return digest(
        path or verdict.file or "",
        verdict.contract,
        verdict.model,
        verdict.word,
        layer(verdict) or "",
    )


def layer(verdict: Verdict) -> str | None:
    """The name of the layer to blame: its module path, or its operator if it has none."""
    return (verdict.at.module or verdict.at.op) if verdict.at else None


def mistake_fingerprint(mistake: Mistake, path: str | None) -> str:
    """Of the rule file's ``path``, the line's text and what was found in it."""
    return digest(path or mistake.where.file, mistake.source.strip(), mistake.found)


def digest(*words: str) -> str:
    """128 bits in hexadecimal digits."""
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
