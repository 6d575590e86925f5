"""Models of segmentation_models_pytorch, monai and torchvision, and 1-D models of sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Built = tuple[Callable[[], nn.Module], Any]

_SMP = {
    "Unet": ("resnet18", "mobilenet_v2", "efficientnet-b0", "vgg11", "mit_b0", "timm-regnetx_002"),
    "UnetPlusPlus": ("resnet18", "densenet121"),
    "FPN": ("resnet18", "resnext50_32x4d"),
    "PSPNet": ("resnet18",),
    "DeepLabV3": ("resnet18",),
    "DeepLabV3Plus": ("resnet18", "mobilenet_v2"),
    "Linknet": ("resnet18",),
    "MAnet": ("resnet18",),
    "PAN": ("resnet18",),
    "UPerNet": ("resnet18",),
    "Segformer": ("mit_b0", "resnet18"),
    "DPT": ("tu-vit_tiny_patch16_224",),
}


def smp_samples() -> dict[str, Built]:
    """segmentation_models_pytorch: architecture × encoder, without weights."""
    return {
        f"{arch}({encoder})": (lambda a=arch, e=encoder: _smp(a, e), "N 3 H W")
        for arch, encoders in _SMP.items()
        for encoder in encoders
    }


def _smp(arch: str, encoder: str) -> nn.Module:
    import segmentation_models_pytorch as smp

    model: nn.Module = getattr(smp, arch)(encoder_name=encoder, encoder_weights=None, classes=4)
    return model


_2D = {"spatial_dims": 2, "in_channels": 1}
_3D = {"spatial_dims": 3, "in_channels": 1}
_STEPS = {"channels": (4, 8, 16), "strides": (2, 2)}
_DYN = {"kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]}
_SLICE, _VOLUME = "N 1 H W", "N 1 D H W"

_MONAI: dict[str, tuple[str, dict[str, Any], Any]] = {
    "UNet 2-D": ("UNet", {**_2D, **_STEPS, "out_channels": 2, "num_res_units": 1}, _SLICE),
    "UNet 3-D": ("UNet", {**_3D, **_STEPS, "out_channels": 2}, _VOLUME),
    "DynUNet 2-D": ("DynUNet", {**_2D, **_DYN, "out_channels": 2, "filters": [4, 8, 16]}, _SLICE),
    "DynUNet 3-D": ("DynUNet", {**_3D, **_DYN, "out_channels": 2, "filters": [4, 8, 16]}, _VOLUME),
    "SegResNet 3-D": ("SegResNet", {**_3D, "init_filters": 8, "out_channels": 2}, _VOLUME),
    "SegResNetDS 3-D": ("SegResNetDS", {**_3D, "init_filters": 8, "out_channels": 2}, _VOLUME),
    "SegResNetVAE": (
        "SegResNetVAE",
        {**_3D, "input_image_size": (16, 16, 16), "init_filters": 8, "out_channels": 2},
        _VOLUME,
    ),
    "VNet": ("VNet", {**_3D, "out_channels": 2}, _VOLUME),
    "AttentionUnet": ("AttentionUnet", {**_2D, **_STEPS, "out_channels": 2}, _SLICE),
    "BasicUNet 2-D": (
        "BasicUNet",
        {**_2D, "out_channels": 2, "features": (4, 4, 8, 8, 16, 4)},
        _SLICE,
    ),
    "BasicUNet 3-D": (
        "BasicUNet",
        {**_3D, "out_channels": 2, "features": (4, 4, 8, 8, 16, 4)},
        _VOLUME,
    ),
    "BasicUNetPlusPlus": (
        "BasicUNetPlusPlus",
        {**_2D, "out_channels": 2, "features": (4, 4, 8, 8, 16, 4)},
        _SLICE,
    ),
    "FlexibleUNet": (
        "FlexibleUNet",
        {"spatial_dims": 2, "in_channels": 3, "out_channels": 2, "backbone": "efficientnet-b0"},
        "N 3 H W",
    ),
    "SwinUNETR": ("SwinUNETR", {**_3D, "out_channels": 2, "feature_size": 12}, _VOLUME),
    "UNETR": (
        "UNETR",
        {**_3D, "out_channels": 2, "img_size": 32, "feature_size": 4, "hidden_size": 48,
         "mlp_dim": 64, "num_heads": 4},
        _VOLUME,
    ),
    "DenseNet121 3-D": ("DenseNet121", {**_3D, "out_channels": 2}, _VOLUME),
    "ResNet18 3-D": ("resnet18", {"spatial_dims": 3, "n_input_channels": 1}, _VOLUME),
    "SENet154 2-D": ("SENet154", {**_2D, "num_classes": 3}, _SLICE),
    "EfficientNetBN": (
        "EfficientNetBN",
        {**_2D, "model_name": "efficientnet-b0", "pretrained": False},
        _SLICE,
    ),
    "HighResNet": ("HighResNet", {**_3D, "out_channels": 2}, _VOLUME),
    "ViT 3-D": (
        "ViT",
        {"in_channels": 1, "img_size": (16, 16, 16), "patch_size": (8, 8, 8), "hidden_size": 32,
         "mlp_dim": 32, "num_layers": 2, "num_heads": 4, "classification": True},
        _VOLUME,
    ),
    "AutoEncoder": (
        "AutoEncoder",
        {**_2D, "channels": (4, 8), "strides": (2, 2), "out_channels": 1},
        _SLICE,
    ),
    "VarAutoEncoder": (
        "VarAutoEncoder",
        {"spatial_dims": 2, "in_shape": (1, 16, 16), "out_channels": 1, "latent_size": 4,
         "channels": (4, 8), "strides": (2, 2)},
        _SLICE,
    ),
    "Regressor": (
        "Regressor",
        {"in_shape": (1, 16, 16), "out_shape": (2,), "channels": (4, 8), "strides": (2, 2)},
        _SLICE,
    ),
    "RegUNet": (
        "RegUNet",
        {**_3D, "num_channel_initial": 4, "depth": 2, "out_channels": 3},
        _VOLUME,
    ),
    "MedNeXtS": ("MedNeXtS", {**_2D, "out_channels": 2}, _SLICE),
}  # fmt: skip


def monai_samples() -> dict[str, Built]:
    """monai: segmentation and classification in two and three dimensions."""
    return {name: (lambda n=name: _monai(n), entry[2]) for name, entry in _MONAI.items()}


def _monai(name: str) -> nn.Module:
    from monai.networks import nets

    attribute, settings, _ = _MONAI[name]
    model: nn.Module = getattr(nets, attribute)(**settings)
    return model


_TWO = ["3 H W", "3 H2 W2"]
_DETECTORS = (
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "fcos_resnet50_fpn",
    "ssdlite320_mobilenet_v3_large",
    "ssd300_vgg16",
    "maskrcnn_resnet50_fpn",
    "keypointrcnn_resnet50_fpn",
)
_FLOW = {"image1": "N 3 H W", "image2": "N 3 H W"}
_QUANTIZABLE = ("resnet18", "mobilenet_v2", "googlenet", "inception_v3", "shufflenet_v2_x0_5")


def torchvision_samples() -> dict[str, Built]:
    """torchvision: detection on two images of different sizes, optical flow, quantizable."""
    found: dict[str, Built] = {n: (lambda n=n: _detector(n), _TWO) for n in _DETECTORS}
    found["raft_small"] = (lambda: _torchvision("raft_small"), _FLOW)
    for name in _QUANTIZABLE:
        found[f"quantizable {name}"] = (
            lambda n=name: _torchvision(f"quantized_{n}", quantize=False),
            "N 3 H W",
        )
    return found


def _torchvision(name: str, **kwargs: Any) -> nn.Module:
    import torchvision

    model: nn.Module = torchvision.models.get_model(name, weights=None, **kwargs)
    return model


def _detector(name: str) -> nn.Module:
    return _torchvision(name, weights_backbone=None)


class M5(nn.Module):
    """A classifier of raw sound: strided convolutions, pools, a mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(1, 8, 80, 16), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(4),
            nn.Conv1d(8, 16, 3), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(4),
        )  # fmt: skip
        self.head = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.layers(x).mean(2))
        return found


class Denoiser(nn.Module):
    """An encoder and a decoder over time with a recurrent layer between them and a skip."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Conv1d(1, 8, 8, 4)
        self.time = nn.LSTM(8, 8, bidirectional=True, batch_first=True)
        self.mix = nn.Linear(16, 8)
        self.decode = nn.ConvTranspose1d(8, 1, 8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.encode(x)
        later, _ = self.time(found.transpose(1, 2))
        decoded: torch.Tensor = self.decode(found + self.mix(later).transpose(1, 2))
        return decoded + x


class Spectrogram(nn.Module):
    """The magnitudes of a short-time Fourier transform, then convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(64))
        self.conv = nn.Conv2d(1, 4, 3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = torch.stft(x, 64, 16, window=self.window, return_complex=True).abs()
        convolved: torch.Tensor = self.conv(found[:, None])
        return convolved.mean((2, 3))


def sound_samples() -> dict[str, Built]:
    """Models of sound in the manner of torchaudio."""
    return {
        "M5": (M5, "N 1 T"),
        "Denoiser": (Denoiser, "N 1 T"),
        "Spectrogram": (Spectrogram, "N T"),
    }
