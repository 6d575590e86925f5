"""Modules whose methods call them other than ``self``, and features with their channels last."""

from __future__ import annotations

from tests.support.fix_models.case import Case

CHANNELS_LAST = " before the flatten of channels-last features"
POSITIONS = r"interpolate `\w+` to the size of the features"

RECEIVERS = [
    Case("recurrent net flattened over time", """\
class Net(nn.Module):
    def __init__(this, frames=10):
        super().__init__()
        this.rnn = nn.GRU(4, 6, batch_first=True)
        this.fc = nn.Linear(6 * frames, 2)

    def forward(this, x):
        y, _ = this.rnn(x)
        y = y.reshape(y.size(0), -1)
        return this.fc(y)
""", "N T 4", "any T >= 4", r"AdaptiveAvgPool1d\(10\)" + CHANNELS_LAST, "N 2"),
    Case("map of channels last, viewed", """\
class Net(nn.Module):
    def __init__(net):
        super().__init__()
        net.mix, net.fc = nn.Linear(3, 4), nn.Linear(256, 2)

    def forward(net, x):
        return net.fc((net.mix(x) + 1).view(len(x), -1))
""", "N H W 3", "any H, W >= 2", r"AdaptiveAvgPool2d\(\(8, 8\)\)" + CHANNELS_LAST, "N 2"),
    Case("table, another receiver", """\
class Net(nn.Module):
    def __init__(me, width=8):
        super().__init__()
        me.patch = nn.Conv2d(3, width, 4, 4)
        me.__map = nn.Parameter(torch.randn(1, width, 6, 6))

    def forward(me, x):
        x = me.patch(x)
        x = x + me.__map
        return x.flatten(2).mT
""", "N 3 H W", "any H, W >= 8", POSITIONS, "N (H//4)*(W//4) 8"),
    Case("tokens, another receiver", """\
class Net(nn.Module):
    def __init__(me, width=8):
        super().__init__()
        me.patch = nn.Conv2d(3, width, 4, 4)
        me.__pos = nn.Parameter(torch.randn(1, 36, width))

    def forward(me, x):
        x = me.patch(x).flatten(2).mT
        x = x + me.__pos
        return x.mean(1)
""", "N 3 H W", "any H, W >= 8", POSITIONS, "N 8"),
]  # fmt: skip
