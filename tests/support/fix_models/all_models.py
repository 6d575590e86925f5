"""Small models with contracts that are broken, and the fix that a maintainer would write for each.

They are written in many styles of source, because a fix is an edit of somebody's source.
"""

from __future__ import annotations

from tests.support.fix_models.case import PAD_2, SKIP, Case
from tests.support.fix_models.heads import HEADS, net
from tests.support.fix_models.idioms import IDIOMS
from tests.support.fix_models.layouts import LAYOUTS
from tests.support.fix_models.packages import PACKAGES
from tests.support.fix_models.receivers import RECEIVERS
from tests.support.fix_models.resized import RESIZED
from tests.support.fix_models.shapes import SHAPES
from tests.support.fix_models.shared import SHARED
from tests.support.fix_models.sources import OUTPUTS, SOURCES
from tests.support.fix_models.styles import STYLES
from tests.support.fix_models.tasks import TASKS

VIT = """\
class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        {init}
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        {forward}
        return self.norm(x).mean(1)
"""


def vit(name: str, init: str, forward: str, **more: object) -> Case:
    """A vision transformer without its blocks: tokens of 4 x 4 pixels, and a table for 6 x 6."""
    lines = ("\n" + 8 * " ").join
    source = VIT.format(init=lines(init.splitlines()), forward=lines(forward.splitlines()))
    return Case(name, source, "N 3 H W", "any H, W >= 8", r"interpolate `\w+` to the size of the "
                r"(features|image)", "N 8", **more)  # type: ignore[arg-type]  # fmt: skip


