"""Losses: they have no shape rule, and their kernels cannot check class indices."""

from __future__ import annotations

from archlint.ops.aliases import spellings
from archlint.ops.traits import Unchecked, declare_traits

declare_traits(
    *spellings("nll_loss", "nll_loss2d", "nll_loss_nd", "cross_entropy_loss", "poisson_nll_loss"),
    *spellings("gaussian_nll_loss", "multi_margin_loss", "multilabel_margin_loss"),
    *spellings("cosine_embedding_loss", "hinge_embedding_loss"),
    *spellings("ctc_loss", "_ctc_loss", "_cudnn_ctc_loss", "miopen_ctc_loss"),
    unchecked=Unchecked.INDICES,
)
