"""A performance of one character carried to another: the controls of the one → those of the other, frame by frame.

    pairs = decoded_pairs(mora, gus)
    transfer = train(mora, gus, pairs)
    track = transfer.transfer(track_of_mora)        # or transfer.transfer_one(frame), live

A trained transfer can be kept in a file (`write_transfer`): a .npz whose member `header` is UTF-8 JSON and whose other
members are arrays. Nothing is pickled. It is of use only while both characters have the controls that it was trained
for.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..core.arrays import opened_arrays, write_arrays
from ..core.control_set import ControlSet
from ..core.errors import SemblanceError
from ..core.frames import ControlFrame, ControlTrack
from ..core.rig_profile import RigProfile
from .transfer_confidence import ARRAYS, Familiarity, Judgement, familiarity
from .transfer_network import MirroredNetwork, PublishedNetwork, arrays_of, train_mirrored, train_published
from .transfer_pairs import PosePairs, decoded_pairs, key_pose_pairs, unmoved

PAIRS: Final = {"DECODERS": decoded_pairs, "KEY_POSES": key_pose_pairs}
"""Where pairs come from by themselves; those that a user poses are the third way (`posed_pairs`)."""
VERSION: Final = 1
_FORMAT: Final = "semblance transfer"
_KINDS: Final = {kind.kind: kind for kind in (MirroredNetwork, PublishedNetwork)}
_DESCRIBED: Final = ("name", "minimum", "maximum", "neutral", "other side", "mirror sign")
"""What a control must keep so that a transfer stays true."""


@dataclass(frozen=True)
class Transfer:
    """From one character to another."""

    source: str
    """The characters' names."""
    target: str
    network: MirroredNetwork | PublishedNetwork
    familiarity: Familiarity
    notes: tuple[str, ...] = ()
    """What the user should know of the pairs."""

    def transfer(self, track: ControlTrack) -> ControlTrack:
        """The source's controls [T, M] → the target's [T, N]."""
        return ControlTrack(track.times_s, self.network(track.values))

    def transfer_one(self, frame: ControlFrame) -> ControlFrame:
        """A single frame, in some 20 µs."""
        return ControlFrame(frame.time_s, self.network(frame.values))

    def judge(self, track: ControlTrack) -> Judgement:
        """How far each frame of the source can be trusted on the target."""
        source = self.network.source
        return self.familiarity.judge(source.shares(np.where(np.isnan(track.values), source.neutral, track.values)))


def train(source: RigProfile, target: RigProfile, pairs: PosePairs, published: bool = False) -> Transfer:
    """Learn from pairs; with `published` the network of the paper instead of ours. Seconds for thousands of pairs."""
    one, other = source.control_set, target.control_set
    network = (train_published if published else train_mirrored)(pairs, one, other)
    return Transfer(source.name, target.name, network, familiarity(pairs, network), unmoved(pairs, one, other))


def write_transfer(transfer: Transfer, path: Path) -> None:
    """Keep a transfer in a file, whole or not at all.

    Raises:
        SemblanceError: if it cannot be written.
    """
    network = transfer.network
    header = {
        "format": _FORMAT, "version": VERSION, "kind": network.kind, "notes": transfer.notes,
        "source": _described(transfer.source, network.source), "target": _described(transfer.target, network.target),
    }
    arrays = arrays_of(network) | {name: getattr(transfer.familiarity, name) for name in ARRAYS}
    write_arrays(path, json.dumps(header).encode(), arrays)


def read_transfer(path: Path, source: RigProfile, target: RigProfile) -> Transfer:
    """A transfer from `source` to `target`.

    Raises:
        SemblanceError: if the file is missing, damaged or of a newer Semblance, or was trained for other controls; the
            sentence names the first one that differs.
    """
    path = Path(path)
    damaged = f"The transfer '{path}' is damaged; train it again."
    with opened_arrays(path, f"the transfer '{path}'", damaged) as file:
        arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays.pop("header").tobytes())
        told, version = header["format"], header["version"]
    if told != _FORMAT:
        raise SemblanceError(f"'{path}' is not a transfer between characters.")
    if version != VERSION:
        raise SemblanceError(
            f"The transfer '{path}' has version {version!r}, this Semblance reads {VERSION}; train it again."
        )
    try:
        for label, profile in (("source", source), ("target", target)):
            _check_controls(header[label], profile, path)
        return _transfer(header, arrays, source, target)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise SemblanceError(damaged) from error


def _described(name: str, controls: ControlSet) -> dict[str, Any]:
    rows = [[c.name, float(c.minimum), float(c.maximum), float(c.neutral), c.pair, int(c.mirror_sign)]
            for c in controls.controls]
    return {"name": name, "controls": rows, "sha256": _hash(rows)}


def _hash(rows: list[Any]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _check_controls(told: dict[str, Any], profile: RigProfile, path: Path) -> None:
    """See that the profile has the controls that the transfer was trained for."""
    now = _described(profile.name, profile.control_set)
    if told["sha256"] != _hash(told["controls"]):
        raise ValueError("the controls are not those of the hash")
    if told["sha256"] == now["sha256"]:
        return
    if told["name"] != profile.name:
        raise SemblanceError(f"The transfer '{path}' was trained for '{told['name']}', not for '{profile.name}'.")
    for trained, own in zip(told["controls"], now["controls"], strict=False):
        if trained[0] != own[0]:
            raise _changed(path, profile, f"where '{own[0]}' is now there was '{trained[0]}'")
        if trained != own:
            what, was = next((what, a) for what, a, b in zip(_DESCRIBED, trained, own, strict=True) if a != b)
            raise _changed(path, profile, f"the {what} of '{own[0]}' was {was!r}")
    longer = max(told["controls"], now["controls"], key=len)
    name = longer[min(len(told["controls"]), len(now["controls"]))][0]
    raise _changed(path, profile, f"'{name}' was {'not ' if longer is now['controls'] else ''}there")


def _changed(path: Path, profile: RigProfile, what: str) -> SemblanceError:
    return SemblanceError(
        f"The controls of '{profile.name}' have changed since the transfer '{path}' was trained: {what}. "
        "Train it again."
    )


def _transfer(
    header: dict[str, Any], arrays: dict[str, np.ndarray], source: RigProfile, target: RigProfile
) -> Transfer:
    """The object of a header and arrays that were read; ValueError if they do not go together."""
    one, other = source.control_set, target.control_set
    kind = _KINDS[header["kind"]]
    known = Familiarity(*(arrays.pop(name) for name in ARRAYS))
    network = kind(one, other, **arrays)
    inward, outward, hidden = len(one), len(other), network.bias.shape[0]
    parts = 2 * inward
    shapes: dict[str, tuple[int, ...]] = {"bias": (hidden,), "output": (hidden, outward)}
    shapes |= {"weights": (parts, hidden), "skip": (parts, outward)} if isinstance(network, MirroredNetwork) else {
        "weights": (inward, hidden), "output_bias": (outward,)}
    shapes |= {"spread": (parts, parts), "usual": (), "missed": (parts + 1,), "unfit": (parts + 1,)}
    for name, array in (arrays_of(network) | {name: getattr(known, name) for name in ARRAYS}).items():
        if array.dtype != np.float32 or array.shape != shapes[name] or not np.isfinite(array).all():
            raise ValueError(f"'{name}' is not what it should be")
    notes = header["notes"]
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise ValueError("the notes are no texts")
    return Transfer(source.name, target.name, network, known, tuple(notes))
