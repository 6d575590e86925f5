"""Models of images, sound, text and video with broken contracts: other kinds of fixes."""

from __future__ import annotations

from tests.support.fix_models.case import SKIP, Case

SHAPES = [
    Case("speech commands", """\
class M5(nn.Module):
    def __init__(self, n_input=1, n_output=5, stride=4, n_channel=4):
        super().__init__()
        self.conv1 = nn.Conv1d(n_input, n_channel, kernel_size=20, stride=stride)
        self.pool1 = nn.MaxPool1d(4)
        self.fc1 = nn.Linear(n_channel * 15, n_output)

    def forward(self, x):
        x = self.pool1(F.relu(self.conv1(x)))
        x = x.flatten(1)
        return F.log_softmax(self.fc1(x), dim=1)
""", "N 1 L", "any L >= 256", r"AdaptiveAvgPool1d\(15\) before the flatten", "N 5", "M5"),
    Case("EEG", """\
class EEGNet(nn.Module):
    def __init__(self, channels=8, samples=64):
        super().__init__()
        self.temporal = nn.Conv2d(1, 4, (1, 15), padding=(0, 7))
        self.spatial = nn.Conv2d(4, 4, (channels, 1), groups=4)
        self.pool = nn.AvgPool2d((1, 4))
        self.fc = nn.Linear(4 * (samples // 4), 2)

    def forward(self, x):
        x = self.temporal(x.unsqueeze(1))
        x = self.pool(F.elu(self.spatial(x)))
        return self.fc(x.view(x.size(0), -1))
""", "N 8 T", "any T >= 64", r"AdaptiveAvgPool2d\(\(1, 16\)\) before the flatten", "N 2", "EEGNet"),
    Case("text CNN with several windows", """\
class TextCNN(nn.Module):
    def __init__(self, vocabulary=30, width=8, windows=(3, 4, 5)):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.convs = nn.ModuleList([nn.Conv1d(width, 4, k) for k in windows])
        self.fc = nn.Linear(4 * len(windows), 2)

    def forward(self, ids):
        x = self.embed(ids).transpose(1, 2)
        x = [F.relu(conv(x)).amax(2) for conv in self.convs]
        return self.fc(torch.cat(x, 1))
""", "{ids: {shape: N T, dtype: int64, below: 30}}", "any T >= 1",
         r"padding=\d|narrow the contract", "N 2", "TextCNN"),
    Case("U-Net of three levels, ModuleList and zip", """\
class Block(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, chs=(3, 4, 8, 16)):
        super().__init__()
        self.encoder = nn.ModuleList(Block(i, o) for i, o in zip(chs, chs[1:]))
        self.pool = nn.MaxPool2d(2)
        up = chs[:0:-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in zip(up, up[1:]))
        self.decoder = nn.ModuleList(Block(i, o) for i, o in zip(up, up[1:]))
        self.head = nn.Conv2d(chs[1], 1, 1)

    def forward(self, x):
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = skips[-1]
        for up, block, skip in zip(self.ups, self.decoder, skips[-2::-1]):
            x = up(x)
            x = torch.cat([skip, x], dim=1)
            x = block(x)
        return self.head(x)
""", "N 3 H W", "any H, W >= 8", SKIP + "|interpolate to the size of each skip", "N 1 H W", "UNet"),
    Case("U-Net of methods, keyword dim", """\
def conv3(i, o):
    return nn.Conv2d(i, o, kernel_size=3, padding=1)


class Up(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.conv = conv3(i, o)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        x = torch.cat(tensors=[x2, x1], dim=1)
        return self.conv(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inc = conv3(3, 4)
        self.down1, self.down2 = conv3(4, 8), conv3(8, 8)
        self.up1, self.up2 = Up(16, 4), Up(8, 4)
        self.outc = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(F.max_pool2d(x1, 2))
        x3 = self.down2(F.max_pool2d(x2, 2))
        x = self.up1(x3, x2)
        x = self.up2(x, x1)
        return self.outc(x)
""", "N 3 H W", "any H, W >= 4", SKIP, "N 2 H W"),
    Case("link net, sums of skips", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.e1, self.e2 = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)
        self.d2 = nn.ConvTranspose2d(4, 4, 3, 2, 1, output_padding=1)
        self.d1 = nn.ConvTranspose2d(4, 2, 3, 2, 1, output_padding=1)

    def forward(self, x):
        e1 = F.relu(self.e1(x))
        e2 = F.relu(self.e2(e1))
        d2 = self.d2(e2) + e1
        return self.d1(d2)
""", "N 3 H W", "any H, W >= 2", SKIP, "N 2 H W"),
    Case("autoencoder of sound", """\
class Demucs(nn.Module):
    def __init__(self, channels=4, kernel=8, stride=4):
        super().__init__()
        self.encoder = nn.Conv1d(2, channels, kernel, stride)
        self.decoder = nn.ConvTranspose1d(channels, 2, kernel, stride)

    def forward(self, mix):
        return self.decoder(F.relu(self.encoder(mix)))
""", "N 2 T", "any T >= 8", "pad the input to a multiple of 4", "N 2 T", "Demucs"),
    Case("ViT with dropout and blocks", """\
class PatchEmbed(nn.Module):
    def __init__(self, img_size=24, patch_size=4, in_chans=3, embed_dim=8):
        super().__init__()
        self.num_patches = (img_size // patch_size) ** 2
        self.proj = nn.Conv2d(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, x):
        x = self.proj(x)
        x = x.flatten(2).transpose(1, 2)
        return x


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, 2, batch_first=True)

    def forward(self, x):
        y = self.norm(x)
        return x + self.attn(y, y, y, need_weights=False)[0]


class VisionTransformer(nn.Module):
    def __init__(self, embed_dim=8, depth=2, num_classes=5):
        super().__init__()
        self.patch_embed = PatchEmbed(embed_dim=embed_dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.randn(1, self.patch_embed.num_patches + 1, embed_dim))
        self.pos_drop = nn.Dropout(p=0.1)
        self.blocks = nn.Sequential(*[Block(embed_dim) for _ in range(depth)])
        self.norm = nn.LayerNorm(embed_dim)
        self.head = nn.Linear(embed_dim, num_classes)

    def forward_features(self, x):
        B = x.shape[0]
        x = self.patch_embed(x)
        cls_tokens = self.cls_token.expand(B, -1, -1)
        x = torch.cat((cls_tokens, x), dim=1)
        x = self.pos_drop(x + self.pos_embed)
        x = self.blocks(x)
        return self.norm(x)[:, 0]

    def forward(self, x):
        return self.head(self.forward_features(x))
""", "N 3 H W", "any H, W >= 8", "interpolate `pos_embed` to the size of", "N 5",
         "VisionTransformer"),
    Case("positions of rows and columns", """\
class Net(nn.Module):
    def __init__(self, width=8, side=8):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 4, 4)
        self.row = nn.Parameter(torch.randn(1, width, side, 1))
        self.column = nn.Parameter(torch.randn(1, width, 1, side))

    def forward(self, x):
        x = self.conv(x)
        x = x + self.row + self.column
        return x.mean((2, 3))
