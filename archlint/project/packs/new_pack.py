"""A pack to begin with: a contract, parameters, a model that keeps it and one that breaks it."""

from __future__ import annotations

_PACK = """\
archlint: 1
pack: {name}
about: >-
  Say in one paragraph for which models this is, and why the promise matters.

parameters:
  classes: {{about: the number of classes}}
  min: {{about: the smallest side that is promised, default: 32}}

contracts:
  - id: any-size
    why: say what goes wrong where the promise is broken
    input: N 3 H W
    accepts: any N >= 1 and H, W >= {{min}}
    output: N {{classes}}

# archlint rules test runs these models. Work the sizes out by hand before you write them down.
examples:
  - keeps: models.py:Pooled
    with: {{classes: 10}}
  # 32 x 32 pixels give the 16 * 16 * 4 features that the layer has weights for; 32 x 33 give more.
  - breaks: models.py:Flattened
    with: {{classes: 10}}
    at: {{N: 1, H: 32, W: 33}}
    layer: head
"""

_MODELS = '''\
"""Models that keep the contracts of the pack, and models that break them."""

from torch import Tensor, nn


class Pooled(nn.Module):
    """Pools over the whole image before its head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.head = nn.Linear(4, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.conv(image).mean((2, 3)))


class Flattened(nn.Module):
    """Has a weight for each place of an image of 32 x 32."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.head = nn.Linear(4 * 16 * 16, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.conv(image).flatten(1))
'''


def files(name: str) -> dict[str, str]:
    """The files of a new pack, each with its text."""
    return {"pack.yaml": _PACK.format(name=name), "models.py": _MODELS}
