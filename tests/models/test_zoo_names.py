"""Names of the zoos, looked up in their source: none that exists may be missing."""

import pytest

from archlint.models.zoo_names import missing_model


@pytest.mark.parametrize("zoo", ["torchvision", "timm"])
def test_a_misspelled_name_is_missing_and_its_neighbours_are_named(zoo):
    pytest.importorskip(zoo)
    assert missing_model(zoo, "resnt18").startswith(
        f"{zoo} has no model 'resnt18'; did you mean resnet18"
    )
    assert missing_model(zoo, "zzzzzzzzz") == f"{zoo} has no model 'zzzzzzzzz'"


def test_every_name_that_exists_is_there():
    models = pytest.importorskip("torchvision").models
    assert [n for n in models.list_models() if missing_model("torchvision", n)] == []
    timm = pytest.importorskip("timm")
    names = [*timm.list_models()[::10], "resnet18.a1_in1k", "mixnet_xl"]
    assert [n for n in names if missing_model("timm", n)] == []
