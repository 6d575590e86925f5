"""Broken models of segmentation, sound, text, video and several inputs, in other styles."""

from __future__ import annotations

from tests.support.fix_models.case import PAD_2, POOL_ANY, SKIP, Case, image

TASKS = [
    Case("recursive skip blocks", """\
class SkipBlock(nn.Module):
    def __init__(self, outer, inner, submodule=None, outermost=False):
        super().__init__()
        self.outermost = outermost
        down = nn.Conv2d(outer, inner, kernel_size=4, stride=2, padding=1)
        up = nn.ConvTranspose2d(inner * (1 if submodule is None else 2), outer, 4, 2, 1)
        self.model = nn.Sequential(*[m for m in (down, nn.ReLU(), submodule, up) if m is not None])

    def forward(self, x):
        if self.outermost:
            return self.model(x)
        else:   # add skip connections
            return torch.cat([x, self.model(x)], 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        block = SkipBlock(4, 8)
        self.model = SkipBlock(3, 4, submodule=block, outermost=True)

    def forward(self, input):
        return self.model(input)
""", "N 3 H W", "any H, W >= 4", SKIP, "N 3 H W"),
    Case("skips on a stack, torch.concat", """\
class Net(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        for i in range(depth):
            setattr(self, f"down{i}", nn.Conv2d(3 if not i else 4, 4, 3, 2, 1))
            setattr(self, f"up{i}", nn.ConvTranspose2d(4, 4, 2, 2))
            setattr(self, f"mix{i}", nn.Conv2d(7 if not i else 8, 4, 1))
        self.depth = depth

    def forward(self, x):
        stack = []
        for i in range(self.depth):
            stack.append(x); x = getattr(self, f"down{i}")(x)
        for i in reversed(range(self.depth)):
            x = getattr(self, f"up{i}")(x)
            x = getattr(self, f"mix{i}")(torch.concat((x, stack.pop()), axis=1))
        return x
""", "N 3 H W", "any H, W >= 4", SKIP, "N 4 H W"),
    Case("sum of scales by torch.add", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.low = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 4, 1), nn.Upsample(scale_factor=2))
        self.high = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return torch.add(self.high(x), self.low(x))
