"""Fingerprints of findings, which stay the same when lines move or sizes change."""

from __future__ import annotations

import hashlib

from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake


def fingerprint(verdict: Verdict, path: str | None) -> str:
    """The fingerprint of a verdict: of rule file, contract, model, verdict and layer.

    ``path``: the rule file's path as reports print it; ``None`` takes the verdict's own.
    """
    return digest(
        path or verdict.file or "",
        verdict.contract,
        verdict.model,
        verdict.word,
        layer(verdict) or "",
    )


def layer(verdict: Verdict) -> str | None:
    """The failing layer: its module path, or the operator outside of modules; ``None`` if none."""
    return (verdict.at.module or verdict.at.op) if verdict.at else None


def mistake_fingerprint(mistake: Mistake, path: str | None) -> str:
    """The fingerprint of a mistake: of rule file, source line and message."""
    return digest(path or mistake.where.file, mistake.source.strip(), mistake.found)


def digest(*parts: str) -> str:
    """128 bits of the SHA-256 of ``parts``, in hexadecimal digits."""
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:32]