POSITIONS = [
    vit("table like a map", "self.pos = nn.Parameter(torch.zeros(1, width, 6, 6))",
        "x = self.patch(x)\nx = x + self.pos\nx = x.flatten(2).transpose(1, 2)"),
    vit("table added to a call", "self.pos = nn.Parameter(torch.zeros(1, width, 6, 6))",
        "x = self.patch(x) + self.pos\nx = x.flatten(2).mT", newline="\r\n"),
    vit("tokens", "self.pos_embed = nn.Parameter(torch.randn(1, 36, width))",
        "x = self.patch(x).flatten(2).transpose(1, 2)\nx = x + self.pos_embed"),
    vit("tokens in place", "self.pos_embed = nn.Parameter(torch.randn(1, 36, width))",
        "x = self.patch(x)\nx = x.flatten(2).transpose(1, 2)\nx += self.pos_embed", tabs=True),
    vit("class token", "self.cls = nn.Parameter(torch.zeros(1, 1, width))\n"
        "self.pos_embed = nn.Parameter(torch.randn(1, 37, width))",
        "x = self.patch(x).flatten(2).transpose(1, 2)\n"
        "x = torch.cat([self.cls.expand(x.size(0), -1, -1), x], dim=1)\nx = x + self.pos_embed"),
    vit("class token, table without a batch",
        "self.cls = nn.Parameter(torch.zeros(1, 1, width))\n"
        'self.register_buffer("positions", torch.randn(37, width))',
        "n = x.shape[0]\ntokens = self.patch(x).flatten(2).permute(0, 2, 1)\n"
        "tokens = torch.cat((self.cls.repeat(n, 1, 1), tokens), 1)\n"
        "x = self.positions + tokens"),
    Case("class token in a method", """\
class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 37, width))

    def embed(self, images):
        tokens = self.patch(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], 1)
        return tokens + self.pos_embed

    def forward(self, x):
        return self.embed(x)[:, 0]
""", "N 3 H W", "any H, W >= 8", "interpolate `pos_embed`", "N 8"),
    Case("embeddings module", """\
class Embeddings(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, 4, 4)
        self.pos = nn.Parameter(torch.randn(1, 36, width))

    def forward(self, pixels):
        h = self.proj(pixels)
        h = h.flatten(2).transpose(1, 2) + self.pos
        return h


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = Embeddings(8)
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc(self.embeddings(x).mean(1))
""", "N 3 H W", "any H, W >= 8", "interpolate `pos`", "N 2"),
    Case("steps", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 2, 2)
        self.register_buffer("steps", torch.randn(1, 4, 10))

    def forward(self, x):
        x = self.conv(x)
        return (self.steps + x).mean(2)
""", "N 2 L", "any L >= 20", "interpolate `steps`", "N 4"),
    Case("positions of words", """\
class Net(nn.Module):
    def __init__(self, vocabulary=50, width=8, longest=16):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(longest, width)

    def forward(self, ids):
        places = torch.arange(ids.shape[1])
        return self.words(ids) + self.positions(places)
""", "{ids: {shape: N T, dtype: int64, below: 50}}", "any T in 1..32", "narrow the contract",
         "N T 8"),
    Case("causal mask", """\
class Net(nn.Module):
    def __init__(self, longest=16):
        super().__init__()
        self.register_buffer("mask", torch.ones(longest, longest).tril().bool())

    def forward(self, x):
        t = x.shape[1]
        scores = x @ x.transpose(1, 2)
        scores = scores.masked_fill(~self.mask[:t, :t], float("-inf"))
        return scores.softmax(-1) @ x
""", "N T 8", "any T in 1..64", "narrow the contract", "N T 8"),
]  # fmt: skip

UNET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv{d}(3, 4, 3, padding=1)
        self.deep = nn.Conv{d}(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose{d}(4, 4, 2, stride=2)
        self.out = nn.Conv{d}(8, 3, 1)

    def forward(self, x):
        skip = self.down(x)
        x = self.deep(F.max_pool{d}(skip, 2))
        x = self.up(x)
        return self.out(torch.cat([x, skip], 1))
"""

DENSE = [
    Case("U-Net", UNET.format(d="2d"), "N 3 H W", "any H, W >= 2", SKIP, "N 3 H W"),
    Case("U-Net of sound", UNET.format(d="1d"), "N 3 L", "any L >= 2", SKIP, "N 3 L"),
    Case("U-Net of volumes", UNET.format(d="3d"), "N 3 D H W", "any D, H, W >= 2", SKIP,
         "N 3 D H W", newline="\r\n"),
    Case("U-Net of two levels", """\
def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU())


class Net(nn.Module):
    def __init__(self, widths=(3, 4, 8)):
        super().__init__()
        self.downs = nn.ModuleList(block(a, b) for a, b in zip(widths, widths[1:]))
        self.ups = nn.ModuleList(block(2 * b, a) for a, b in zip(widths[::-1][1:], widths[:0:-1]))

    def forward(self, x):
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        for up in self.ups:
            x = F.interpolate(x, scale_factor=2)
            x = up(torch.cat([x, skips.pop()], 1))
        return x
""", "N 3 H W", "any H, W >= 4", SKIP, "N 3 H W"),
    Case("feature pyramid", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 2, 1)
        self.deep = nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x):
        fine = self.stem(x)
        coarse = self.deep(fine)
        return fine + F.interpolate(coarse, scale_factor=2, mode="nearest")
""", "N 3 H W", "any H, W >= 2", "interpolate `?\\w*`? ?to the size of|pad the input to a multiple",
         tabs=True),
    Case("residual upsampling", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(1, 1, 2, stride=2)

    def forward(self, x):
        return x + self.up(F.max_pool2d(x, 2))
""", "N 1 H W", "any H, W >= 1", SKIP, "N 1 H W"),
    Case("encoder and decoder", """\
def make():
    return nn.Sequential(
        nn.Conv2d(3, 4, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(4, 3, 4, 2, 1),
    )
""", "N 3 H W", "any H, W >= 2", PAD_2, "N 3 H W", "make"),
    Case("super-resolution", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(12, 48, 3, padding=1)

    def forward(self, x):
        x = F.pixel_unshuffle(x, 2)
        return F.pixel_shuffle(self.body(x), 4)
""", "N 3 H W", "any H, W >= 2", PAD_2, "N 3 2*H 2*W"),
    Case("optical flow", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(6, 4, 4, 4)
        self.up = nn.ConvTranspose2d(4, 2, 4, 4)

    def forward(self, first, second):
        return self.up(self.down(torch.cat([first, second], 1)))
""", "{first: N 3 H W, second: N 3 H W}", "any H, W >= 4", "pad the inputs? to a multiple of 4",
         "N 2 H W"),
    Case("image and mask", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(16, 4, 1)

    def forward(self, image, mask):
        x = F.pixel_unshuffle(torch.cat([image, mask], 1), 2)
        return self.conv(x).mean((2, 3))
""", "{image: N 3 H W, mask: N 1 H W}", "any H, W >= 2", "pad the inputs? to a multiple of 2",
         "N 4"),
    Case("raw sound", """\
class Net(nn.Module):
    def __init__(self, hop=4):
        super().__init__()
        self.hop, self.fc = hop, nn.Linear(hop, 8)

    def forward(self, wave):
        frames = wave.view(wave.size(0), -1, self.hop)
        return self.fc(frames).mean(1)
""", "N T", "any T >= 1", r"pad the input to a multiple of 4", "N 8"),
    Case("windows", """\
class Net(nn.Module):
    def __init__(self, window=7):
        super().__init__()
        self.window, self.conv = window, nn.Conv2d(3, 4, 1)

    def forward(self, x):
        n, c, h, w = self.conv(x).shape
        s = self.window
        x = self.conv(x).view(n, c, h // s, s, w // s, s)
        return x.amax((3, 5)).mean((2, 3))
""", "N 3 H W", "any H, W >= 1", "pad the input to a multiple of 7", "N 4"),
    Case("time of video", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 2)

    def forward(self, clip):
        pairs = clip.unflatten(2, (-1, 2))
        return self.fc(pairs.mean((2, 4, 5)).flatten(1))
""", "N 3 T H W", "any T, H, W >= 1", "pad the input to a multiple of 2", "N 2"),
    Case("sequence in chunks", """\
class Net(nn.Module):
    def __init__(self, chunk=4):
        super().__init__()
        self.chunk, self.fc = chunk, nn.Linear(8, 8)

    def forward(self, x):
        n, t, c = x.shape
        return self.fc(x.reshape(n, t // self.chunk, self.chunk, c)).mean((1, 2))
""", "N T 8", "any T >= 1", "pad the input to a multiple of 4", "N 8"),
]  # fmt: skip