""", "N 3 H W", "any H, W >= 2", SKIP, "N 4 H W", tabs=True),
    Case("gate multiplied, wrapped call", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.gate = nn.Sequential(
            nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        x = self.conv(x)
        return x * F.interpolate(
            self.gate(x),
            scale_factor=2,
            mode="nearest",
        )
""", "N 3 H W", "any H, W >= 2", SKIP, "N 4 H W"),
    Case("positions in a package's base class", "from vit import Net\n", "N 3 H W",
         "any H, W >= 8", "interpolate `pos_embedding`|resize the input to 24 x 24", "N 8",
         head="", files={
        "vit/__init__.py": "from .vit import Net\n",
        "vit/base.py": "import torch\nfrom torch import nn\n\n\n" """\
class Embedding(nn.Module):
    def __init__(self, dim, tokens):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embedding = nn.Parameter(torch.randn(1, tokens + 1, dim))

    def embed(self, x):
        n = x.shape[0]
        x = torch.cat((self.cls_token.expand(n, -1, -1), x), dim=1)
        return x + self.pos_embedding
""",
        "vit/vit.py": "from torch import nn\n\nfrom .base import Embedding\n\n\n" """\
class Net(Embedding):
    def __init__(self, dim=8):
        super().__init__(dim, 36)
        self.patch = nn.Conv2d(3, dim, 4, 4)

    def forward(self, x):
        x = self.patch(x)
        x = x.flatten(2).transpose(1, 2)
        x = self.embed(x)
        return x[:, 0]
"""}),
    Case("positions of an index buffer", """\
class Net(nn.Module):
    def __init__(self, vocab=20, dim=8, max_len=16):
        super().__init__()
        self.word, self.pos = nn.Embedding(vocab, dim), nn.Embedding(max_len, dim)
        self.register_buffer("position_ids", torch.arange(max_len).expand((1, -1)))

    def forward(self, input_ids):
        positions = self.position_ids[:, : input_ids.size(1)]
        return self.word(input_ids) + self.pos(positions)
""", "{input_ids: {shape: N T, dtype: int64, below: 20}}", "any T in 1..40",
         "narrow the contract", "N T 8"),
    Case("sinusoids, sequence first", """\
class PositionalEncoding(nn.Module):
    def __init__(self, d_model=8, max_len=24):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-2.0 / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer('pe', pe)

    def forward(self, x):
        x = x + self.pe[:x.size(0)]
        return x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pos = PositionalEncoding()
        self.fc = nn.Linear(8, 2)

    def forward(self, x): return self.fc(self.pos(x))
""", "T N 8", "any T >= 1", "narrow the contract|interpolate `pe`", "T N 2"),
    Case("window partition of a helper", """\
def window_partition(x, window_size: int):
    B, H, W, C = x.shape
    x = x.view(B, H // window_size, window_size, W // window_size, window_size, C)
    windows = x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, window_size, window_size, C)
    return windows


def window_reverse(windows, window_size: int, H: int, W: int):
    B = int(windows.shape[0] / (H * W / window_size / window_size))
    x = windows.view(B, H // window_size, W // window_size, window_size, window_size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(B, H, W, -1)


class Net(nn.Module):
    def __init__(self, window=4):
        super().__init__()
        self.window = window
        self.mix = nn.Linear(8, 8)

    def forward(self, x):
        x = x.permute(0, 2, 3, 1).contiguous()
        _, H, W, _ = x.shape
        w = self.mix(window_partition(x, self.window))
        return window_reverse(w, self.window, H, W).permute(0, 3, 1, 2)
""", "N 8 H W", "any H, W >= 4", "pad the input to a multiple of 4", "N 8 H W"),
    Case("pixel unshuffle", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(12, 12, 3, padding=1)

    def forward(self, x):
        x = F.pixel_unshuffle(x, downscale_factor=2)
        return F.pixel_shuffle(self.body(x), 2)
""", "N 3 H W", "any H, W >= 2", PAD_2, "N 3 H W"),
    Case("batch first of layers in a loop", """\
class Net(nn.Module):
    def __init__(self, layers=2):
        super().__init__()
        self.layers = layers
        for i in range(layers):
            setattr(self, f"rnn{i}", nn.LSTM(8, 8))
        self.h = nn.Linear(8, 3)

    def forward(self, x):
        for i in range(self.layers):
            state = (torch.zeros(1, x.size(0), 8), torch.zeros(1, x.size(0), 8))
            x, _ = getattr(self, f"rnn{i}")(x, state)
        return self.h(x[:, -1])
""", "N T 8", "any N, T >= 1", "batch_first=True", "N 3"),
    Case("batch first of an encoder layer", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.mask = nn.Buffer(torch.zeros(1)) if hasattr(nn, "Buffer") else None
        layer = nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=8)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)

    def forward(self, x):
        t = x.size(1)
        mask = torch.triu(torch.full((t, t), float("-inf")), diagonal=1)
        return self.encoder(x, mask)
""", "N T 8", "any N, T >= 1", "batch_first=True", "N T 8"),
    image("LeNet of the tutorial in a factory", """\
def make(**kw):
    class LeNet(nn.Module):
        def __init__(self, classes=2):
            super(LeNet, self).__init__()
            self.conv1 = nn.Conv2d(3, 6, 5)
            self.pool = nn.MaxPool2d(2, 2)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.fc1 = nn.Linear(16 * 5 * 5, classes)

        def forward(self, x):
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = torch.flatten(x, 1) # flatten all dimensions except batch
            return self.fc1(x)
    return LeNet(**kw)
""", r"AdaptiveAvgPool2d\(\(5, 5\)\) before the flatten", target="make",
          accepts="any H, W >= 32"),
    Case("autoencoder by a loop", """\
class Net(nn.Module):
    def __init__(self, widths=(3, 4, 8)):
        super().__init__()
        pairs = list(zip(widths[:-1], widths[1:]))
        self.encoder = nn.Sequential(*[nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in pairs])
        self.decoder = nn.Sequential(*[
            nn.ConvTranspose2d(o, i, 3, stride=2, padding=1, output_padding=1)
            for i, o in reversed(pairs)])

    def forward(self, x):
        return self.decoder(self.encoder(x))
""", "N 3 H W", "any H, W >= 4", "pad the input to a multiple of 4", "N 3 H W"),
    Case("kernels larger than the input", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Conv2d(4, 4, 5))
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(self.features(x).mean(dim=[-2, -1]))
""", "N 1 H W", "any H, W >= 5", r"pad(ding)?.*|narrow the contract", "N 2"),
    Case("valid convolutions of sound", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv1d(1 if i == 0 else 4, 4, 3, dilation=2 ** i)
                                     for i in range(3)])

    def forward(self, x):
        for conv in self.layers:
            x = torch.tanh(conv(x))
        return x.mean(-1)
""", "N 1 T", "any T >= 8", r"pad(ding)?.*|narrow the contract", "N 4"),
    Case("two images and a mask", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(7, 8, 3, 2, 1)
        self.up = nn.ConvTranspose2d(8, 3, 2, 2)

    def forward(self, left, right, mask):
        x = torch.cat([left, right, mask], dim=1)
        y = self.up(torch.relu(self.down(x)))
        return y * mask + left * (1 - mask)
""", "{left: N 3 H W, right: N 3 H W, mask: N 1 H W}", "any H, W >= 2",
         f"{SKIP}|pad the inputs to a multiple of 2", "N 3 H W"),
    Case("speech enhancement", """\
class Net(nn.Module):
    def __init__(self, hop=4):
        super().__init__()
        self.enc = nn.Conv1d(1, 8, kernel_size=2 * hop, stride=hop, bias=False)
        self.mask = nn.Sequential(nn.Conv1d(8, 8, 1), nn.Sigmoid())
        self.dec = nn.ConvTranspose1d(8, 1, kernel_size=2 * hop, stride=hop, bias=False)

    def forward(self, wav):
        w = self.enc(wav.unsqueeze(1))
        return self.dec(w * self.mask(w)).squeeze(1)
""", "N T", "any T >= 8", "pad the input to a multiple of 4", "N T"),
    Case("frames of sound", """\
class Net(nn.Module):
    def __init__(self, frame=16):
        super().__init__()
        self.frame = frame
        self.fc = nn.Linear(frame, 4)

    def forward(self, x):
        n, t = x.shape
        frames = x.reshape(n, t // self.frame, self.frame)
        return self.fc(frames).mean(1)
""", "N T", "any T >= 16", "pad the input to a multiple of 16", "N 4"),
    Case("clips of a video", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, kernel_size=(3, 3, 3), padding=1)
        self.pool = nn.AvgPool3d((2, 4, 4))
        self.fc = nn.Linear(4 * 4 * 4 * 4, 5)

    def forward(self, clips):
        x = self.pool(self.conv(clips))
        x = x.view(x.size()[0], -1)
        return self.fc(x)
""", "N 3 T H W", "any T, H, W >= 8", r"AdaptiveAvgPool3d\(\(4, 4, 4\)\) before the flatten",
         "N 5"),
    image("average pool of a keyword, squeezed", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.avgpool = nn.AvgPool2d(kernel_size=8)
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        x = self.avgpool(self.conv(x))
        x = x.reshape(x.shape[0], -1)
        return self.fc(x)
""", r"AdaptiveAvgPool2d\(1\) instead of `avgpool`|" + POOL_ANY),
    Case("layer norm of a map", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm([4, 8, 8])

    def forward(self, x):
        return self.norm(self.conv(x)).mean((2, 3))
""", "N 3 H W", "any H, W >= 8", "resize the input to 16 x 16", "N 4"),
    Case("view with a written batch", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4 * 8 * 8, 2)

    def forward(self, x):
        x = self.conv(x)
        x = x.view(1, -1)
        return self.fc(x)
""", "N 3 H W", "any N >= 1 and H == 8 and W == 8",
         r".*before the flatten|narrow the contract|`x.view.*", "N 2", diff=False),
    Case("two resolutions of one image", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fast = nn.Conv2d(3, 4, 3, padding=1)
        self.slow = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.head = nn.Linear(4 * 64 + 4 * 16, 2)

    def forward(self, x):
        a, b = self.fast(x), self.slow(x)
        return self.head(torch.cat([a.flatten(1), b.flatten(1)], dim=-1))
""", "N 3 H W", "any H, W >= 8",
         r"AdaptiveAvgPool2d\(\(8, 8\)\), AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten", "N 2"),
    Case("images of two sizes", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
        self.fc = nn.Linear(2 * 4 * 16, 3)

    def forward(self, template, search):
        parts = []
        for image in (template, search):
            z = self.trunk(image)
            parts += [z.flatten(1)]
        return self.fc(torch.cat(parts, 1))
""", "{template: N 1 H W, search: N 1 K L}", "any H, W, K, L >= 4",
         r"AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten", "N 3"),
]  # fmt: skip
