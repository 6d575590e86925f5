"""Broken models that need one height or one length of their input, whatever its other sizes are."""

from __future__ import annotations

from tests.support.fix_models.case import Case

RESIZED = [
    Case("line of text", """\
class Net(nn.Module):
    def __init__(self, height=16, classes=5):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=(2, 1), padding=1)
        self.rnn = nn.GRU(4 * (height // 2), 6, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(12, classes)

    def forward(self, x):
        x = self.conv(x)
        x = x.permute(0, 3, 1, 2).flatten(2)
        return self.fc(self.rnn(x)[0])
""", "N 1 H W", "any H >= 8 and W >= 1", "resize the input to 16 x W", "N W 5"),
    Case("table of frames", """\
class Net(nn.Module):
    def __init__(self, frames=12):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3, padding=1)
        self.frames = nn.Parameter(torch.randn(1, frames, 4))
        self.fc = nn.Linear(4, 2)

    def forward(self, clip):
        x = self.conv(clip).mean(dim=(3, 4)).transpose(1, 2)
        x = x + self.frames
        return self.fc(x.mean(1))
""", "N 3 T H W", "any T, H, W >= 1", "resize the input to 12 x H x W", "N 2"),
    Case("spectrogram of a fixed number of bands", """\
class Net(nn.Module):
    def __init__(self, bands=8):
        super().__init__()
        self.mix = nn.Linear(bands, 6)

    def forward(self, spectrogram):
        x = spectrogram.mean(1).transpose(1, 2)
        return self.mix(x).amax(1)
""", "N 2 F T", "any F, T >= 1", "resize the input to 8 x T", "N 6"),
]  # fmt: skip