RECURRENT = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.{kind}(8, 16{more})
        self.fc = nn.Linear(16, 4)

    def forward(self, x{args}):
        {forward}
"""

LAYERS = [
    Case("pools", """\
def make():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )
""", "N 1 H W", "any H, W >= 1", r"ceil_mode=True in|pad the input to at least 4", "N 2", "make"),
    Case("pools of functions", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x):
        x = F.max_pool2d(self.conv(x), 2)
        x = F.avg_pool2d(x, kernel_size=2)
        return x.mean((2, 3))
""", "N 1 H W", "any H, W >= 1", r"ceil_mode=True in|pad the input to at least 4", "N 2"),
    Case("large window", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 7)
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        return self.fc(self.stem(x).mean(dim=(2, 3)))
""", "N 1 H W", "any H, W >= 3", r"padding=3 in `stem`|pad the input to at least 7", "N 3"),
    Case("batch_first of an LSTM", RECURRENT.format(
        kind="LSTM", more="", args="", forward="_, (h, _) = self.rnn(x)\n        "
        "return self.fc(h[-1])"), "N T 8", "any N, T >= 1", "batch_first=True in `rnn`", "N 4"),
    Case("batch_first of a GRU", RECURRENT.format(
        kind="GRU", more=", num_layers=2", args=", extra",
        forward="h = self.rnn(x)[1][-1]\n        return self.fc(h) + extra"),
        "{x: N T 8, extra: N 4}", "any N, T >= 1", "batch_first=True in `rnn`", "N 4",
        newline="\r\n"),
    Case("batch_first of attention", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2)

    def forward(self, x, padding):
        return self.attention(x, x, x, key_padding_mask=padding)[0]
""", "{x: N T 8, padding: {shape: N T, dtype: bool}}", "any N, T >= 1",
        "batch_first=True in `attention`", "N T 8"),
    Case("view of permuted memory", net(
        "y = self.conv(x).permute(0, 2, 3, 1)\nreturn y.view(y.size(0), -1)[:, :4]"),
        "N 3 H W", "any H, W >= 1", "reshape instead of view", "N 4"),
    Case("view of heads", """\
class Net(nn.Module):
    def __init__(self, width=8, heads=2):
        super().__init__()
        self.heads, self.qkv = heads, nn.Linear(width, 3 * width)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1)).softmax(-1)
        return (weights @ v).transpose(1, 2).view(n, t, c)
""", "N T 8", "any N, T >= 1", "reshape instead of view", "N T 8"),
    Case("argument of the class", """\
class Net(nn.Module):
    def __init__(self, dynamic_img_size=False):
        super().__init__()
        self.dynamic_img_size, self.conv = dynamic_img_size, nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        if not self.dynamic_img_size and x.shape[2:] != (8, 8):
            raise ValueError("expected 8 x 8")
        return self.conv(x).mean((2, 3))
""", "N 3 H W", "any H, W >= 1", "build the model with dynamic_img_size=True", "N 4"),
    Case("a size that is asserted", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        assert x.shape[2:] == (32, 32), f"expected 32 x 32, got {tuple(x.shape[2:])}"
        return self.conv(x).mean((2, 3))
""", "N 3 H W", "any H, W >= 8", "resize the input to 32 x 32", "N 4"),
    Case("perceptron", """\
def make():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 8), nn.ReLU(), nn.Linear(8, 2))
""", "N 3 H W", "any H, W >= 8",
         r"resize the input to 16 x 16|AdaptiveAvgPool2d\(\(16, 16\)\) before", "N 2", "make"),
]  # fmt: skip

ALL_HEADS = [*HEADS, *STYLES, *PACKAGES, *IDIOMS, *SHARED]
OTHERS = [
    *POSITIONS, *DENSE, *LAYERS, *LAYOUTS, *SHAPES, *SOURCES, *OUTPUTS, *TASKS, *RESIZED,
    *RECEIVERS,
]  # fmt: skip
CASES = [*ALL_HEADS, *OTHERS]
