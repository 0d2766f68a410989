"""What the animator sees of a character's own picture beside the expression that the encoder reads in it.

The aligned crop is straightened first: where the face's square is comes by ridge regression from coarse gradients, and
once more from the straightened ones; it learns from `head_frames.py`, which needs no landmarks. Then oriented gradients
and colours in cells of 4 px, and of 2 px around the mouth, less what the character shows on average, go through layers
that are the character's own and are learned with the reader (`animator_reader.py`): a straight one, from principal
components on, and a small convolution. Nothing of it knows the encoder.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.files import replacing
from addon.core.frames import CROP_SIZE
from training.expression_data import GREY
from training.face_inputs import OrientedGradients
from training.head_frames import face_grid
from training.narrow_weights import narrow

UPPER, LOWER = 96, 160
"""Units that see eyes and brows, and mouth and jaw."""
SEEN: Final = UPPER + LOWER
LOOK: Final = 2 * SEEN
FACE_PX: Final = 112
"""px of the straightened face, at rest the middle of the crop as it is."""
_MOUTH: Final = (slice(28, 54), slice(12, 44))
"""Cells of 2 px around the mouth."""
_EYES, _JAW = slice(0, 15), slice(13, 28)
"""Rows of the 28 x 28 cells of 4 px; they overlap a little, as cheeks belong to both."""
_KINDS: Final = 11
"""What a cell tells: 8 directions of gradients and 3 colours."""
_WIDE_SHAPE, _MOUTH_SHAPE = (_KINDS, 15, 28), (_KINDS, 26, 32)
_WIDE_CELLS, _MOUTH_CELLS = math.prod(_WIDE_SHAPE), math.prod(_MOUTH_SHAPE)
_UPPER_CELLS, _LOWER_CELLS = _WIDE_CELLS, _WIDE_CELLS + _MOUTH_CELLS
CELLS: Final = _UPPER_CELLS + _LOWER_CELLS
_PATTERNS: Final = 16
"""What a convolution looks for in every 4 x 4 cells."""
_WIDE_PATTERNS, _MOUTH_PATTERNS = _PATTERNS * 7 * 14, _PATTERNS * 13 * 16
_BRIGHT: Final = 64.0
_POINTS: Final = torch.tensor([[-0.5, -0.5, 1], [0.5, -0.5, 1], [0, 0.5, 1]])
"""An affine map is told by where these points of the face's square are."""
_FROM_POINTS: Final = torch.linalg.inv(_POINTS)
_PASSES: Final = 2
_FOLDS: Final = 5
_DAMPING: Final = 0.01
_AT_ONCE: Final = 128
_AXES: Final = (200, 300)
"""Principal components of the upper and of the lower cells. The layers begin with the first of them; rivals get all."""
_SOME: Final = 5000
"""Pictures of a character in which they, and what it shows on average, are sought."""


@dataclass(frozen=True)
class Sights:
    """N pictures of one character, from which and from whose mirror images it is to be learned."""

    crops: np.ndarray
    """uint8 [N, 128, 128, 3] BGR."""
    frames: Tensor
    """[2N, 2, 3]: the face's square → the crop, both -1..1; of the pictures and then of their mirror images."""
    controls: np.ndarray
    """float32 [N, K], rig units."""


@dataclass(frozen=True)
class Axes:
    """Principal components of a character's cells: directions [cells, A] and sizes [A], largest first."""

    upper: tuple[Tensor, Tensor]
    lower: tuple[Tensor, Tensor]

    def components(self, cells: Tensor) -> Tensor:
        """[N, sum of _AXES] of cells [N, CELLS], about 1 in size."""
        regions = zip(cells.split([_UPPER_CELLS, _LOWER_CELLS], 1), (self.upper, self.lower), strict=True)
        return torch.cat([torch.cat([part.float() @ directions for part in own.split(_AT_ONCE)]) / sizes.mean()
                          for own, (directions, sizes) in regions], 1)


