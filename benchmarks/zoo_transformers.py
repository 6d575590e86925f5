"""transformers' models from small configurations: vision, text, sound, and text with images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

Words = Any
IDS = {"shape": "N T", "dtype": "int64", "below": 99}
IMAGE = {"pixel_values": "N 3 H W"}
TEXT = {"input_ids": IDS, "attention_mask": {"shape": "N T", "dtype": "int64", "below": 2}}

_SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
_TEXT = {**_SMALL, "vocab_size": 99}
_SOUND = {
    **_SMALL,
    "conv_dim": (16, 16, 16),
    "conv_stride": (4, 2, 2),
    "conv_kernel": (8, 3, 3),
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "mask_time_prob": 0.0,
}
_PYRAMID = {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]}

SAMPLES: dict[str, tuple[str, dict[str, Any], Words]] = {
    # vision: class of the model, configuration, input
    "ViTModel": ("ViTConfig", {**_SMALL, "image_size": 32, "patch_size": 8}, IMAGE),
    "ViTForImageClassification": (
        "ViTConfig",
        {**_SMALL, "image_size": 32, "patch_size": 8, "num_labels": 5},
        IMAGE,
    ),
    "DeiTModel": ("DeiTConfig", {**_SMALL, "image_size": 32, "patch_size": 8}, IMAGE),
    "BeitModel": (
        "BeitConfig",
        {**_SMALL, "image_size": 32, "patch_size": 8, "use_relative_position_bias": True},
        IMAGE,
    ),
    "SwinModel": (
        "SwinConfig",
        {"embed_dim": 8, "depths": [1, 2], "num_heads": [2, 4], "window_size": 4, "image_size": 32},
        IMAGE,
    ),
    "Swinv2Model": (
        "Swinv2Config",
        {"embed_dim": 8, "depths": [1, 2], "num_heads": [2, 4], "window_size": 4, "image_size": 32},
        IMAGE,
    ),
    "ConvNextModel": ("ConvNextConfig", _PYRAMID, IMAGE),
    "ConvNextV2Model": ("ConvNextV2Config", _PYRAMID, IMAGE),
    "ResNetModel": (
        "ResNetConfig",
        {**_PYRAMID, "embedding_size": 8, "layer_type": "basic"},
        IMAGE,
    ),
    "RegNetModel": (
        "RegNetConfig",
        {**_PYRAMID, "embedding_size": 8, "groups_width": 8},
        IMAGE,
    ),
    "SegformerForSemanticSegmentation": (
        "SegformerConfig",
        {
            "hidden_sizes": [8, 16, 24, 32],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 2, 4],
            "decoder_hidden_size": 16,
        },
        IMAGE,
    ),
    "Dinov2Model": ("Dinov2Config", {**_SMALL, "image_size": 28, "patch_size": 7}, IMAGE),
    "Dinov2WithRegistersModel": (
        "Dinov2WithRegistersConfig",
        {**_SMALL, "image_size": 28, "patch_size": 7},
        IMAGE,
    ),
    "MobileViTModel": (
        "MobileViTConfig",
        {"hidden_sizes": [24, 32, 40], "neck_hidden_sizes": [8, 8, 16, 24, 32, 40, 48]},
        IMAGE,
    ),
    "MobileNetV2Model": ("MobileNetV2Config", {"depth_multiplier": 0.25}, IMAGE),
    "PvtModel": (
        "PvtConfig",
        {
            "image_size": 64,
            "hidden_sizes": [8, 16, 24, 32],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 2, 4],
        },
        IMAGE,
    ),
    "PvtV2Model": (
        "PvtV2Config",
        {
            "hidden_sizes": [8, 16, 24, 32],
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 2, 2, 4],
        },
        IMAGE,
    ),
    "PoolFormerModel": ("PoolFormerConfig", _PYRAMID, IMAGE),
    "LevitModel": (
        "LevitConfig",
        {
            "image_size": 64,
            "hidden_sizes": [16, 32, 48],
            "num_attention_heads": [2, 2, 4],
            "depths": [1, 1, 1],
            "key_dim": [8, 8, 8],
        },
        IMAGE,
    ),
    "CvtModel": (
        "CvtConfig",
        {
            "embed_dim": [8, 16, 32],
            "num_heads": [1, 2, 4],
            "depth": [1, 2, 3],
        },
        IMAGE,
    ),
    "DPTForDepthEstimation": (
        "DPTConfig",
        {
            **_SMALL,
            "num_hidden_layers": 4,
            "image_size": 64,
            "backbone_out_indices": [0, 1, 2, 3],
            "neck_hidden_sizes": [8, 8, 8, 8],
            "fusion_hidden_size": 8,
        },
        IMAGE,
    ),
    "SwinBackbone": (
        "SwinConfig",
        {
            "embed_dim": 8,
            "depths": [1, 1, 1, 1],
            "num_heads": [1, 2, 2, 4],
            "window_size": 4,
            "image_size": 64,
            "out_features": ["stage1", "stage2", "stage3", "stage4"],
        },
        IMAGE,
    ),
    "DetrForObjectDetection": (
        "DetrConfig",
        {
            "d_model": 16,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "decoder_ffn_dim": 16,
            "num_queries": 5,
            "backbone_config": (
                "ResNetConfig",
                {
                    **_PYRAMID,
                    "embedding_size": 8,
                    "layer_type": "basic",
                    "out_features": ["stage4"],
                },
            ),
        },
        IMAGE,
    ),
    "Mask2FormerModel": (
        "Mask2FormerConfig",
        {
            "backbone_config": (
                "SwinConfig",
                {
                    "embed_dim": 8,
                    "depths": [1, 1, 1, 1],
                    "num_heads": [1, 2, 2, 4],
                    "window_size": 4,
                    "image_size": 64,
                    "out_features": ["stage1", "stage2", "stage3", "stage4"],
                },
            ),
            "hidden_dim": 32,
            "feature_size": 32,
            "mask_feature_size": 32,
            "num_attention_heads": 2,
            "encoder_layers": 1,
            "decoder_layers": 2,
            "dim_feedforward": 16,
            "encoder_feedforward_dim": 16,
            "num_queries": 5,
        },
        IMAGE,
    ),
    # text
    "BertModel": ("BertConfig", _TEXT, TEXT),
    "BertForSequenceClassification": ("BertConfig", {**_TEXT, "num_labels": 3}, TEXT),
    "RobertaModel": ("RobertaConfig", {**_TEXT, "pad_token_id": 1}, TEXT),
    "DistilBertModel": (
        "DistilBertConfig",
        {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "vocab_size": 99},
        TEXT,
    ),
    "AlbertModel": ("AlbertConfig", {**_TEXT, "embedding_size": 16}, TEXT),
    "ElectraModel": ("ElectraConfig", {**_TEXT, "embedding_size": 16}, TEXT),
    "DebertaV2Model": ("DebertaV2Config", _TEXT, TEXT),
    "MPNetModel": ("MPNetConfig", _TEXT, TEXT),
    "GPT2Model": (
        "GPT2Config",
        {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 99},
        {"input_ids": IDS},
    ),
    "GPT2LMHeadModel": (
        "GPT2Config",
        {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 99},
        {"input_ids": IDS},
    ),
    "T5EncoderModel": (
        "T5Config",
        {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": 99},
        TEXT,
    ),
    "T5Model": (
        "T5Config",
        {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": 99},
        {"input_ids": IDS, "decoder_input_ids": {"shape": "N U", "dtype": "int64", "below": 99}},
    ),
    "LlamaModel": ("LlamaConfig", {**_TEXT, "num_key_value_heads": 2}, {"input_ids": IDS}),
    "MistralModel": ("MistralConfig", {**_TEXT, "num_key_value_heads": 2}, {"input_ids": IDS}),
    "Qwen2ForCausalLM": ("Qwen2Config", {**_TEXT, "num_key_value_heads": 2}, {"input_ids": IDS}),
    "OPTModel": (
        "OPTConfig",
        {**_TEXT, "ffn_dim": 64, "word_embed_proj_dim": 32},
        {"input_ids": IDS},
    ),
    "BartModel": (
        "BartConfig",
        {
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "decoder_ffn_dim": 64,
            "vocab_size": 99,
        },
        {"input_ids": IDS, "decoder_input_ids": {"shape": "N U", "dtype": "int64", "below": 99}},
    ),
    # sound
    "Wav2Vec2Model": ("Wav2Vec2Config", _SOUND, {"input_values": "N T"}),
    "HubertModel": ("HubertConfig", _SOUND, {"input_values": "N T"}),
    "WhisperEncoder": (
        "WhisperConfig",
        {
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 1,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "decoder_ffn_dim": 64,
            "max_source_positions": 50,
        },
        {"input_features": "N 80 T"},
    ),
    "ASTModel": (
        "ASTConfig",
        {**_SMALL, "max_length": 64, "num_mel_bins": 32},
        {"input_values": "N T F"},
    ),
    # both
    "CLIPVisionModel": (
        "CLIPVisionConfig",
        {**_SMALL, "image_size": 32, "patch_size": 8},
        IMAGE,
    ),
    "CLIPTextModel": ("CLIPTextConfig", {**_TEXT, "eos_token_id": 2}, {"input_ids": IDS}),
    "CLIPModel": (
        "CLIPConfig",
        {
            "text_config": {**_TEXT, "eos_token_id": 2},
            "vision_config": {**_SMALL, "image_size": 32, "patch_size": 8},
            "projection_dim": 16,
        },
        {"input_ids": {"shape": "B T", "dtype": "int64", "below": 99}, **IMAGE},
    ),
}


def samples() -> dict[str, tuple[Callable[[], nn.Module], Words]]:
    """Name -> how to build it, and what it is called with."""
    return {name: (lambda n=name: _build(n), entry[2]) for name, entry in SAMPLES.items()}


def _build(name: str) -> nn.Module:
    import transformers

    config_name, settings, _ = SAMPLES[name]
    config = _config(config_name, settings)
    if name == "WhisperEncoder":
        return transformers.WhisperModel(config).get_encoder()
    model: nn.Module = getattr(transformers, name)(config)
    return model


def _config(name: str, settings: dict[str, Any]) -> Any:
    import transformers

    made = {k: _config(*v) if _is_config(v) else v for k, v in settings.items()}
    return getattr(transformers, name)(**made)


def _is_config(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
