"""A set of pairs on disk: pictures of one character with the controls that made them, in shards.

A folder with `pairs.json`, which says how the set was made, and shards `00000.npz`, `00001.npz` ... of SHARD pairs (the
last may have fewer). A pair depends on nothing but the header's `seed` and its own number, so any process can make any
shard, and a set grows without being made again. Each shard carries the fingerprint of its header: one that strayed in
from another set is refused. Nothing is pickled.

A set is for training or it is a test set, and whoever reads it has to say which one is meant.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from .arrays import opened_arrays, write_arrays
from .errors import SemblanceError
from .files import write_bytes
from .frames import LANDMARK_COUNT

VERSION: Final = 1
SHARD: Final = 32
"""Pairs in a shard: some seconds of work, all that a stop can cost."""
HEADER: Final = "pairs.json"
TRAINING: Final = "training"
TEST: Final = "test"
_FORMAT: Final = "semblance pairs"


@dataclass(frozen=True)
class PairHeader:
    """How a set was made; two sets with the same header have the same pairs."""

    purpose: str
    """TRAINING or TEST."""
    character: str
    profile: str
    """sha256 of the rig profile."""
    blend: str
    """sha256 of the character's .blend file."""
    controls: tuple[str, ...]
    """[K], their names."""
    kinds: tuple[str, ...]
    """What `Shard.kinds` counts into."""
    size: int
    """px, of the square pictures."""
    seed: int
    sources: dict[str, str] = field(default_factory=dict)
    """sha256 of what else the values come from: key poses, takes, networks."""
    made_by: dict[str, str] = field(default_factory=dict)
    """Versions of Semblance, Blender and the sampling."""

    @property
    def fingerprint(self) -> str:
        """sha256 over all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def rng(self, number: int) -> np.random.Generator:
        """The random numbers of pair `number`; those of a test set never come up in training, whatever the seed."""
        return np.random.default_rng([int(self.purpose == TEST), self.seed, number])


@dataclass(frozen=True)
class Shard:
    """Some pairs, n of them."""

    images: np.ndarray
    """uint8 [n, size, size, 3], RGB."""
    controls: np.ndarray
    """float32 [n, K], rig units."""
    kinds: np.ndarray
    """uint8 [n], indices into the header's kinds."""
    landmarks: np.ndarray
    """float32 [n, 478, 3], px of the picture; NaN where no face was found."""
    confidence: np.ndarray
    """float32 [n], 0..1: probability that the picture shows a face."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def found(self) -> np.ndarray:
        """bool [n]: a face was found."""
        return np.isfinite(self.landmarks[:, 0, 0])


def write_header(folder: Path, header: PairHeader, count: int) -> None:
    """Write what a set of `count` pairs is.

    Raises:
        SemblanceError: if the folder cannot be written.
    """
    data = {"format": _FORMAT, "version": VERSION, "count": count, **asdict(header)}
    write_bytes(folder / HEADER, (json.dumps(data, indent=1) + "\n").encode())


def read_header(folder: Path) -> tuple[PairHeader, int]:
    """The header of a set, and how many pairs were asked for.

    Raises:
        SemblanceError: if there is no set, it is damaged, or a newer Semblance made it.
    """
    path = Path(folder) / HEADER
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise SemblanceError(f"There are no pairs in '{folder}': cannot read '{path}': {error.strerror}.") from error
    except ValueError as error:
        raise SemblanceError(f"'{path}' is damaged; delete it and make the pairs again.") from error
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise SemblanceError(f"'{path}' is not the header of a set of pairs.")
    if data.get("version") != VERSION:
        raise SemblanceError(
            f"'{path}' has version {data.get('version')!r}, this Semblance reads {VERSION}; make the pairs again."
        )
    try:
        return _header(data), _whole(data["count"])
    except (KeyError, TypeError, ValueError) as error:
        raise SemblanceError(f"'{path}' is damaged ({error}); delete it and make the pairs again.") from error


def write_shard(folder: Path, number: int, shard: Shard, header: PairHeader) -> None:
    """Write shard `number`, whole or not at all.

    Raises:
        SemblanceError: if it cannot be written.
    """
    arrays = {each.name: getattr(shard, each.name) for each in fields(shard)}
    write_arrays(shard_path(folder, number), bytes.fromhex(header.fingerprint), arrays)


def read_shard(folder: Path, number: int, header: PairHeader) -> Shard:
    """Shard `number` of the set with that header.

    Raises:
        SemblanceError: if it is missing, damaged or from another set.
    """
    path = shard_path(folder, number)
    damaged = f"'{path}' is damaged; run the same 'semblance pairs' again, which makes it anew."
    with opened_arrays(path, f"'{path}', which 'semblance pairs' makes", damaged) as file:
        fingerprint = file["header"].tobytes().hex()
        shard = Shard(*(file[each.name] for each in fields(Shard)))
    if fingerprint != header.fingerprint:
        raise SemblanceError(f"'{path}' belongs to another set of pairs than '{folder}'; delete it.")
    if not _fits(shard, header):
        raise SemblanceError(damaged)
    return shard


def read_pairs(folder: Path, purpose: str) -> tuple[PairHeader, Iterator[Shard]]:
    """A whole set: its header, and its shards one after the other.

    Args:
        purpose: TRAINING or TEST; what the caller is going to do with the pairs.

    Raises:
        SemblanceError: if there is no such set, or it is for the other purpose.
    """
    header, count = read_header(folder)
    if header.purpose != purpose:
        raise SemblanceError(
            f"'{folder}' is a {header.purpose} set of {header.character} and must not be used for {purpose}; "
            "choose another folder."
        )
    return header, (read_shard(folder, number, header) for number in range(shard_count(count)))


def shard_path(folder: Path, number: int) -> Path:
    """Where shard `number` is."""
    return Path(folder) / f"{number:05}.npz"


def shard_count(count: int) -> int:
    """How many shards hold `count` pairs."""
    return -(-count // SHARD)


def _header(data: dict[str, Any]) -> PairHeader:
    header = PairHeader(
        data["purpose"], data["character"], data["profile"], data["blend"], tuple(data["controls"]),
        tuple(data["kinds"]), _whole(data["size"]), _whole(data["seed"]), dict(data["sources"]), dict(data["made_by"]),
    )
    words = [header.character, header.profile, header.blend, *header.controls, *header.kinds]
    words += [word for table in (header.sources, header.made_by) for pair in table.items() for word in pair]
    if not all(isinstance(word, str) for word in words) or header.purpose not in (TRAINING, TEST):
        raise ValueError("a text is missing")
    return header


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _fits(shard: Shard, header: PairHeader) -> bool:
    """True if the arrays have the shapes and types that they should have, and sensible values."""
    count = len(shard.controls) if shard.controls.ndim else 0
    expected = {
        "images": ("uint8", (header.size, header.size, 3)), "controls": ("float32", (len(header.controls),)),
        "kinds": ("uint8", ()), "landmarks": ("float32", (LANDMARK_COUNT, 3)), "confidence": ("float32", ()),
    }
    declared = all(
        (array := getattr(shard, name)).dtype == dtype and array.shape == (count, *shape)
        for name, (dtype, shape) in expected.items()
    )
    return declared and bool(
        0 < count <= SHARD and np.isfinite(shard.controls).all() and (shard.kinds < len(header.kinds)).all()
    )
