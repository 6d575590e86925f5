"""The real model confirms what was inferred, or the result is an error."""

import textwrap

from archlint.contracts.contract import Contract, ModelRef, SizeClause
from archlint.engine.first_contract import first_contract

SOURCE = """
    import traceback
    from torch import nn

    class Honest(nn.Module):
        def forward(self, x):
            return nn.functional.max_pool2d(x, 4)

    class Lies(nn.Module):
        def forward(self, x):
            callers = [frame.filename for frame in traceback.extract_stack()]
            return x if any("tracing" in name for name in callers) else x[:, :1]
"""


def test_the_real_model_confirms_or_contradicts(tmp_path):
    (tmp_path / "models.py").write_text(textwrap.dedent(SOURCE))
    contract = Contract("init", [], SizeClause("any", True, "any size"))
    verdicts = {
        name: first_contract(contract, ModelRef(name, f"models.py:{name}"), root=tmp_path)
        for name in ("Honest", "Lies")
    }
    assert verdicts["Honest"].entry.accepts == "H, W >= 4"
    assert (verdicts["Lies"].word, verdicts["Lies"].entry) == ("error", None)
    assert "but the model gives (1, 1, 1, 1)" in verdicts["Lies"].message