class CellLayer(nn.Module):
    """Cells [N, CELLS] of one character's straightened faces, less its usual ones → [N, SEEN]. Eyes and mouth have
    layers each: what they do goes together in every way, so neither has to be learned for all that the other does."""

    def __init__(self) -> None:
        super().__init__()
        self.upper = nn.Linear(_UPPER_CELLS, UPPER, bias=False)
        self.lower = nn.Linear(_LOWER_CELLS, LOWER, bias=False)
        self.eyes, self.jaw, self.mouth = (nn.Conv2d(_KINDS, _PATTERNS, 4, 2, 1) for _ in range(3))
        self.upper_patterns = nn.Linear(_WIDE_PATTERNS, UPPER, bias=False)
        self.lower_patterns = nn.Linear(_WIDE_PATTERNS + _MOUTH_PATTERNS, LOWER, bias=False)
        for layer in (self.upper_patterns, self.lower_patterns):
            nn.init.zeros_(layer.weight)

    def forward(self, cells: Tensor) -> Tensor:
        """See the class."""
        eyes, jaw, mouth = cells.split([_WIDE_CELLS, _WIDE_CELLS, _MOUTH_CELLS], 1)
        lids, chin, lips = (functional.silu(layer(part.reshape(-1, *shape))).flatten(1) for layer, part, shape in (
            (self.eyes, eyes, _WIDE_SHAPE), (self.jaw, jaw, _WIDE_SHAPE), (self.mouth, mouth, _MOUTH_SHAPE)))
        upper = self.upper(eyes) + self.upper_patterns(lids)
        lower = self.lower(torch.cat([jaw, mouth], 1)) + self.lower_patterns(torch.cat([chin, lips], 1))
        return torch.cat([upper, lower], 1)

    def begin_with(self, axes: Axes) -> None:
        """Begin with the first principal components, each of about the root of its size."""
        with torch.no_grad():
            for layer, (directions, sizes) in zip((self.upper, self.lower), (axes.upper, axes.lower), strict=True):
                count = min(layer.out_features, len(sizes))
                layer.weight[:count] = directions[:, :count].T / sizes[:count, None].sqrt() / sizes.mean().sqrt()


