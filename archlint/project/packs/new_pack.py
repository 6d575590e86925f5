"""The files of a new pack: a contract, parameters, a passing and a failing model."""

from __future__ import annotations

_PACK = """\
archlint: 1
pack: {name}
about: >-
  Describe in one paragraph which models this pack is for, and why its contracts matter.

parameters:
  classes: {{about: the number of classes}}
  min: {{about: the smallest side that must be accepted, default: 32}}

contracts:
  - id: any-size
    why: describe what goes wrong if a model violates the contract
    input: N 3 H W
    accepts: any N >= 1 and H, W >= {{min}}
    output: N {{classes}}

# archlint rules test checks these models. Calculate the sizes by hand first.
examples:
  - keeps: models.py:Pooled
    with: {{classes: 10}}
  # 32 x 32 pixels become the 16 * 16 * 4 features that the layer has weights for; 32 x 33 more.
  - breaks: models.py:Flattened
    with: {{classes: 10}}
    at: {{N: 1, H: 32, W: 33}}
    layer: head
"""

_MODELS = '''\
"""Models that satisfy the contracts of the pack, and models that violate them."""

from torch import Tensor, nn


class Pooled(nn.Module):
    """Averages over the whole image before its head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.head = nn.Linear(4, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.conv(image).mean((2, 3)))


class Flattened(nn.Module):
    """Has a weight for each position of a 32 x 32 image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.head = nn.Linear(4 * 16 * 16, 10)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.conv(image).flatten(1))
'''


def files(name: str) -> dict[str, str]:
    """The names and texts of the files of a new pack."""
    return {"pack.yaml": _PACK.format(name=name), "models.py": _MODELS}
