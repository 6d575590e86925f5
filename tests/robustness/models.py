"""Models that misbehave, each in its own way, and one that does not."""

import os
import random
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def good():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class RaisesWhenBuilt(nn.Module):
    def __init__(self):
        super().__init__()
        raise ValueError("no classes given")


def not_a_module():
    return {"weights": [1, 2, 3]}


class Prints(nn.Module):
    def __init__(self):
        super().__init__()
        print("built \x1b[31mred\x1b[0m")

    def forward(self, x):
        print("forward", x.shape)
        sys.stderr.write("to stderr\n")
        os.write(1, b"to the file descriptor\n")
        return x


class ExitsWhenBuilt(nn.Module):
    def __init__(self):
        super().__init__()
        sys.exit(0)


class ExitsWhenRun(nn.Module):
    def forward(self, x):
        sys.exit("no more")


class Loops(nn.Module):
    def forward(self, x):
        while True:
            pass


class LoopsWhenBuilt(nn.Module):
    def __init__(self):
        super().__init__()
        while True:
            time.sleep(0.01)


class LoopsUnstoppably(nn.Module):
    """Catches all that is thrown at it."""

    def forward(self, x):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                continue


class NeedsGpu(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3).cuda()

    def forward(self, x):
        return self.conv(x.cuda())


class NeedsGpuWhenRun(nn.Module):
    def forward(self, x):
        return x.cuda() + torch.ones(1, device="cuda")


class ReturnsText(nn.Module):
    def forward(self, x):
        return f"an image of {x.shape[2]} rows"


class ReturnsNothing(nn.Module):
    def forward(self, x):
        x.relu()


class DependsOnValues(nn.Module):
    def forward(self, x):
        return x[x > 0][0]


class BranchesOnValues(nn.Module):
    def forward(self, x):
        return x / 255 if x.max().item() > 1 else x


class ShrinksItsWindow(nn.Module):
    """A small input shrinks the window, for good: all that follow are padded to less."""

    def __init__(self):
        super().__init__()
        self.window = 8

    def forward(self, x):
        self.window = min(self.window, x.shape[-1])
        return F.avg_pool2d(x, self.window)


class CountsItsCalls(nn.Module):
    """Breaks at the third call, if it is the same model as in the first two."""

    def __init__(self):
        super().__init__()
        self.calls = 0
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        self.seen += 1
        if self.calls > 2:
            raise RuntimeError("called once too often")
        return x


def scripted():
    return torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))


class Dies(nn.Module):
    def forward(self, x):
        os._exit(7)


class ChangesTheWorld(nn.Module):
    """Default dtype, seeds, grad mode, threads, paths: nothing that others could notice is safe."""

    def forward(self, x):
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(random.randrange(1000))
        torch.set_grad_enabled(True)
        torch.set_num_threads(1)
        sys.path.clear()
        os.environ.clear()
        os.chdir("/")
        return x


class ForgetsSuper(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(3, 4, 3)


class TakesMore(nn.Module):
    def forward(self, image, mask):
        return image * mask


class RecursesForever(nn.Module):
    def forward(self, x):
        return self.forward(x)


class WantsMuchMemory(nn.Module):
    def forward(self, x):
        return torch.zeros(1 << 50) + x.sum()
