"""What changed in a model's costs, in words."""

from archlint.contracts.recorded_costs import RecordedCosts, cost_changes

AT = {"N": 1, "H": 224, "W": 224}


def test_what_grew_and_because_of_which_layers():
    before = RecordedCosts(AT, 1000, 50, 400, {"stem": 100, "layer3": 500, "layer4": 400})
    after = RecordedCosts(AT, 1120, 50, 300, {"stem": 90, "layer3": 630, "layer4": 400})
    assert cost_changes(before, after) == (
        "FLOPs at N=1 H=224 W=224 grew by 12 % (1,000 to 1,120), mostly in layer3",
        "activations at N=1 H=224 W=224 shrank by 25 % (400 to 300)",
    )
    assert cost_changes(after, before)[0].endswith(
        "shrank by 10.7 % (1,120 to 1,000), mostly in layer3"
    )


def test_a_layer_that_hardly_changed_is_not_named():
    before = RecordedCosts(AT, 1000, 5, 1, {"stem": 400, "layer1": 500, "head": 100})
    after = RecordedCosts(AT, 2010, 5, 1, {"stem": 1400, "layer1": 500, "head": 110})
    assert cost_changes(before, after)[0].endswith("(1,000 to 2,010), mostly in stem")


def test_what_is_new_and_what_is_gone():
    before = RecordedCosts(AT, 10, 0, 1, {"a": 4, "b": 6})
    after = RecordedCosts(AT, 90, 5, 1, {"a": 4, "c": 50, "": 36})
    assert cost_changes(before, after) == (
        "FLOPs at N=1 H=224 W=224 grew by 800 % (10 to 90), mostly in c, the model",
        "parameters grew (0 to 5)",
    )


def test_what_is_not_compared():
    one = RecordedCosts(AT, 10, 0, 1)
    assert cost_changes(one, one) == cost_changes(None, one) == cost_changes(None, None) == ()


def test_costs_that_cannot_be_counted_or_are_of_other_sizes_are_changes():
    one = RecordedCosts(AT, 10, 4, 1)
    assert cost_changes(one, None) == (
        "can no longer be counted at N=1 H=224 W=224 (10 FLOPs before)",
    )
    assert cost_changes(one, RecordedCosts({"N": 1}, 20, 8, 1)) == (
        "are counted at N=1 now, and were at N=1 H=224 W=224",
        "parameters grew by 100 % (4 to 8)",
    )