class Look(nn.Module):
    """Crops uint8 [N, 128, 128, 3] BGR and whose faces they show, int64 [N] → [N, LOOK]: what the character's layer
    makes of the picture and then of its mirror image."""

    usual: Tensor
    means: Tensor
    weights: Tensor
    biases: Tensor
    grey: Tensor

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.gradients = OrientedGradients()
        self.layers = nn.ModuleList(CellLayer() for _ in range(characters))
        coarse = (FACE_PX // 8) ** 2 * _KINDS
        for name, shape in (("usual", (characters, CELLS)), ("means", (characters, _PASSES, coarse)),
                            ("weights", (characters, _PASSES, coarse, 6)), ("biases", (characters, _PASSES, 6))):
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("grey", GREY[:, None, None].clone())

    def forward(self, crops: Tensor, seen: Tensor) -> Tensor:
        """See the class."""
        return torch.cat([self.one_way(crops, seen), self.one_way(crops.flip(2), seen)], 1)

    def one_way(self, crops: Tensor, seen: Tensor) -> Tensor:
        """[N, SEEN]: what is seen without the mirror image."""
        cells = self.cells(crops, self.found(crops, seen))
        every = torch.stack([layer(cells - usual.float())
                             for layer, usual in zip(self.layers, self.usual, strict=True)], 1)
        return every.gather(1, seen[:, None, None].expand(-1, 1, SEEN))[:, 0]

    def found(self, crops: Tensor, seen: Tensor) -> Tensor:
        """[N, 2, 3]: where the face's square is in crops."""
        places = _places(self.still(crops.shape[0]))
        for number in range(_PASSES):
            places = places + self._told(self.coarse(crops, _frames(places)), seen, number)
        return _frames(places)

    def still(self, count: int) -> Tensor:
        """[count, 2, 3]: the face's square in a crop that is as it should be."""
        return torch.tensor([[FACE_PX / CROP_SIZE, 0, 0], [0, FACE_PX / CROP_SIZE, 0]]).expand(count, 2, 3)

    def cells(self, crops: Tensor, frames: Tensor) -> Tensor:
        """[N, CELLS]: oriented gradients and colours of straightened faces."""
        fine = self._fine(crops, frames, FACE_PX)
        wide = functional.avg_pool2d(fine, 2)
        mouth = fine[:, :, _MOUTH[0], _MOUTH[1]] / 2  # there are four times as many
        return torch.cat([wide[:, :, _EYES].flatten(1), wide[:, :, _JAW].flatten(1), mouth.flatten(1)], 1)

    def coarse(self, crops: Tensor, frames: Tensor) -> Tensor:
        """[N, 2156]: the same of faces at half the size, in cells of 4 px."""
        return functional.avg_pool2d(self._fine(crops, frames, FACE_PX // 2), 2).flatten(1)

    def narrow(self) -> None:
        """Keep the layers as bytes and the other large tables as 16-bit floats, for a smaller file."""
        narrow(self.layers, most=0)
        for name in ("usual", "means", "weights"):
            setattr(self, name, getattr(self, name).half())

    def learn_frames(self, sights: Sights, character: int) -> Tensor:
        """Fit where the square of a character's face is.

        Returns:
            [2N, 2, 3], what it would say of each picture had it not learned from it: new ones are no worse off.
        """
        wanted, places = _places(sights.frames), _places(self.still(len(sights.frames)))
        for number in range(_PASSES):
            coarse = _both_ways(self.coarse, sights.crops, _frames(places))
            mean, missing = coarse.mean(0), wanted - places
            bias = missing.mean(0)
            weight, told = ridge_by_folds(coarse - mean, missing - bias)
            self.means[character, number], self.biases[character, number] = mean, bias
            self.weights[character, number] = weight
            places = places + told + bias
        return _frames(places)

    def _fine(self, crops: Tensor, frames: Tensor, side: int) -> Tensor:
        """[N, 11, side / 2, side / 2]: 8 directions and 3 colours in cells of 2 px, of faces `side` px high."""
        shown = functional.grid_sample(crops.permute(0, 3, 1, 2).float(), face_grid(frames, side),
                                       padding_mode="border", align_corners=False)
        fine = self.gradients.fine((shown * self.grey).sum(1, keepdim=True))
        return torch.cat([fine, functional.avg_pool2d(shown, 2) / _BRIGHT], 1)

    def _told(self, coarse: Tensor, seen: Tensor, number: int) -> Tensor:
        centred = coarse - self.means[seen, number].float()
        return (centred[:, :, None] * self.weights[seen, number]).sum(1) + self.biases[seen, number]


def ridge_by_folds(inputs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Ridge regression from [2N, D] to [2N, K], both centred: weights [D, K], and what fits to other pictures would say
    of each; a picture and its mirror image are N rows apart and always in the same fold."""
    fold = torch.arange(len(inputs) // 2).repeat(2) % _FOLDS
    gram, aims = inputs.T @ inputs, inputs.T @ wanted
    damping = _DAMPING * gram.diagonal().mean() * torch.eye(len(gram))
    told = torch.empty_like(wanted)
    for number in range(_FOLDS):
        own = inputs[fold == number]
        others = gram - own.T @ own + damping
        told[fold == number] = own @ torch.linalg.solve(others, aims - own.T @ wanted[fold == number])
    return torch.linalg.solve(gram + damping, aims), told


def learn_look(every: list[Sights]) -> tuple[Look, list[Tensor]]:
    """Where faces are and what each character shows usually; and the frames [2N, 2, 3] of each one's pictures, as
    crooked as those of new ones."""
    look, frames = Look(len(every)), []
    with torch.no_grad():
        for character, sights in enumerate(every):
            frames.append(look.learn_frames(sights, character))
            apart = _apart(len(sights.crops))
            places = torch.cat([part[::apart] for part in frames[-1].chunk(2)])
            shown = both_cells(look, sights.crops[::apart], places, character)
            look.usual[character] = shown.mean(0, dtype=torch.float32)
    return look, frames


def kept_look(every: list[Sights], path: Path) -> tuple[Look, list[Tensor]]:
    """The same, or what was kept of it at `path`; of other pictures it is learned anew."""
    counts = [len(sights.crops) for sights in every]
    if path.exists() and (kept := torch.load(path, weights_only=True))["counts"] == counts:
        look = Look(len(every))
        look.load_state_dict(kept["look"])
        return look, kept["frames"]
    look, frames = learn_look(every)
    with replacing(path) as partial:
        torch.save({"counts": counts, "look": look.state_dict(), "frames": frames}, partial)
    return look, frames


def both_cells(look: Look, crops: np.ndarray, frames: Tensor, character: int) -> Tensor:
    """float16 [2N, CELLS], less the character's usual ones, of crops and of their mirror images, in all of which faces
    are in `frames` [2N, 2, 3]."""
    with torch.no_grad():
        return _both_ways(_less_usual(look, character), crops, frames)


def new_cells(look: Look, crops: np.ndarray, character: int) -> Tensor:
    """The same of new pictures of a character, which have no frames yet."""
    whose = torch.full((_AT_ONCE,), character)
    with torch.no_grad():
        frames = torch.cat([look.found(torch.from_numpy(part), whose[:len(part)]) for part in _parts(crops)])
        return _in_parts(_less_usual(look, character), crops, frames)


def axes_of(cells: Tensor) -> Axes:
    """Principal components of a character's cells float16 [M, CELLS]."""
    torch.manual_seed(0)
    some = cells[::_apart(len(cells))].float()
    found = []
    for part, count in zip(some.split([_UPPER_CELLS, _LOWER_CELLS], 1), _AXES, strict=True):
        _, sizes, directions = torch.svd_lowrank(part, min(count, len(part)), niter=1)
        found.append((directions, (sizes / len(part) ** 0.5).clamp_min(1e-3)))
    return Axes(*found)


def _less_usual(look: Look, character: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Crops and frames → float16 cells, less the character's usual ones."""
    return lambda crops, frames: (look.cells(crops, frames) - look.usual[character]).half()


def _apart(count: int) -> int:
    """Of so many pictures one in how many is taken for what is usual."""
    return -(-count // _SOME)


def _places(frames: Tensor) -> Tensor:
    """[N, 6]: where the points of the face's square are."""
    return (frames[:, None] * _POINTS[:, None]).sum(-1).flatten(1)


def _frames(places: Tensor) -> Tensor:
    """[N, 2, 3] back."""
    return (places.reshape(places.shape[0], 3, 2).transpose(1, 2)[:, :, None] * _FROM_POINTS).sum(-1)


def _parts(crops: np.ndarray) -> list[np.ndarray]:
    return [np.ascontiguousarray(crops[first:first + _AT_ONCE]) for first in range(0, len(crops), _AT_ONCE)]


def _in_parts(make: Callable[[Tensor, Tensor], Tensor], crops: np.ndarray, frames: Tensor) -> Tensor:
    return torch.cat([make(torch.from_numpy(part), own)
                      for part, own in zip(_parts(crops), frames.split(_AT_ONCE), strict=True)])


def _both_ways(make: Callable[[Tensor, Tensor], Tensor], crops: np.ndarray, frames: Tensor) -> Tensor:
    return torch.cat([_in_parts(make, crops[:, :, ::way], part)
                      for way, part in zip((1, -1), frames.chunk(2), strict=True)])
