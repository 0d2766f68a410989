"""Four motion tokens of a picture, after X-UniMotion (arXiv 2508.09383): what face, body and hands do, not whose.

Each token is read from its own picture and decoded by its own decoder, so that a token that is exchanged changes its
part of the motion and nothing else. The paper's decoder draws the person that it is told; ours gives the rotations of
that person's bones (`body_joints`, `hand_points` put them on the lengths of their bones) and what they look like in
depth. Right hands are seen in a mirror, as left ones.

Frames: rotations are each against the bone above in the frame of the rest pose (x to the person's left, y up, z to the
front; SMPL's T); the pelvis's is against the camera turned to that frame, as `TO_BODY` in addon.characters.body_pose.
"""
from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core import coefficients
from addon.core.body_motion import JOINTS, PARENTS
from addon.core.network import Network
from training.narrow_weights import narrow
from training.x2c_model import Residual

FOLDER: Final = Path(__file__).parent / "models" / "motion_tokens"
DECODERS: Final = FOLDER.with_name("motion_token_decoders")
WIDTHS: Final = {"face": 64, "body": 64, "left": 32, "right": 32}
"""Of each token, in their order."""
_ENDS: Final = np.cumsum([0, *WIDTHS.values()])
SLICES: Final = {name: slice(int(_ENDS[i]), int(_ENDS[i + 1])) for i, name in enumerate(WIDTHS)}
"""Token → its columns of the 192."""
TOKENS: Final = int(_ENDS[-1])
SIDES: Final = {"picture": 128, "face": 64, "left": 48, "right": 48}
"""Of each picture, px."""
FINGER_JOINTS: Final = 15
DEPTH_SIDE: Final = 16
CUT: Final = 96
"""px of the square that a figure is cut out as."""
HEAT_SIDE: Final = CUT // 8
MARKS: Final = len(JOINTS)
_MIRROR: Final = torch.tensor([-1.0, 1.0, 1.0])
_BATCH: Final = 64


def mirrored(rotations: Tensor) -> Tensor:
    """Rotations [..., 3, 3] as a mirror across the body's middle shows them; sides are not exchanged."""
    return rotations * _MIRROR[:, None] * _MIRROR


def rotation_of(six: Tensor) -> Tensor:
    """[..., 6] → rotations [..., 3, 3], whose first two columns come nearest (Zhou et al., CVPR 2019); 0 = identity."""
    start = torch.tensor([1.0, 0, 0, 0, 1.0, 0], device=six.device)
    first, second = (six + start).split(3, -1)
    first = functional.normalize(first, dim=-1)
    second = functional.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    a, b, c = first.unbind(-1)
    d, e, f = second.unbind(-1)
    third = torch.stack([b * f - c * e, c * d - a * f, a * e - b * d], -1)  # onnx has no cross product
    return torch.stack([first, second, third], -1)


def turned(rotations: Tensor) -> Tensor:
    """Rotations against the bone above [B, 22, 3, 3] → against the camera."""
    whole: list[Tensor] = []
    for joint, parent in enumerate(PARENTS):
        whole.append(rotations[:, joint] if parent < 0 else whole[parent] @ rotations[:, joint])
    return torch.stack(whole, 1)


def body_joints(rotations: Tensor, bones: Tensor) -> Tensor:
    """Places [B, 22, 3] m from the pelvis, y up, of whom these `bones` are: from the joint above at rest [B, 22, 3]."""
    whole = turned(rotations)
    places = [torch.zeros_like(bones[:, 0])]
    for joint, parent in enumerate(PARENTS[1:], 1):
        places.append(places[parent] + (whole[:, parent] @ bones[:, joint, :, None])[..., 0])
    return torch.stack(places, 1)


