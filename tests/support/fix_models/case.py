"""A small model with a contract that is broken, and the fix that a maintainer would write."""

from __future__ import annotations

from dataclasses import dataclass, field

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n\n"
POOL = r"AdaptiveAvgPool2d\(\(8, 8\)\) before the flatten"
POOL_ANY = r"AdaptiveAvgPool2d\(.*\) before the flatten"
PAD_2 = r"pad the input to a multiple of 2"
SKIP = r"pad the input to a multiple of [24]$|interpolate `?\w*`? ?to the size of"


@dataclass(frozen=True)
class Case:
    """A project of one file with a broken contract.

    ``first``: a regular expression for the title of the first fix that should be offered; ``diff``:
    whether it should come with a diff or code to add. ``others``: contracts of the same file that
    hold, as target, input and condition. ``files``: more files by name.
    """

    name: str
    source: str
    input: str
    accepts: str
    first: str
    output: str = ""
    target: str = "Net"
    kwargs: str = ""
    others: tuple[tuple[str, str, str], ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    head: str = HEAD
    newline: str = "\n"
    tabs: bool = False
    encoding: str = "utf-8"
    diff: bool = True

    def text(self) -> str:
        """All files of the case, one after the other."""
        texts = [self.head + self.source, *self.files.values()]
        return "".join(self.content(t).decode(self.encoding) for t in texts)

    def content(self, text: str | None = None) -> bytes:
        """The bytes of the file, or of another one, in the style of the case."""
        whole = self.head + self.source if text is None else text
        if self.tabs:
            whole = whole.replace("    ", "\t")
        return whole.replace("\n", self.newline).encode(self.encoding)


def image(name: str, source: str, first: str = POOL, **more: object) -> Case:
    """A classifier of images with 4 channels of 8 x 8 features."""
    size = {"input": "N 3 H W", "accepts": "any H, W >= 8", "output": "N 2"} | more
    return Case(name, source, first=first, **size)  # type: ignore[arg-type]
