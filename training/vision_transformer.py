"""A small vision transformer for face crops, and the masked autoencoder that it learns faces in without labels.

After Dosovitskiy et al., "An image is worth 16x16 words" (2020), and He et al., "Masked autoencoders are scalable
vision learners" (2021), with 75 % hidden as in FreeAvatar, section 3.1.1. Each patch of 16 px goes through three small
layers instead of one (Touvron et al., "Three things everyone should know about vision transformers", 2022):
convolutions whose windows do not overlap, so that nothing of a hidden patch leaks into a seen one.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.expression_data import COLUMNS, REGION, ROWS

PATCH: Final = 16
GRID: Final = (REGION[0] // PATCH, REGION[1] // PATCH)
PATCHES: Final = GRID[0] * GRID[1]
PATCH_VALUES: Final = PATCH * PATCH * 3
HIDDEN_SHARE: Final = 0.75
_CELL: Final = 4
_LEAST_SPREAD: Final = 4.0 / 255
"""Patches flatter than this are not stretched further: that would only show the camera's noise."""


@dataclass(frozen=True)
class Size:
    """How large a transformer is."""

    width: int
    depth: int
    heads: int
    decoder_width: int
    decoder_depth: int


SIZES: Final = {"small": Size(128, 4, 4, 96, 2), "large": Size(384, 12, 6, 256, 4)}
"""For two CPU cores and for a GPU. Width 192 and depth 6 would see a third of the faces in the same time on a CPU."""


def face_region(crops: Tensor) -> Tensor:
    """Crops uint8 [N, 128, 128, 3] BGR → the part that shows the face, float32 [N, 112, 96, 3], 0..1."""
    return crops[:, ROWS, COLUMNS].float() / 255


def to_patches(faces: Tensor) -> Tensor:
    """[N, 112, 96, 3] → [N, 42, 768], row by row."""
    cut = faces.reshape(-1, GRID[0], PATCH, GRID[1], PATCH, 3)
    return cut.permute(0, 1, 3, 2, 4, 5).reshape(-1, PATCHES, PATCH_VALUES)


def from_patches(patches: Tensor) -> Tensor:
    """The way back: [N, 42, 768] → [N, 112, 96, 3]."""
    cut = patches.reshape(-1, *GRID, PATCH, PATCH, 3)
    return cut.permute(0, 1, 3, 2, 4, 5).reshape(-1, *REGION, 3)


