"""The pictures that the animator's look learns from: crops of a character, and where its face's square is in them.

The crop trembles with what the tracker makes of the face; the head's place in the whole picture does not, as the
controls are known (`head_frames.py`). So the square is found there and followed into the crop.
"""
from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from addon.core.frames import CROP_SIZE
from addon.core.pair_set import TRAINING, read_pairs
from addon.core.rig_profile import RigProfile
from training.animator_data import AT_REST, at_hand, faces_of, kept_arrays
from training.animator_look import FACE_PX, Sights
from training.head_frames import PICTURE_PX, head_frames

_HEAD: Final = ("head", "neck")


def read_sights(profile: RigProfile, pairs: Path, folder: Path, most: int) -> Sights:
    """The crops of up to `most` training pictures of a character, and where its face is in them; kept in `folder`."""
    source = pairs / profile.name.lower()
    path = folder / f"sights_{source.name}_{at_hand(source, most)}.npz"
    kept = kept_arrays(path, lambda: _sights(profile, source, most))
    crops, frames = kept["crops"], torch.from_numpy(kept["frames"])
    mirror = torch.tensor([[1.0, -1, -1], [-1, 1, 1]])
    return Sights(crops, torch.cat([frames, frames * mirror]), kept["controls"])


def _sights(profile: RigProfile, source: Path, most: int) -> dict[str, np.ndarray]:
    crops, cuts, pictures, controls = [], [], [], []
    header, shards = read_pairs(source, TRAINING)
    for shard in shards:
        for face, cut in faces_of(profile, shard):
            crops.append(face.crop)
            cuts.append(cut)
        pictures += [cv2.resize(each[..., ::-1], (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
                     for each in shard.images]
        controls.append(shard.controls)
        if len(pictures) >= most:
            break
    values, rig = np.concatenate(controls), profile.control_set
    head = [column for column, control in enumerate(rig.controls) if control.group.lower() in _HEAD]
    turned, other = (rig.shares(each)[:, head].astype(np.float32) for each in (values, rig.mirrored(values)))
    places, small = _crop_places(np.stack(cuts), header.size), np.stack(pictures)
    still = np.abs(rig.shares(values)).max(1) < AT_REST
    usual = np.nanmedian(places[still], 0)
    start = usual * [[FACE_PX / CROP_SIZE, 0, 1], [0, FACE_PX / CROP_SIZE, 1]]
    start[0, 2] = 0
    both = np.concatenate([small, small[:, :, ::-1]])
    frames = head_frames(both, np.concatenate([turned, other]), start)[:len(small)]
    places[~np.isfinite(places).all((1, 2))] = usual
    inside = np.linalg.inv(_square(places)) @ _square(frames)
    return {"crops": np.stack(crops), "frames": inside[:, :2].astype(np.float32), "controls": values}


def _crop_places(cuts: np.ndarray, side: int) -> np.ndarray:
    """float64 [N, 2, 3]: the crop → the picture of `side` px, both -1..1, of what cut the crops out [N, 2, 3] px."""
    centre = (CROP_SIZE - 1) / 2
    of_crop = np.array([[CROP_SIZE / 2, 0, centre], [0, CROP_SIZE / 2, centre], [0, 0, 1]])
    of_picture = np.array([[2 / side, 0, 1 / side - 1], [0, 2 / side, 1 / side - 1], [0, 0, 1]])
    return (of_picture @ np.linalg.inv(_square(cuts)) @ of_crop)[:, :2]


def _square(maps: np.ndarray) -> np.ndarray:
    """Affine maps [N, 2, 3] as [N, 3, 3]."""
    return np.concatenate([maps, np.tile(np.array([[[0.0, 0, 1]]]), (len(maps), 1, 1))], 1)