def hand_points(wrist: Tensor, fingers: Tensor, bones: Tensor) -> Tensor:
    """MediaPipe's 21 points [B, 21, 3] m from the wrist, y up; `bones` [B, 21, 3] from the point above at rest.

    The wrist [B, 3, 3] is turned against the camera, the fingers [B, 15, 3, 3] against the bone above.
    """
    points = [torch.zeros_like(bones[:, 0])]
    for finger in range(5):
        whole, place = wrist, points[0]
        for part in range(4):
            place = place + (whole @ bones[:, 1 + 4 * finger + part, :, None])[..., 0]
            points.append(place)
            if part < 3:
                whole = whole @ fingers[:, 3 * finger + part]
    return torch.stack(points, 1)


def _even(pictures: Tensor) -> Tensor:
    """Pictures with the mean and the spread of their colours taken off."""
    middle = pictures.mean((2, 3), keepdim=True)
    return (pictures - middle) / torch.sqrt(((pictures - middle) ** 2).mean((1, 2, 3), keepdim=True) + 4e-4)


def _token(raw: Tensor) -> Tensor:
    """Of a length that makes its numbers about 1, so that only its direction says something."""
    return functional.normalize(raw, dim=1) * raw.shape[1] ** 0.5


def _first(outward: int, stride: int) -> nn.Sequential:
    size = 3 + stride
    layer = nn.Conv2d(3, outward, size + 1 - size % 2, stride, size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outward), nn.ReLU(inplace=True))


