"""The networks of body to face, after B2F (arXiv 2511.13988): content and style apart, style as Gumbel-softmax choices.

What its released code does otherwise than its text is done as the text says: attention goes over time and nothing else
(sequences are [batch, time, channels] throughout), a frame's place is told by its distance to other frames (as ALiBi
does), and each loss has its own weight by name.
"""
from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core import coefficients
from addon.expression.body_features import COUNT as HEARD
from addon.expression.from_body import CHANNELS, CHOICES, GROUPS, WINDOW

HEADS: Final = 4
_USUAL_BLINKS: Final = -1.4
"""Logarithm of blinks a second before anything is learned."""
_HEAD_SCALE: Final = 4.0
"""Head angles brought to the coefficients' size where they are heard."""


class Layer(nn.Module):
    """Attention over time, nearer frames first, then each frame for itself; [B, T, D] → the same."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(size), nn.LayerNorm(size)
        self.queries, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.alone = nn.Sequential(nn.Linear(size, 2 * size), nn.SiLU(), nn.Linear(2 * size, size))
        slopes = torch.tensor([0.02 * 4.0 ** head for head in range(HEADS)])
        at = torch.arange(WINDOW)
        self.register_buffer("distance", -slopes[:, None, None] * (at[None] - at[:, None]).abs())

    def forward(self, x: Tensor) -> Tensor:
        batch, time, size = x.shape
        parts = self.queries(self.before(x)).reshape(batch, time, 3, HEADS, size // HEADS).permute(2, 0, 3, 1, 4)
        scores = parts[0] @ parts[1].transpose(-1, -2) / (size // HEADS) ** 0.5 + self.distance
        seen = (scores.softmax(-1) @ parts[2]).transpose(1, 2).reshape(batch, time, size)
        x = x + self.out(seen)
        return x + self.alone(self.between(x))


class ContentEncoder(nn.Module):
    """What happens and when, of a body or a face: [B, T, C] → [B, T, D], each frame of length 1."""

    def __init__(self, channels: int, size: int, layers: int) -> None:
        super().__init__()
        self.enter = nn.Linear(channels, size)
        self.near = nn.Conv1d(size, size, 9, padding=4, padding_mode="replicate")
        self.layers = nn.Sequential(*(Layer(size) for _ in range(layers)))

    def forward(self, values: Tensor) -> Tensor:
        x = self.enter(values)
        x = x + functional.silu(self.near(x.transpose(1, 2)).transpose(1, 2))
        return functional.normalize(self.layers(x), dim=-1)


class StyleEncoder(nn.Module):
    """How a face goes: [B, T, 57] → logits of 12 choices among 16, [B, 12, 16]."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(CHANNELS, size, 5, stride=2)
        self.second = nn.Conv1d(size, size, 5, stride=2)
        self.weight = nn.Linear(size, 1)
        self.choose = nn.Sequential(nn.Linear(2 * size, 2 * size), nn.SiLU(), nn.Linear(2 * size, GROUPS * CHOICES))
        self.register_buffer("scale", _scale())

    def forward(self, face: Tensor) -> Tensor:
        x = functional.silu(self.first((face * self.scale).transpose(1, 2)))
        x = functional.silu(self.second(x)).transpose(1, 2)
        pooled = (x * self.weight(x).softmax(1)).sum(1)
        return self.choose(torch.cat([pooled, x.mean(1)], 1)).reshape(-1, GROUPS, CHOICES)


class FaceDecoder(nn.Module):
    """Content [B, T, D] in a style [B, 192] → face [B, T, 57], logarithm of blinks a second [B, T]."""

    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        self.size, self.layers_and_entry = size, layers + 1
        self.rest = nn.Linear(GROUPS * CHOICES, CHANNELS + 1)
        self.style = nn.Linear(GROUPS * CHOICES, 2 * size * (layers + 1))
        self.enter = nn.Linear(size, size)
        self.layers = nn.ModuleList(Layer(size) for _ in range(layers))
        self.leave = nn.Linear(size, CHANNELS + 1)
        for last in (self.leave, self.rest):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        nn.init.constant_(self.rest.bias[-1], _USUAL_BLINKS)

    def forward(self, content: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        louder, shifted = self.style(style).reshape(-1, 1, self.layers_and_entry, 2, self.size).unbind(3)
        x = self.enter(content * self.size ** 0.5)
        x = x * (1 + louder[:, :, 0]) + shifted[:, :, 0]
        for i, layer in enumerate(self.layers, 1):
            x = layer(x) * (1 + louder[:, :, i]) + shifted[:, :, i]
        found = self.leave(x) + self.rest(style)[:, None]
        return found[..., :CHANNELS] / _scale().to(found.device), found[..., CHANNELS]


class BodyToFace(nn.Module):
    """All of it; `forward` is what is exported as models/body_to_face."""

    def __init__(self, size: int = 48, layers: int = 1) -> None:
        super().__init__()
        self.body = ContentEncoder(HEARD, size, layers)
        self.face = ContentEncoder(CHANNELS, size, 1)
        self.style = StyleEncoder(size)
        self.decode = FaceDecoder(size, layers)
        self.register_buffer("scale", _scale())

    def forward(self, body: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        return self.decode(self.body(body), style)

    def content_of(self, face: Tensor) -> Tensor:
        """What happens in a face [B, T, 57]; only for the losses."""
        return self.face(face * self.scale)


def choice(logits: Tensor, temperature: float | None) -> Tensor:
    """Logits [B, 12, 16] → the code [B, 192]: drawn (Gumbel-softmax, hard forward) or the likeliest without one."""
    if temperature is None:
        return functional.one_hot(logits.argmax(-1), CHOICES).to(logits.dtype).flatten(1)
    return functional.gumbel_softmax(logits, temperature, hard=True).flatten(1)


def _scale() -> Tensor:
    return torch.cat([torch.ones(coefficients.COUNT), torch.full((3,), _HEAD_SCALE)])
