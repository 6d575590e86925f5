"""The runtimes: which one a file needs, and how each is called."""

from zipfile import ZipFile

import pytest
import torch
from torch import nn

from archlint.engine.artifact.runtimes import load as load_artifact
from archlint.engine.artifact.runtimes import runtime_of


def test_a_network_of_openvino_without_its_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"weights net\.bin are not beside it"):
        load_artifact("openvino", str(tmp_path / "net.xml"))


@pytest.mark.parametrize(
    ("inside", "runtime"),
    [("net/data/aotinductor/model/net.so", "aoti"), ("net/models/model.json", "torch-export")],
)
def test_what_torch_compiled_is_known_by_its_content(tmp_path, inside, runtime):
    with ZipFile(tmp_path / "net.pt2", "w") as archive:
        archive.writestr(inside, "")
    assert runtime_of(tmp_path / "net.pt2") == runtime
    assert runtime_of(tmp_path / "net.pt2", "aoti") == "aoti"


@pytest.mark.filterwarnings("ignore")
def test_torch_export_with_arguments_by_name(tmp_path):
    """Positions first, then names, and a pair: as the program was exported."""

    class Net(nn.Module):
        def forward(self, x, pair, *, scale, shift):
            return x * scale["by"] + shift + pair[0] - pair[1]

    arrays = [torch.randn(3) for _ in range(5)]
    x, one, other, by, shift = arrays
    names = {"scale": {"by": by}, "shift": shift}
    program = torch.export.export(Net(), (x, (one, other)), names)
    torch.export.save(program, str(tmp_path / "net.pt2"))
    request = load_artifact("torch-export", str(tmp_path / "net.pt2")).make()
    (got,) = request([a.numpy() for a in arrays])
    assert torch.equal(torch.from_numpy(got), Net()(x, (one, other), **names))