""", "N 3 H W", "any H, W >= 8", "interpolate `row`|resize the input to 32 x 32", "N 8"),
    Case("positions sliced to the length", """\
class GPT(nn.Module):
    def __init__(self, vocab=20, block_size=16, n_embd=8):
        super().__init__()
        self.block_size = block_size
        self.wte = nn.Embedding(vocab, n_embd)
        self.wpe = nn.Parameter(torch.zeros(1, block_size, n_embd))
        self.head = nn.Linear(n_embd, vocab, bias=False)

    def forward(self, idx):
        b, t = idx.size()
        assert t <= self.block_size, f"length {t} is more than {self.block_size}"
        x = self.wte(idx) + self.wpe[:, :t]
        return self.head(x)
""", "{idx: {shape: N T, dtype: int64, below: 20}}", "any T in 1..64", "narrow the contract",
         "N T 20", "GPT"),
    Case("two images of one encoder, keyword arguments", """\
class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Linear(4 * 4 * 4, 8)

    def embed(self, image):
        z = self.encoder(image)
        z = z.view(z.size(0), -1)
        return F.normalize(self.fc(z), dim=-1)

    def forward(self, left, right):
        return (self.embed(image=left) - self.embed(image=right)).pow(2).sum(1)
""", "{left: N 1 H W, right: N 1 H W}", "any H, W >= 8",
         r"AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten", "N", "Siamese"),
    Case("image and numbers", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.fc = nn.Linear(4 * 4 * 4 + 5, 2)

    def forward(self, image, numbers):
        x = torch.relu(self.conv(image))
        return self.fc(torch.cat([x.flatten(1), numbers], dim=1))
""", "{image: N 3 H W, numbers: N 5}", "any H, W >= 8",
         r"AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten", "N 2"),
    Case("patches by einops-like reshape", """\
class MLPMixer(nn.Module):
    def __init__(self, patch=4, tokens=16, dim=8):
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(3 * patch * patch, dim)
        self.token_mix = nn.Linear(tokens, tokens)
        self.head = nn.Linear(dim, 2)

    def forward(self, x):
        b, c, h, w = x.shape
        p = self.patch
        x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)
        x = self.embed(x.reshape(b, (h // p) * (w // p), p * p * c))
        x = x + self.token_mix(x.transpose(1, 2)).transpose(1, 2)
        return self.head(x.mean(1))
""", "N 3 H W", "any H, W >= 4", "resize the input to 16 x 16", "N 2", "MLPMixer"),
    Case("bottleneck of an autoencoder", """\
class VAE(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.ReLU(), nn.Conv2d(4, 8, 4, 2, 1))
        self.mu = nn.Linear(8 * 4 * 4, latent)
        self.logvar = nn.Linear(8 * 4 * 4, latent)

    def forward(self, x):
        h = self.enc(x)
        h = h.view(h.size(0), -1)
        return self.mu(h), self.logvar(h)
""", "N 1 H W", "any H, W >= 16", r"AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten", "", "VAE"),
    Case("detection grid", """\
class YOLO(nn.Module):
    def __init__(self, S=4, B=1, C=3):
        super().__init__()
        self.S, self.out = S, B * 5 + C
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(4 * S * S, S * S * self.out))

    def forward(self, x):
        x = self.fc(self.conv(x))
        return x.reshape(-1, self.S, self.S, self.out)
""", "N 3 H W", "any H, W >= 8", r"AdaptiveAvgPool2d\(\(4, 4\)\) before the flatten", "N 4 4 8",
         "YOLO"),
    Case("recurrent net of a spectrogram", """\
class CRNN(nn.Module):
    def __init__(self, mels=16):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.rnn = nn.GRU(4 * mels, 8, batch_first=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = self.conv(x)
        n, c, f, t = x.shape
        x = x.permute(0, 3, 1, 2).reshape(n, t, c * f)
        x, _ = self.rnn(x)
        return self.fc(x[:, -1])
""", "N 1 F T", "any F, T >= 8", r"narrow the contract|resize the input", "N 3", "CRNN"),
    Case("attention with a fixed bias table", """\
class Net(nn.Module):
    def __init__(self, tokens=16, dim=8):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, 4, 4)
        self.bias = nn.Parameter(torch.zeros(tokens, tokens))

    def forward(self, x):
        x = self.proj(x).flatten(2).transpose(1, 2)
        a = x @ x.transpose(-2, -1) + self.bias
        return (a.softmax(-1) @ x).mean(1)
""", "N 3 H W", "any H, W >= 8", "resize the input to 16 x 16", "N 8"),
    Case("windows of a video", """\
class C3D(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3, padding=1)
        self.pool = nn.MaxPool3d(2)
        self.fc6 = nn.Linear(4 * 2 * 4 * 4, 6)

    def forward(self, x):
        h = self.pool(torch.relu(self.conv(x)))
        h = h.view(-1, 128)
        return self.fc6(h)
""", "N 3 T H W", "any T >= 4 and H, W >= 8",
         r"AdaptiveAvgPool3d\(\(2, 4, 4\)\) before the flatten", "N 6", "C3D"),
    Case("focal stem", """\
class Focus(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv = nn.Conv2d(4 * i, o, 1)

    def forward(self, x):
        return self.conv(torch.cat(
            [x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1))


def make():
    return nn.Sequential(Focus(3, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
""", "N 3 H W", "any H, W >= 2", "pad the input to a multiple of 2", "N 4", "make"),
    Case("patch merging", """\
class PatchMerging(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x):
        B, H, W, C = x.shape
        assert H % 2 == 0 and W % 2 == 0, f"x size ({H}*{W}) are not even."
        x0 = x[:, 0::2, 0::2, :]
        x1 = x[:, 1::2, 0::2, :]
        x2 = x[:, 0::2, 1::2, :]
        x3 = x[:, 1::2, 1::2, :]
        return self.reduction(torch.cat([x0, x1, x2, x3], -1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 4, 2, 2)
        self.merge = PatchMerging(4)

    def forward(self, x):
        x = self.embed(x).permute(0, 2, 3, 1)
        return self.merge(x).mean((1, 2))
""", "N 3 H W", "any H, W >= 4", "pad the input to a multiple of 4", "N 8"),
]  # fmt: skip
