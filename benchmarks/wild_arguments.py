"""Usual values of arguments that models need, and usual inputs of models that take several tensors.

By the names of the parameters, for all repositories alike: a value that does not fit shows when the
model is built or run.
"""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from archlint.project.discover.candidates import DiscoveredModel

_NAMESPACE = "argparse:Namespace"
_GROUPS = {
    10: "num_classes classes_num num_class n_classes nclass n_class class_num num_out output_dim",
    3: "in_channels in_chans in_channel input_channel input_channels num_in_ch out_channels out_ch "
    "num_out_ch channels n_channels kernel_size kSize k_size in_dim input_nc output_nc nIn",
    64: "image_size img_size dim mlp_dim hidden_dim mid_channels embedding_dim hidden_size size "
    "in_planes inplanes planes d_model embed_size nhid ninp num_feat model_channels max_seq_len "
    "context_length window_length sm_dim hidden_channels max_len width nOut",
    128: "lg_dim sequence_length cond_dim feature_dim",
    16: "latent_dim dim_head style_dim input_size in_features dim_in num_feats seq_len hidden "
    "spatial_size frames temporal_size output_size",
    8: "patch_size image_patch_size patch_width",
    4: "heads num_heads n_heads n_head depth spatial_depth n_mlp num_queries",
    2: "num_layers n_layers nlayers n_layer num_blocks num_res_blocks enc_depth dec_depth stride "
    "temporal_depth frame_patch_size cls_depth n_block num_block depth_in scale num_continuous "
    "num_basic_block",
    100: "num_tokens vocab_size ntoken n_vocab n_src_vocab n_trg_vocab src_vocab_size "
    "tgt_vocab_size num_embeddings n_embed codebook_size",
    0.1: "dropout dropout_rate drop_rate",
}
USUAL: dict[str, Any] = {name: value for value, names in _GROUPS.items() for name in names.split()}
USUAL |= {
    "input_shape": [3, 64, 64],
    "img_shape": [1, 32, 32],
    "num_channels": [16, 16],
    "attention_resolutions": [2],
    "categories": [4, 5],
    "sources": ["drums", "bass", "other", "vocals"],
    "sample_rate": 32000, "window_size": 1024, "hop_size": 320, "mel_bins": 64, "fmin": 50,
    "fmax": 14000,
    "src_pad_idx": 0, "trg_pad_idx": 0,
    "widen_factor": 2, "groups": 1, "cardinality": 8, "baseWidth": 4,
    "hidden_dims": [16, 32], "latent_dims": [16, 8],
}  # fmt: skip
_CONFIGURATION: dict[str, Any] = {
    **USUAL,
    "task_name": "long_term_forecast", "seq_len": 96, "label_len": 48, "pred_len": 96,
    "enc_in": 7, "dec_in": 7,
    "c_out": 7, "d_model": 32, "n_heads": 4, "e_layers": 2, "d_layers": 1, "d_ff": 64, "factor": 3,
    "embed": "timeF", "freq": "h", "activation": "gelu",
    "output_attention": False, "moving_avg": 25,
    "top_k": 3, "num_kernels": 6, "distil": True, "channel_independence": 1, "use_norm": 1,
    "decomp_method": "moving_avg", "down_sampling_layers": 1, "down_sampling_window": 2,
    "down_sampling_method": "avg", "expand": 2, "d_conv": 4, "p_hidden_dims": [32, 32],
    "p_hidden_layers": 2,
    "num_class": 10, "seg_len": 24, "patch_len": 16, "small": False, "mixed_precision": False,
    "alternate_corr": False, "corr_levels": 4, "corr_radius": 4, "d_input": 64, "scale_factor": 2,
}  # fmt: skip
_CONFIGURATIONS = ("args", "configs", "config", "cfg", "opt", "hparams", "params", "h")
_INPUTS: dict[str, Any] = {
    "x_enc": "N 96 7", "x_mark_enc": "N 96 4", "x_dec": "N 144 7", "x_mark_dec": "N 144 4",
    "image1": "N 3 H W", "image2": "N 3 H W", "img": "N 3 H W", "image": "N 3 H W",
    "t": "N", "time": "N", "timesteps": "N",
    "src": {"shape": "N S", "dtype": "int64", "below": 100},
    "trg": {"shape": "N T", "dtype": "int64", "below": 100},
    "tgt": {"shape": "N T", "dtype": "int64", "below": 100},
    "src_seq": {"shape": "N S", "dtype": "int64", "below": 100},
    "trg_seq": {"shape": "N T", "dtype": "int64", "below": 100},
    "labels": {"shape": "N", "dtype": "int64", "below": 10},
    "x_categ": {"shape": "N 2", "dtype": "int64", "below": 4}, "x_numer": "N 2", "x_cont": "N 2",
    "q": "N T 64", "k": "N T 64", "v": "N T 64", "queries": "N L 64", "keys": "N S 64",
    "values": "N S 64",
    "context": "N K 64", "xyz": "N 3 P", "x1": "N 3 H W", "x2": "N 3 H W",
}  # fmt: skip


def usual_arguments(model: DiscoveredModel) -> dict[str, Any] | None:
    """Values for the arguments that the model needs; ``None`` if one has no usual value."""
    values: dict[str, Any] = {}
    for name in model.needs:
        if name in _CONFIGURATIONS:
            values[name] = {"of": _NAMESPACE, **_CONFIGURATION}
        elif name in USUAL:
            values[name] = USUAL[name]
        else:
            return None
    return values


def usual_input(model: nn.Module) -> dict[str, Any] | None:
    """An input for the parameters of ``forward`` that have no default; ``None`` if one is unknown.

    The first of them is an image if its name says nothing.
    """
    parameters = inspect.signature(model.forward).parameters.values()
    needed = [
        p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    words = {name: _INPUTS.get(name) for name in needed}
    if needed and words[needed[0]] is None:
        convolution = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
        words[needed[0]] = f"N {convolution.in_channels if convolution else 3} H W"
    return words if len(words) > 1 and None not in words.values() else None
