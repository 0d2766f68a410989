"""Layers that keep their weights narrow, so that the files of shipped networks are small; they count as ever."""
from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional


class NarrowLayer(nn.Module):
    """A linear layer or a convolution with weights as 16-bit floats, or as bytes with a scale for each output."""

    weight: Tensor
    scale: Tensor | None
    bias: Tensor | None

    def __init__(self, layer: nn.Linear | nn.Conv2d, as_bytes: bool) -> None:
        super().__init__()
        weight, scale = layer.weight.detach(), None
        if as_bytes:
            scale = weight.abs().amax(tuple(range(1, weight.ndim)), keepdim=True).clamp_min(1e-12) / 127
        self.register_buffer("weight", weight.half() if scale is None else torch.round(weight / scale).to(torch.int8))
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach())
        self._count = functional.linear if isinstance(layer, nn.Linear) else partial(
            functional.conv2d, stride=layer.stride, padding=layer.padding, dilation=layer.dilation, groups=layer.groups)

    def forward(self, x: Tensor) -> Tensor:
        """As the layer."""
        weight = self.weight.float()
        return self._count(x, weight if self.scale is None else weight * self.scale, self.bias)


def narrow(module: nn.Module, most: float = math.inf) -> None:
    """Put a NarrowLayer in the place of each linear layer and convolution: bytes if it has more than `most` weights."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear | nn.Conv2d):
            setattr(module, name, NarrowLayer(child, child.weight.numel() > most))
        else:
            narrow(child, most)
