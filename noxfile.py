"""The suite under other versions: ``nox`` runs all of them, ``nox -s "tests(torch='2.6')"`` one.

``nox -- tests/tracing/symint`` runs only the conformance tests of the package that knows
torch's SymNode protocol, which says what a new torch changed.
"""

from __future__ import annotations

import nox

TORCH = {"2.6": "0.21", "2.9": "0.24", "2.13": "0.28", "newest": ""}
"""Versions of torch and of the torchvision that goes with them."""

PYTHON = ("3.10", "3.11", "3.12", "3.13")

nox.options.default_venv_backend = "uv|virtualenv"


@nox.session(python=PYTHON)
@nox.parametrize("torch", TORCH)
def tests(session: nox.Session, torch: str) -> None:
    """The README's test command, with this torch."""
    pins = [f"torch=={torch}.*", f"torchvision=={TORCH[torch]}.*"] if TORCH[torch] else []
    session.install("-e", ".[test]", *pins)
    session.run("python", "-c", "import torch; print('torch', torch.__version__)")
    session.run("pytest", "-p", "no:cacheprovider", *session.posargs)