def normalised(patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each patch [..., 768] with mean 0 and spread 1, and the mean and spread [..., 1] that it had."""
    mean = patches.mean(-1, keepdim=True)
    even = patches - mean
    spread = torch.sqrt(torch.linalg.vector_norm(even, dim=-1, keepdim=True)**2 / patches.shape[-1] + _LEAST_SPREAD**2)
    return even / spread, mean, spread


@dataclass(frozen=True)
class Hiding:
    """Which patches of N faces are seen."""

    seen: Tensor
    """int [N, S], in any order."""
    back: Tensor
    """int [N, 42]: where each patch is in (the seen in their order, then the hidden)."""

    @property
    def hidden(self) -> Tensor:
        """bool [N, 42]."""
        return self.back >= self.seen.shape[1]


def hide_patches(noise: Tensor, share: float = HIDDEN_SHARE) -> Hiding:
    """Hide the same share of the patches of each face: those with most noise [N, 42] (He et al., section 3)."""
    order = noise.argsort(1)
    return Hiding(order[:, :PATCHES - round(PATCHES * share)], order.argsort(1))


class PatchStem(nn.Module):
    """Patches [..., 768] → tokens [..., width]: cells of 4 px, then of 8 px, then the patch, after its light is taken
    off; how light and how lively it was is told beside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cells = nn.Linear(_CELL * _CELL * 3, 64)
        self.quarters = nn.Linear(4 * 64, 128)
        self.whole = nn.Linear(4 * 128 + 2, width)

    def forward(self, patches: Tensor) -> Tensor:
        """See the class."""
        even, mean, spread = normalised(patches)
        lead, side = patches.shape[:-1], PATCH // _CELL
        # Cells in the order of the quarter they belong to, so that each layer is one product.
        cells = even.reshape(-1, 2, 2, _CELL, 2, 2, _CELL, 3).permute(0, 1, 4, 2, 5, 3, 6, 7).flatten(5).flatten(1, 4)
        quarters = functional.gelu(self.cells(cells)).reshape(-1, side, 4 * 64)
        whole = functional.gelu(self.quarters(quarters)).flatten(1).reshape(*lead, -1)
        return self.whole(torch.cat([whole, 4 * mean - 2, 4 * spread], -1))


class Block(nn.Module):
    """Attention and two layers, each on what the layer norm gives and added to what was there."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.told = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.body = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """[N, T, width] → the same."""
        query, key, value = self.asked(self.first(tokens)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        answer = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.told(answer.transpose(1, 2).flatten(2))
        return tokens + self.body(self.second(tokens))


class FaceTransformer(nn.Module):
    """Patches [N, 42, 768] → tokens [N, 42, width], or those of the patches that are seen."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.stem = PatchStem(size.width)
        self.places = nn.Parameter(torch.randn(1, PATCHES, size.width) * 0.02)
        self.blocks = nn.Sequential(*(Block(size.width, size.heads) for _ in range(size.depth)))
        self.last = nn.LayerNorm(size.width)

    def forward(self, patches: Tensor, beside: Tensor | None = None) -> Tensor:
        """All patches; what else is known of them, [N, 42, width], is added to what the stem says."""
        return self._attend(self.stem(patches) + self.places + (0 if beside is None else beside))

    def of_seen(self, patches: Tensor, seen: Tensor) -> Tensor:
        """Only the patches of `seen`, int [N, S]."""
        places = self.places.expand(len(seen), -1, -1)
        chosen = patches.gather(1, seen[..., None].expand(-1, -1, PATCH_VALUES))
        return self._attend(self.stem(chosen) + places.gather(1, seen[..., None].expand(-1, -1, places.shape[2])))

    def _attend(self, tokens: Tensor) -> Tensor:
        return self.last(self.blocks(tokens))


class MaskedAutoencoder(nn.Module):
    """The transformer sees a quarter of the patches; a smaller one paints the others from what it says."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.encoder = FaceTransformer(size)
        width = size.decoder_width
        self.narrow = nn.Linear(size.width, width)
        self.hidden = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.places = nn.Parameter(torch.randn(1, PATCHES, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, width // 32) for _ in range(size.decoder_depth)))
        self.paint = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, PATCH_VALUES))

    def forward(self, patches: Tensor, hiding: Hiding) -> Tensor:
        """[N, 42, 768] → all patches as `normalised` gives them."""
        seen = self.narrow(self.encoder.of_seen(patches, hiding.seen))
        missing = self.hidden.expand(len(seen), PATCHES - seen.shape[1], -1)
        shuffled = torch.cat([seen, missing], 1)
        tokens = shuffled.gather(1, hiding.back[..., None].expand(-1, -1, shuffled.shape[2]))
        return self.paint(self.blocks(tokens + self.places))

    def loss(self, patches: Tensor, hiding: Hiding) -> Tensor:
        """Mean squared error over the hidden patches, each normalised (He et al., section 4.1)."""
        return functional.mse_loss(self(patches, hiding)[hiding.hidden], normalised(patches[hiding.hidden])[0])

    def painted(self, patches: Tensor, hiding: Hiding) -> tuple[Tensor, Tensor]:
        """The faces [N, 112, 96, 3] as the encoder sees them, hidden patches grey, and as they are painted from that.

        Mean and spread of a painted patch are the true ones, which nothing tells the network.
        """
        _, mean, spread = normalised(patches)
        hidden = hiding.hidden[..., None]
        painted = torch.where(hidden, self(patches, hiding) * spread + mean, patches)
        return from_patches(torch.where(hidden, 0.5, patches)), from_patches(painted.clamp(0, 1))
