"""What the animator sees of a character's own picture beside the expression that the encoder reads in it.

The aligned crop is straightened first: where the face's square is comes by ridge regression from coarse gradients, and
once more from the straightened ones; it learns from `head_frames.py`, which needs no landmarks. Then oriented gradients
and colours in cells of 4 px, and of 2 px around the mouth, less what the character shows on average, as the principal
components of all characters together. All of it is closed form, nothing of it knows the encoder.
"""
from __future__ import annotations

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

COMPONENTS: Final = 400
LOOK: Final = 2 * COMPONENTS
FACE_PX: Final = 112
"""px of the straightened face, at rest the middle of the crop as it is."""
_MOUTH: Final = (slice(28, 54), slice(12, 44))
"""Cells of 2 px around the mouth."""
_BRIGHT: Final = 64.0
_POINTS: Final = torch.tensor([[-0.5, -0.5, 1], [0.5, -0.5, 1], [0, 0.5, 1]])
"""An affine map is told by where these points of the face's square are."""
_FROM_POINTS: Final = torch.linalg.inv(_POINTS)
_PASSES: Final = 2
_FOLDS: Final = 5
_DAMPING: Final = 0.01
_AT_ONCE: Final = 128


@dataclass(frozen=True)
class Sights:
    """N pictures of one character and then their mirror images, as it is to be learned from them."""

    crops: np.ndarray
    """uint8 [2N, 128, 128, 3] BGR."""
    frames: Tensor
    """[2N, 2, 3]: the face's square → the crop, both -1..1."""
    controls: np.ndarray
    """float32 [N, K], rig units."""


class Look(nn.Module):
    """Crops uint8 [N, 128, 128, 3] BGR and whose faces they show, int64 [N] → [N, LOOK], about 1 in size: components of
    the picture and then of its mirror image."""

    axes: Tensor
    scale: Tensor
    usual: Tensor
    means: Tensor
    weights: Tensor
    biases: Tensor
    grey: Tensor

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.gradients = OrientedGradients()
        coarse, cells = (FACE_PX // 8) ** 2 * 11, (FACE_PX // 4) ** 2 * 11 + 26 * 32 * 11
        self.register_buffer("scale", torch.ones(COMPONENTS))
        for name, shape in (("axes", (cells, COMPONENTS)), ("usual", (characters, cells)),
                            ("means", (characters, _PASSES, coarse)), ("weights", (characters, _PASSES, coarse, 6)),
                            ("biases", (characters, _PASSES, 6))):
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("grey", GREY[:, None, None].clone())

    def forward(self, crops: Tensor, seen: Tensor) -> Tensor:
        """See the class."""
        return torch.cat([self.one_way(crops, seen), self.one_way(crops.flip(2), seen)], 1)

    def one_way(self, crops: Tensor, seen: Tensor) -> Tensor:
        """[N, COMPONENTS]: what is seen without the mirror image."""
        places = _places(self.still(crops.shape[0]))
        for number in range(_PASSES):
            places = places + self._told(self.coarse(crops, _frames(places)), seen, number)
        return self.components(self.cells(crops, _frames(places)), seen)

    def still(self, count: int) -> Tensor:
        """[count, 2, 3]: the face's square in a crop that is as it should be."""
        return torch.tensor([[FACE_PX / CROP_SIZE, 0, 0], [0, FACE_PX / CROP_SIZE, 0]]).expand(count, 2, 3)

    def cells(self, crops: Tensor, frames: Tensor) -> Tensor:
        """[N, 17776]: oriented gradients and colours of straightened faces."""
        fine = self._fine(crops, frames, FACE_PX)
        mouth = fine[:, :, _MOUTH[0], _MOUTH[1]] / 2  # there are four times as many
        return torch.cat([functional.avg_pool2d(fine, 2).flatten(1), mouth.flatten(1)], 1)

    def coarse(self, crops: Tensor, frames: Tensor) -> Tensor:
        """[N, 2156]: the same of faces at half the size, in cells of 4 px."""
        return functional.avg_pool2d(self._fine(crops, frames, FACE_PX // 2), 2).flatten(1)

    def components(self, cells: Tensor, seen: Tensor) -> Tensor:
        """[N, COMPONENTS] of cells."""
        return (cells - self.usual[seen].float()) @ (self.axes.float() * self.scale)

    def narrow(self) -> None:
        """Keep the axes as bytes and the other large tables as 16-bit floats, for a smaller file."""
        largest = self.axes.abs().amax(0)
        self.scale, self.axes = largest / 127, torch.round(self.axes / largest * 127).to(torch.int8)
        for name in ("usual", "means", "weights"):
            setattr(self, name, getattr(self, name).half())

    def learn_frames(self, sights: Sights, character: int) -> Tensor:
        """Fit where the square of a character's face is.

        Returns:
            [2N, 2, 3], what it would say of each picture had it not learned from it: new ones are no worse off.
        """
        wanted, places = _places(sights.frames), _places(self.still(len(sights.crops)))
        for number in range(_PASSES):
            coarse = _in_parts(self.coarse, sights.crops, _frames(places))
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
    """The look of all characters, and components [2N, COMPONENTS] of each one's pictures, as crooked as new ones."""
    look, cells = Look(len(every)), []
    with torch.no_grad():
        for character, sights in enumerate(every):
            frames = look.learn_frames(sights, character)
            cells.append(_in_parts(look.cells, sights.crops, frames).half())
            look.usual[character] = cells[-1].float().mean(0)
        some = torch.cat([each[::2].float() - look.usual[character] for character, each in enumerate(cells)])
        torch.manual_seed(0)
        axes = torch.svd_lowrank(some, COMPONENTS, niter=1)[2]
        look.axes.copy_(axes / (some @ axes).std(0).mean())
        del some
        parts = [torch.cat([look.components(part.float(), torch.full((len(part),), character))
                            for part in each.split(_AT_ONCE)]) for character, each in enumerate(cells)]
        return look, parts


def kept_look(every: list[Sights], path: Path) -> tuple[Look, list[Tensor]]:
    """The same, or what was kept of it at `path`; of other pictures it is learned anew."""
    counts = [len(sights.crops) for sights in every]
    if path.exists() and (kept := torch.load(path, weights_only=True))["counts"] == counts:
        look = Look(len(every))
        look.load_state_dict(kept["look"])
        return look, kept["parts"]
    look, parts = learn_look(every)
    with replacing(path) as partial:
        torch.save({"counts": counts, "look": look.state_dict(), "parts": parts}, partial)
    return look, parts


def looks_at(look: Look, crops: np.ndarray, character: int) -> Tensor:
    """[N, LOOK] of new pictures of a character."""
    with torch.no_grad():
        return torch.cat([look(torch.from_numpy(part), torch.full((len(part),), character)) for part in _parts(crops)])


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
