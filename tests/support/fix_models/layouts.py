"""Classifiers with broken contracts, in layouts of modules and layers of real repositories.

Builders, blocks, helpers, layers in containers, and lines without care.
"""

from __future__ import annotations

from tests.support.fix_models.case import POOL_ANY, image

LAYOUTS = [
    image("width measured in the constructor", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())
        with torch.no_grad():
            n = self.features(torch.zeros(1, 3, 16, 16)).numel()
        self.head = nn.Sequential(nn.Linear(n, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, image):
        features = self.features(image)
        return self.head(features.flatten(start_dim=1))
""", accepts="any H, W >= 16"),
    image("heads in a module dict", """\
class Net(nn.Module):
    def __init__(self, tasks=("a", "b")):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.heads = nn.ModuleDict(
            {task: nn.Sequential(nn.Flatten(), nn.Linear(256, 2)) for task in tasks}
        )

    def forward(self, x):
        x = self.conv(x)
        return {name: head(x) for name, head in self.heads.items()}
""", output=""),
    image("builder of a list of tuples", """\
SPEC = [("conv", 3, 4), ("pool", 2), ("conv", 4, 4), ("flat",), ("fc", 64, 2)]


def build(spec):
    layers = []
    for kind, *args in spec:
        if kind == "conv":
            layers.append(nn.Conv2d(*args, kernel_size=3, padding=1))
        elif kind == "pool":
            layers.append(nn.MaxPool2d(*args))
        elif kind == "flat":
            layers.append(nn.Flatten())
        else:
            layers.append(nn.Linear(*args))
    return nn.Sequential(*layers)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = build(SPEC)

    def forward(self, x):
        return self.body(x)
""", POOL_ANY),
    image("class method constructor", """\
class Net(nn.Module):
    def __init__(self, features, head):
        super().__init__()
        self.features = features
        self.head = head

    @classmethod
    def small(cls):
        return cls(nn.Conv2d(3, 4, 3, padding=1), nn.Linear(256, 2))

    def forward(self, x):
        x = self.features(x)
        x = x.view(x.shape[0], x.shape[1] * x.shape[2] * x.shape[3])
        return self.head(x)


def make():
    return Net.small()
""", target="make"),
    image("stages with a residual block", """\
class Block(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or inplanes != planes * self.expansion:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        out = self.bn1(self.conv1(x))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super().__init__()
        self.in_planes = 4
        self.conv1 = nn.Conv2d(3, 4, kernel_size=3, stride=1, padding=1, bias=False)
        self.layer1 = self._make_layer(block, 4, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 8, num_blocks[1], stride=2)
        self.linear = nn.Linear(8 * block.expansion, num_classes)

    def _make_layer(self, block, planes, num_blocks, stride):
        layers = []
        for stride in [stride] + [1] * (num_blocks - 1):
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = self.layer2(self.layer1(F.relu(self.conv1(x))))
        out = F.avg_pool2d(out, 8)
        out = out.view(out.size(0), -1)
        out = self.linear(out)
        return out


def ResNet6():
    return ResNet(Block, [1, 1])
""", r"AdaptiveAvgPool2d\(1\) instead of `avg_pool2d`", target="ResNet6", output="N 10",
          accepts="any H, W >= 16"),
    image("average pool layer of a factory", """\
def conv_bn(i, o, s):
    return nn.Sequential(nn.Conv2d(i, o, 3, s, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(True))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(conv_bn(3, 4, 2), conv_bn(4, 8, 2), nn.AvgPool2d(7))
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        x = self.model(x)
        x = x.view(-1, 8)
        x = self.fc(x)
        return x
""", r"AdaptiveAvgPool2d\(1\) instead of `model.2`", accepts="any H, W >= 28"),
    image("static helper and super().forward", """\
class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    @staticmethod
    def flat(t):
        return t.contiguous().view(t.size()[0], -1)

    def forward(self, x):
        return self.flat(self.conv(x))


class Net(Backbone):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        return self.fc(super().forward(x))
"""),
    image("size unpacked, reshape of a product", """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        N, C, H, W = (x := self.conv(x)).size()
        return self.fc(torch.reshape(x, (N, C * H * W)))
"""),
    image("sum of two branches, one line class", """\
class A(nn.Module):
    def __init__(s): super().__init__(); s.c = nn.Conv2d(3, 4, 3, 1, 1); s.d = nn.Conv2d(3, 4, 1)
    def forward(s, x): return s.c(x) + s.d(x)
class Net(nn.Module):
    def __init__(s): super().__init__(); s.a = A(); s.f = nn.Linear(256, 2)
    def forward(s, x): return s.f(s.a(x).flatten(1))
"""),
    image("no blank lines, trailing spaces, comments", """\
#!/usr/bin/env python
class Net(nn.Module):   \n    # the net
    def __init__(self) :
        super().__init__()   \n        self.conv = nn.Conv2d(3, 4, 3, padding = 1)
        self.fc = nn.Linear( 256 , 2 )
    def forward( self , x ) :
        x = self.conv( x )   # features
        # flatten
        x = x.view( x.size( 0 ) , - 1 )   # to N x 256
        return self.fc( x )
# end"""),
]  # fmt: skip
