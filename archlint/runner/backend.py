"""The name of a backend, and its address: where contracts are checked."""

from __future__ import annotations

from dataclasses import dataclass

from archlint.contracts.suggestions import did_you_mean
from archlint.errors import ArchlintError

NEEDS = {"loky": ("joblib",), "dask": ("joblib", "distributed"), "ray": ("joblib", "ray")}
_EXAMPLES = {"dask": "dask:tcp://127.0.0.1:8786", "ray": "ray:127.0.0.1:6379"}


class BackendError(ArchlintError):
    """A backend that does not exist, is not installed, or has failed."""


@dataclass(frozen=True)
class Backend:
    """Where contracts are checked: ``local``, ``loky``, ``dask`` or ``ray``, maybe an address."""

    name: str = "local"
    address: str | None = None

    @classmethod
    def of(cls, text: str) -> Backend:
        """Parse ``NAME`` or ``NAME:ADDRESS``, as in ``dask:tcp://127.0.0.1:8786``.

        Raises ``BackendError``.
        """
        name, colon, address = text.partition(":")
        names = ("local", *NEEDS)
        if name not in names:
            hint = did_you_mean(name, names) or f"; expected one of {', '.join(names)}"
            raise BackendError(f"there is no backend {name!r}{hint}")
        if colon and name not in ("dask", "ray"):
            raise BackendError(f"the backend {name} takes no address, found {address!r}")
        if colon and not address:
            raise BackendError(f"expected an address after '{name}:', as in {_EXAMPLES[name]}")
        return cls(name, address or None)
