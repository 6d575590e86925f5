"""Finds the packs that the arguments of a command name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from archlint.contracts.rulefile.pack_location import FILE, PackNotFoundError, files_in, installed
from archlint.contracts.rulefile.pack_reader import Pack, read_pack
from archlint.errors import Location, Mistake, RuleFileError


def find_packs(words: Sequence[str]) -> tuple[list[Pack], list[Mistake | str]]:
    """The packs, and the errors of those that cannot be read.

    A word is owner/name, an owner for all packs of that owner, a pack file, or a folder with one
    or several packs. Without words: all packs of installed packages.
    """
    packs: list[Pack] = []
    errors: list[Mistake | str] = []
    for word in chain.from_iterable(map(_each, words or installed())):
        try:
            packs.append(read_pack(word, Path()))
        except PackNotFoundError as e:
            errors.append(str(e))
        except RuleFileError as e:
            errors += e.mistakes
        except OSError as e:
            errors.append(Mistake(Location(word, 1), f"cannot be read: {e.strerror}"))
    return packs, list(dict.fromkeys(errors))


def _each(word: str) -> list[str]:
    """The packs of a word, as words that name one pack each."""
    folder = Path(word)
    if word in installed():
        return [f"{word}/{name}" for name in files_in(installed()[word])]
    if folder.is_dir():
        if (folder / FILE).is_file():
            return [_path(folder / FILE)]
        return [_path(file) for file in files_in((folder,)).values()] or [f"./{word}"]
    return [_path(folder)] if folder.is_file() else [word]


def _path(path: Path) -> str:
    """The path in a form that cannot be read as owner/name."""
    return str(path) if path.is_absolute() else f"./{path}"