def _plain(*widths: int) -> nn.Sequential:
    """Plain layers; the last one without a function."""
    layers: list[nn.Module] = []
    for inward, outward in pairwise(widths):
        layers += [nn.Linear(inward, outward), nn.BatchNorm1d(outward), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


class CropEncoder(nn.Module):
    """A face or a left hand [B, 3, S, S] → its token; S is a multiple of 8."""

    def __init__(self, side: int, token: int, wide: int = 1) -> None:
        super().__init__()
        a, b, c = 16 * wide, 32 * wide, 64 * wide
        self.body = nn.Sequential(
            _first(a, 2), Residual(a, b, 2), Residual(b, c, 2), nn.Conv2d(c, b, 1), nn.BatchNorm2d(b), nn.ReLU(),
            nn.Flatten(),
        )
        self.token = _plain(b * (side // 8) ** 2, 128 * wide, token)

    def forward(self, crops: Tensor) -> Tensor:
        """See the class."""
        return _token(self.token(self.body(_even(crops))))


class BodyEncoder(nn.Module):
    """A figure in a picture [B, 3, 128, 128] → its token.

    First it is looked for in a picture of a quarter of the size, then cut out, so that neither place nor size tells
    anything. The token is made of where the joints are believed to be in what was cut out, relative to their middle and
    size, of what is seen at each of them, and of a small map of the whole.
    """

    places: Tensor

    def __init__(self, token: int, wide: int = 1) -> None:
        super().__init__()
        a, b, c = 32 * wide, 64 * wide, 96 * wide
        self.where = nn.Sequential(_first(16, 2), Residual(16, 32, 2), Residual(32, 32, 2), nn.Flatten(),
                                   nn.Linear(32 * 4 * 4, 3))
        # The first layer sees four px at once: another one between made it half as fast.
        self.low = nn.Sequential(_first(a, 4), Residual(a, b, 2), Residual(b, b), Residual(b, b))
        self.heat, self.look = nn.Conv2d(b, MARKS, 1), nn.Conv2d(b, 16, 1)
        self.high = nn.Sequential(Residual(b, c, 2), nn.Conv2d(c, 32, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten())
        self.token = _plain(32 * (HEAT_SIDE // 2) ** 2 + MARKS * (2 + 16), 256 * wide, 128 * wide, token)
        cells = (torch.arange(HEAT_SIDE) + 0.5) / HEAT_SIDE
        self.register_buffer("places", torch.stack([cells.repeat(HEAT_SIDE), cells.repeat_interleave(HEAT_SIDE)], 1))

    def box(self, small: Tensor) -> Tensor:
        """Pictures of a quarter of the size [B, 3, 32, 32] → the figure's middle and half its side [B, 3], 0..1."""
        found = self.where(_even(small))
        return torch.cat([found[:, :2] + 0.5, found[:, 2:] + 0.4], 1)

    def read(self, figures: Tensor) -> tuple[Tensor, Tensor]:
        """What was cut out [B, 3, 96, 96] → the token, and how much each joint is in each cell [B, 22, 12 · 12]."""
        low = self.low(_even(figures))
        heat = self.heat(low).flatten(2)
        share = heat.softmax(2)
        marks = share @ self.places
        seen = share @ self.look(low).flatten(2).transpose(1, 2)
        middle = marks.mean(1, keepdim=True)
        size = torch.sqrt(((marks - middle) ** 2).sum(2, keepdim=True).mean(1, keepdim=True) + 1e-4)
        told = torch.cat([((marks - middle) / size).flatten(1), seen.flatten(1), self.high(low)], 1)
        return _token(self.token(told)), heat

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        box = self.box(functional.avg_pool2d(pictures, 4))
        return self.read(cut_out(pictures, box[:, :2], box[:, 2].clamp(0.1, 1.0)))[0]


def cut_out(pictures: Tensor, middle: Tensor, half: Tensor) -> Tensor:
    """Squares [B, 3, 96, 96] around `middle` [B, 2], half their side [B], both in 0..1 of the pictures."""
    steps = (torch.arange(CUT, device=pictures.device) + 0.5) / CUT * 2 - 1
    across = 2 * middle[:, :1] - 1 + 2 * half[:, None] * steps
    down = 2 * middle[:, 1:] - 1 + 2 * half[:, None] * steps
    grid = torch.stack([across[:, None, :].expand(-1, CUT, -1), down[:, :, None].expand(-1, -1, CUT)], 3)
    return functional.grid_sample(pictures, grid, align_corners=False, padding_mode="border")


class TokenEncoder(nn.Module):
    """Pictures, 0..1 RGB, of one person → the four tokens."""

    def __init__(self, wide: int = 1) -> None:
        super().__init__()
        self.face = CropEncoder(SIDES["face"], WIDTHS["face"], wide)
        self.body = BodyEncoder(WIDTHS["body"], wide)
        self.hand = CropEncoder(SIDES["left"], WIDTHS["left"], wide)

    def forward(self, picture: Tensor, face: Tensor, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        """[B, 3, 128, 128], [B, 3, 64, 64], two of [B, 3, 48, 48] → by name [B, WIDTHS]."""
        return {"face": self.face(face), "body": self.body(picture), "left": self.hand(left),
                "right": self.hand(right.flip(3))}


class TokenDecoders(nn.Module):
    """Tokens → the motion of their part, for a humanoid whose bones may have any length."""

    def __init__(self, wide: int = 1) -> None:
        super().__init__()
        hidden = 256 * wide
        self.face = _plain(WIDTHS["face"], hidden, coefficients.COUNT)
        self.body = _plain(WIDTHS["body"], hidden, 6 * MARKS)
        self.hand = _plain(WIDTHS["left"], hidden, 6 * (FINGER_JOINTS + 1))
        self.depth = _plain(WIDTHS["body"] + 3 * MARKS, hidden, 2 * DEPTH_SIDE**2)

    def rotations(self, body: Tensor) -> Tensor:
        """z_body [B, 64] → [B, 22, 3, 3]."""
        return rotation_of(self.body(body).reshape(-1, MARKS, 6))

    def hands(self, hand: Tensor) -> tuple[Tensor, Tensor]:
        """A left hand's token [B, 32] → how its wrist is turned against the camera [B, 3, 3], fingers [B, 15, 3, 3]."""
        found = rotation_of(self.hand(hand).reshape(-1, FINGER_JOINTS + 1, 6))
        return found[:, 0], found[:, 1:]

    def look(self, body: Tensor, bones: Tensor) -> tuple[Tensor, Tensor]:
        """z_body and the `bones` [B, 22, 3] of whom it shall be → logit of the figure being there, depth; [B, 16, 16].

        Seen as `motion_token_data.depth_around` cuts it out. Only for learning.
        """
        found = self.depth(torch.cat([body, 10 * bones.flatten(1)], 1)).reshape(-1, 2, DEPTH_SIDE, DEPTH_SIDE)
        return found[:, 0], found[:, 1]

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 192] → rotations [B, 22, 3, 3], fingers [B, 2, 15, 3, 3], coefficients [B, 54]."""
        part = {name: tokens[:, columns] for name, columns in SLICES.items()}
        left, right = self.hands(part["left"])[1], mirrored(self.hands(part["right"])[1])
        return self.rotations(part["body"]), torch.stack([left, right], 1), self.face(part["face"]).clamp(0, 1)


class _Deployed(nn.Module):
    """The encoder as it is kept: uint8 pictures as they lie in the shards, 16-bit weights in the plain layers."""

    def __init__(self, encoder: TokenEncoder) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).cpu().eval()
        narrow(self.encoder)

    def forward(self, picture: Tensor, face: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """[N, S, S, 3] each → [N, 192]."""
        seen = [each.permute(0, 3, 1, 2).float() / 255 for each in (picture, face, left, right)]
        return torch.cat(list(self.encoder(*seen).values()), 1)


def deployed(encoder: TokenEncoder) -> nn.Module:
    """What `export` writes."""
    return _Deployed(encoder).eval()


def export(encoder: TokenEncoder, decoders: TokenDecoders, folder: Path = FOLDER) -> None:
    """Write the encoder as `folder`/model.onnx and the decoders beside that folder (opset 17)."""
    pictures = tuple(torch.zeros(2, side, side, 3, dtype=torch.uint8) for side in SIDES.values())
    plain = copy.deepcopy(decoders).cpu().eval()
    narrow(plain)
    for module, example, inputs, outputs, place in (
        (deployed(encoder), pictures, list(SIDES), ["tokens"], folder),
        (plain, (torch.zeros(2, TOKENS),), ["tokens"], ["rotations", "fingers", "coefficients"],
         folder.with_name(DECODERS.name)),
    ):
        place.mkdir(parents=True, exist_ok=True)
        torch.onnx.export(
            module, example, str(place / "model.onnx"), dynamo=False, opset_version=17, do_constant_folding=False,
            input_names=inputs, output_names=outputs, dynamic_axes={name: {0: "n"} for name in (*inputs, *outputs)},
        )


def load_tokens(
    path: Path = FOLDER / "model.onnx",
) -> Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """The kept encoder: picture, face, left and right uint8 [N, S, S, 3] RGB → tokens float32 [N, 192] (SLICES).

    Raises:
        SemblanceError: if it is not there, or not what its card says.
    """
    network = Network(path.parent, "Motion tokens")

    def tokens(*pictures: np.ndarray) -> np.ndarray:
        parts = [
            network.run(["tokens"], **{name: np.ascontiguousarray(each[first:first + _BATCH])
                                       for name, each in zip(SIDES, pictures, strict=True)})[0]
            for first in range(0, len(pictures[0]), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, TOKENS), np.float32)

    return tokens


def load_decoders(
    path: Path = DECODERS / "model.onnx",
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The kept decoders: tokens [N, 192] → rotations [N, 22, 3, 3], fingers [N, 2, 15, 3, 3], coefficients [N, 54].

    Raises:
        SemblanceError: as `load_tokens`.
    """
    network = Network(path.parent, "Motion tokens")

    def motion(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rotations, fingers, values = network.run(["rotations", "fingers", "coefficients"],
                                                 tokens=tokens.astype(np.float32))
        return rotations, fingers, values

    return motion
