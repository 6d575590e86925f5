"""The packs that the words of a command line mean."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from archlint.contracts.rulefile.pack_location import FILE, PackNotFoundError, files_in, installed
from archlint.contracts.rulefile.pack_reader import Pack, read_pack
from archlint.errors import Location, Mistake, RuleFileError


def find(words: Sequence[str]) -> tuple[list[Pack], list[Mistake | str]]:
    """The packs, and what is wrong with those that could not be read.

    A word is owner/name, an owner for all packs of theirs, a pack file, or a folder with a pack
    or with packs. Without words: all packs of installed packages.
    """
    packs: list[Pack] = []
    wrong: list[Mistake | str] = []
    for word in chain.from_iterable(map(_each, words or installed())):
        try:
            packs.append(read_pack(word, Path()))
        except PackNotFoundError as error:
            wrong.append(str(error))
        except RuleFileError as error:
            wrong += error.mistakes
        except OSError as error:
            wrong.append(Mistake(Location(word, 1), f"cannot be read: {error.strerror}"))
    return packs, list(dict.fromkeys(wrong))


def _each(word: str) -> list[str]:
    """Each pack that a word means, in words that mean one."""
    folder = Path(word)
    if word in installed():
        return [f"{word}/{name}" for name in files_in(installed()[word])]
    if folder.is_dir():
        if (folder / FILE).is_file():
            return [_path(folder / FILE)]
        return [_path(file) for file in files_in((folder,)).values()] or [f"./{word}"]
    return [_path(folder)] if folder.is_file() else [word]


def _path(path: Path) -> str:
    """A path that cannot be taken for owner/name."""
    return str(path) if path.is_absolute() else f"./{path}"
