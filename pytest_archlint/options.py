"""The settings of a session, from the command line, the ini file and ``[tool.archlint]``."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

import pytest

RULE_FILES = ("archlint.yaml", "*.archlint.yaml")
"""Collected wherever pytest looks for tests."""


@dataclass(frozen=True)
class Settings:
    """How contracts are checked in this session. ``files``: the configured rule files."""

    on: bool = True
    files: frozenset[Path] = frozenset()
    samples: int | None = None
    strict: bool = False
    locked: bool = False
    update_lock: bool = False
    select: tuple[str, ...] = ()
    json: Path | None = None

    @classmethod
    def of(cls, config: pytest.Config) -> Settings:
        """Read the settings of a session. Raises ``pytest.UsageError``."""
        option = config.getoption
        on = option("archlint")
        on = config.getini("archlint") if on is None else on
        if not on:
            return cls(on=False)
        samples = option("archlint_samples")
        words = config.getini("archlint_samples")
        if samples is None and words:
            if not words.isdecimal():
                raise pytest.UsageError(
                    f"archlint_samples: found {words!r}; expected a number of samples"
                )
            samples = int(words)
        update = bool(option("archlint_update_lock"))
        if update and option("numprocesses", None):
            raise pytest.UsageError("--archlint-update-lock writes one file: run it without -n")
        json = option("archlint_json") or config.getini("archlint_json")
        return cls(
            files=frozenset(_configured(config)),
            samples=samples,
            strict=bool(option("archlint_strict") or config.getini("archlint_strict")),
            locked=bool(update or option("archlint_locked") or config.getini("archlint_locked")),
            update_lock=update,
            select=tuple(option("archlint_select") or config.getini("archlint_select")),
            json=config.invocation_params.dir / json if json else None,
        )

    def is_rule_file(self, path: Path) -> bool:
        """Whether a file is a rule file, by its name or because it is configured."""
        if not self.on:
            return False
        default = path.name == RULE_FILES[0] or path.name.endswith(RULE_FILES[1][1:])
        return default or (bool(self.files) and path.resolve() in self.files)

    def header(self) -> str:
        """The line of pytest's header."""
        if not self.on:
            return "archlint: off"
        parts = ["rule files " + ", ".join(RULE_FILES)]
        if self.files:
            parts[0] += f" and {len(self.files)} configured"
        if self.select:
            parts.append("only " + ", ".join(self.select))
        if self.samples is not None:
            parts.append(f"samples: {self.samples}")
        if self.strict:
            parts.append("strict")
        if self.locked:
            parts.append("locked")
        return "archlint: " + "; ".join(parts)


SETTINGS = pytest.StashKey[Settings]()


def project_of(file: Path, config: pytest.Config) -> Path:
    """The root of the project that a rule file belongs to."""
    from archlint.contracts.settings import project_root

    root = project_root(file.parent)
    if (root / "pyproject.toml").is_file():
        return root
    top = config.rootpath
    return top if file.is_relative_to(top) else root


def _configured(config: pytest.Config) -> list[Path]:
    """The rule files in the ini option and in ``[tool.archlint]``."""
    places = [(Path(p), "archlint_rules") for p in config.getini("archlint_rules")]
    places += [(p, "[tool.archlint] paths") for p in _tool_paths(config)]
    rules: list[Path] = []
    for place, origin in places:
        if place.is_dir():
            from archlint.contracts.settings import rule_files

            files = rule_files([str(place)])
        else:
            files = [Path(p) for p in sorted(glob.glob(str(place), recursive=True))]
            files = [f for f in files if f.is_file()]
        if not files:
            raise pytest.UsageError(f"{origin}: there is no rule file {place}")
        rules += [file.resolve() for file in files]
    return rules


def _tool_paths(config: pytest.Config) -> list[Path]:
    """``paths`` of ``[tool.archlint]`` in the pyproject.toml of the session."""
    folders = [config.rootpath, config.invocation_params.dir]
    if config.inipath is not None:
        folders.insert(0, config.inipath.parent)
    for folder in dict.fromkeys(folders):
        file = folder / "pyproject.toml"
        if file.is_file() and b"archlint" in file.read_bytes():
            from archlint.contracts.settings import SettingsError, configured_paths

            try:
                paths = configured_paths(file)
            except SettingsError as e:
                raise pytest.UsageError(str(e)) from None
            if paths:
                return [folder / path for path in paths]
    return []
