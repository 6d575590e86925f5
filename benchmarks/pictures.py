"""The pictures of README and docs, drawn by the product.

``python -m benchmarks.pictures`` writes docs/maps.svg; a test compares it with a new drawing. Where
playwright and a Chromium are installed, it also takes the screenshots of the page.
"""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.nn import functional as F

import archlint
from archlint.contracts.size_map import size_map
from archlint.contracts.size_map_svg import MARGIN, SIDE, svg
from archlint.report.page.model_page import explain_page

FILE = Path(__file__).parents[1] / "docs" / "maps.svg"
STEP = SIDE + MARGIN + 24


class FlattenHead(nn.Module):
    """Five halvings and a dense head, as VGG before it pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3 if i == 0 else 8, 8, 3, 1, 1) for i in range(5)])
        self.head = nn.Linear(8 * 7 * 7, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.head(x.flatten(1))


class UNet(nn.Module):
    """Four halvings, and skips that must fit."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3 if i == 0 else 8, 8, 3, 1, 1) for i in range(4)])
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(8 if i == 0 else 16, 8, 2, 2) for i in range(4)]
        )
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for conv in self.down:
            x = F.relu(conv(x))
            skips.append(x)
            x = F.max_pool2d(x, 2)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = torch.cat([up(x), skip], 1)
        return self.out(x)


MODELS = {
    "a dense head behind VGG features": FlattenHead,
    "a U-Net": UNet,
    "Swin": "torchvision:swin_t",
}


def picture() -> str:
    """The maps of all models side by side, as one SVG."""
    parts = []
    for index, (name, model) in enumerate(MODELS.items()):
        accepted = archlint.infer(model if isinstance(model, str) else model(), "N 3 H W").entry()
        drawn = size_map(accepted)
        assert drawn is not None
        one = re.sub(
            r' width="\d+"', f' x="{index * STEP}" y="24" width="{STEP - 16}"', svg(drawn), count=1
        )
        place = index * STEP + MARGIN
        label = f"{name}: {accepted.accepts}" if len(accepted.accepts) < 40 else name
        parts.append(f'<text x="{place}" y="16" font-size="12">{label}</text>{one}')
    size = f'viewBox="0 0 {len(MODELS) * STEP} {SIDE + MARGIN + 40}"'
    style = 'fill="#777" color="#777" font-family="system-ui, sans-serif"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{"".join(parts)}</svg>\n'


def screenshots(browser: str) -> None:
    """docs/page.png and docs/page-narrow.png: why the U-Net refuses 40x48."""
    from playwright.sync_api import sync_playwright

    explanation = archlint.explain(UNet().eval(), "N 3 H W", at="40x48")
    with TemporaryDirectory() as folder, sync_playwright() as started:
        file = Path(folder) / "page.html"
        file.write_text(explain_page(explanation), encoding="utf-8")
        chromium = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, scheme, width, height in (
            ("page", "light", 1000, 1500), ("page-narrow", "dark", 400, 1500)
        ):  # fmt: skip
            size = {"width": width, "height": height}
            page = chromium.new_page(color_scheme=scheme, viewport=size)
            page.goto(file.as_uri())
            page.screenshot(path=FILE.with_name(f"{name}.png"))
        chromium.close()


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium and find_spec("playwright"):
        screenshots(chromium)
