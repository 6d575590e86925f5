"""The batch: preserved, or merged with other sizes on the way."""

import pytest

from tests.support import structure_models as models
from tests.support.structure_models import check


@pytest.mark.parametrize(
    "model",
    [
        models.Lambda(lambda x: x.mean((1, 2, 3))),
        models.Lambda(lambda x: [x, {"a": x[:, 0]}]),
        models.Lambda(lambda x: x.flatten(0, 1).reshape(x.shape)),  # merged, and parted again
        models.Lambda(lambda x: x.permute(1, 0, 2, 3).flip(1).transpose(0, 1)),
    ],
)
def test_batch_preserved(model):
    assert check(model, {"batch_preserved": True}).word == "proved"


@pytest.mark.parametrize(
    ("function", "point", "message"),
    [
        # One image out: right for one, wrong for two.
        (lambda x: x.mean(0, keepdim=True), {"N": 2, "H": 1, "W": 1},
         "the output is 1 3 H W, whose first size is not the batch N"),
        (lambda x: x.sum(), {"N": 1, "H": 1, "W": 1},
         "the output is a scalar, whose first size is not the batch N"),
        # 3*N*H*W entries in rows of 12: of N, H, W with a product divisible by 4, the rows are
        # N*H*W//4, which is N where H*W is 4. 1*1*4 and 1*2*2 have the rows 1 = N; the sum 5 is
        # least where N=2: 2*1*2 has one row.
        (lambda x: x.reshape(-1, 12), {"N": 2, "H": 1, "W": 2},
         "the output is (H*N*W)//4 12, whose first size is not the batch N"),
        (lambda x: (x, x[1:]), {"N": 1, "H": 1, "W": 1},
         "output 1 is N-1 3 H W, whose first size is not the batch N"),
    ],
)  # fmt: skip
def test_batch_not_preserved(function, point, message):
    verdict = check(models.Lambda(function), {"batch_preserved": True})
    assert (verdict.word, verdict.message) == ("broken", message)
    assert verdict.counterexample == point
    assert verdict.confirmed
    assert "confirmed by running: the output is " in verdict.details["fails at"]


def test_batch_merged_on_the_way():
    windows = models.Lambda(lambda x: x.flatten(0, 1).reshape(x.shape))
    verdict = check(windows, {"batch_never_merged": True, "batch_preserved": True})
    # 3*N is never N.
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 1, "W": 1})
    assert verdict.message == "flatten makes a size 3*N, which merges the batch N with other sizes"
    assert verdict.confirmed is None  # the output does not show it
    assert "the real model accepts it" in verdict.details["fails at"]


def test_batch_never_merged():
    fine = models.Lambda(lambda x: x.flatten(1).unsqueeze(1).expand(-1, 4, -1))
    assert check(fine, {"batch_never_merged": True}).word == "proved"


@pytest.mark.parametrize(
    ("input", "found"),
    [("1 3 H W", "1"), ("2*N 3 H W", "2*N"), ({"x": "N 3", "y": "M 3"}, "N and M")],
)
def test_the_batch_must_have_a_name(input, found):
    model = models.Lambda(lambda x, y=None: x)
    verdict = check(model, {"batch_preserved": True}, input)
    assert verdict.word == "vacuous"
    assert verdict.message == (
        f"batch_preserved: the input has no named batch: its first size is {found}"
    )
