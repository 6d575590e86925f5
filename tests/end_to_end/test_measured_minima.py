"""What was measured by running real models, decided again for all sizes at once.

The smallest accepted sizes are of square images, in evaluation mode, one image at a time. A
contract of ``only`` has both sides: no size below is accepted, none above is refused.
"""

import pytest
from torch import nn

import archlint

SMALLEST = {
    "alexnet": 63,
    "convnext_tiny": 32,
    "densenet121": 29,
    "efficientnet_b0": 1,
    "efficientnet_v2_s": 1,
    "googlenet": 15,
    "inception_v3": 75,
    "mnasnet0_5": 1,
    "mobilenet_v2": 1,
    "mobilenet_v3_small": 1,
    "regnet_x_400mf": 1,
    "resnet18": 1,
    "resnext50_32x4d": 1,
    "shufflenet_v2_x1_0": 1,
    "squeezenet1_0": 21,
    "squeezenet1_1": 17,
    "swin_t": 4,
    "swin_v2_t": 4,
    "vgg11": 32,
}


def word(*args, **kwargs):
    verdict = archlint.check(*args, samples=0, **kwargs)
    return verdict.word, verdict.counterexample or verdict.message


@pytest.mark.parametrize("name", SMALLEST)
def test_smallest_accepted_size(name):
    pytest.importorskip("torchvision")
    least = SMALLEST[name]
    said = word(f"torchvision:{name}", "1 3 S S", accepts=f"only S >= {least}", output="1 1000")
    assert said == ("proved", "")


@pytest.mark.parametrize("name", [n for n in SMALLEST if SMALLEST[n] > 1])
def test_one_less_is_refused(name):
    pytest.importorskip("torchvision")
    below = SMALLEST[name] - 1
    said = word(f"torchvision:{name}", "1 3 S S", accepts=f"any S >= {below}")
    assert said == ("broken", {"S": below})


def test_vision_transformer_takes_one_size():
    pytest.importorskip("torchvision")
    said = word("torchvision:vit_b_32", "1 3 S S", accepts="only S == 224", output="1 1000")
    assert said == ("proved", "")


def test_batch_norm_in_training_raises_the_minimum():
    pytest.importorskip("torchvision")
    said = word("torchvision:efficientnet_v2_s", "1 3 S S", accepts="only S >= 33", mode="train")
    assert said == ("proved", "")


@pytest.mark.parametrize(
    ("accepts", "output", "said"),
    [
        (
            "only H, W in 224..255 or H in 32..63 and W in 1568..1599"
            " or H in 1568..1599 and W in 32..63",
            "N 8",
            ("proved", ""),
        ),
        ("any H, W in 224..255", "N 8", ("proved", "")),
        ("any H in 32..63 and W in 1568..1599", "N 8", ("proved", "")),
        ("only H, W in 224..255", None, ("broken", {"N": 1, "H": 32, "W": 1568})),
        ("any H, W >= 32", None, ("broken", {"N": 1, "H": 32, "W": 32})),
    ],
)
def test_vgg_whose_flatten_feeds_a_linear_layer(accepts, output, said):
    layers, channels = [], 3
    for out in (4, 4, 4, 4, 512):
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = out
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(25088, 8))
    assert word(model, "N 3 H W", accepts=accepts, output=output) == said


class ViewsRows(nn.Module):
    """Takes 64 x 64 for 32 x 32 four times over."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.MaxPool2d(4))
        self.classifier = nn.Linear(1024, 10)

    def forward(self, x):
        return self.classifier(self.features(x).view(-1, 1024))


def test_a_view_that_makes_rows_of_its_own():
    clause = {"accepts": "any N >= 2 and H == 64 and W == 64", "output": "N 10"}
    verdict = archlint.check(ViewsRows(), "N 3 H W", **clause)
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 2, "H": 64, "W": 64})
    assert verdict.confirmed
    assert "the output is 8 10" in verdict.details["fails at"]


def test_conv_pool_conv_pool_flatten_linear():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip
    verdict = archlint.check(model, "N 3 H W", accepts="any N >= 1 and H, W >= 32", output="N 10")
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 32, "W": 36})
    assert verdict.confirmed
