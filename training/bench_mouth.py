"""Do lips and lids of our characters close when the performer's do? Measured on their meshes, as Blender makes them.

The gap is the widest place of a mouth or an eye in per cent of the face's width (`slits`). Beside it, on the same
faces, the gap without the contact rules (addon.characters.lip_contact, rig_lips and lid_contact). Closed lips are those
of unseen synthetic people whose own shapes, made of the true coefficients, close theirs; blinks are those of the demo
clip (truth.csv) and those counted in the webcam video.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from addon.characters.acting import Decodes, act
from addon.characters.decoder import load_decoder
from addon.characters.lid_contact import shutting
from addon.characters.lip_contact import touching
from addon.commands import demo
from addon.core import coefficients
from addon.core.frames import ExpressionTrack, FaceFrame
from addon.expression.encoder import Encoder
from addon.live.performance import record_take
from training.bench_real import CLIP, read_blinks
from training.figures import Row
from training.lip_weights import parting
from training.make_expression_data import test_set
from training.performers import SHAPES, shared_folder
from training.slits import CHARACTERS, CharacterSlits, Slits

_FACES: Final = 200
_CLOSED: Final = 0.25
"""Per cent of the face's width up to which lips count as closed."""
_WORST: Final = 0.95
"""The share of all faces that is at most so far open."""
_AROUND: Final = 3
"""Frames on either side of a blink's true peak in which the lids may be narrowest."""
_BLINK: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
WITHOUT: Final = "the same without contact rules"
_BLINKS: Final = Path(__file__).with_name("webcam_blinks.toml")


@dataclass(frozen=True)
class Seen:
    """Test faces as the encoder reads them, each by itself: neither calibrated nor smoothed."""

    track: ExpressionTrack
    true: np.ndarray
    """float32 [N, 54]."""


@cache
def seen(kind: str) -> Seen:
    """The faces of a test set that the tracker found."""
    faces = test_set(kind, Path("out/expression"))
    rows = np.flatnonzero(faces["found"])
    frames = [FaceFrame(float(row), True, faces["landmarks"][row], 1.0, faces["crops"][row]) for row in rows]
    track = Encoder().encode(frames)
    return Seen(replace(track, coefficients=track.coefficients.clip(0, 1)), faces["coefficients"][rows])


def measure_lips() -> dict[str, Row]:
    """The lips of all characters for closed lips of unseen people; the worst character's figure. A minute."""
    gaps = {name: lip_gaps(*_character(name)) for name in CHARACTERS}
    worst, rival = (max(float(np.quantile(each[way], _WORST)) for each in gaps.values()) for way in (0, 1))
    means = ", ".join(f"{name} {each[0].mean():.2f} ({each[1].mean():.2f})" for name, each in gaps.items())
    unit = f"% of face width, 95 of 100; mean {means}"
    return {"animator.lip_gap": Row(worst, rival, WITHOUT, unit, "<= 2")}


def measure_lids() -> dict[str, Row]:
    """The lids of all characters in blinks of two videos, as takes have them; the mean of the worst character."""
    gaps = {name: lid_gaps(*_character(name)) for name in CHARACTERS}
    worst, rival = (max(float(each[way].mean()) for each in gaps.values()) for way in (0, 1))
    means = ", ".join(f"{name} {each[0].mean():.2f} ({each[1].mean():.2f})" for name, each in gaps.items())
    return {"animator.lid_gap": Row(worst, rival, WITHOUT, f"% of face width; {means}", "<= 2")}


def lip_gaps(slits: Slits, decoder: Decodes) -> tuple[np.ndarray, np.ndarray]:
    """The gaps [N] of a head's lips for closed lips of unseen people, with the contact rules and without."""
    faces = seen("random")
    open_ = (faces.true[:, :SHAPES] @ parting().T).max(axis=1)
    closed = np.random.default_rng(0).permutation(np.flatnonzero(open_ <= _CLOSED))[:_FACES]
    ours, without = (slits.gaps(values)[:, 0] for values in _played(slits, decoder, _rows(faces.track, closed)))
    return ours, without


def lid_gaps(slits: Slits, decoder: Decodes) -> tuple[np.ndarray, np.ndarray]:
    """The gaps [N] of a head's lids in the blinks of two videos, with the contact rules and without."""
    ways: tuple[list[float], list[float]] = ([], [])
    for track, blinks in _blinks_of_videos():
        for first, last in blinks:
            rows = np.arange(max(first, 0), min(last + 1, len(track)))
            for way, values in zip(ways, _played(slits, decoder, _rows(track, rows)), strict=True):
                way.append(float(slits.gaps(values)[:, 1:].min(axis=0).mean()))
    return np.array(ways[0]), np.array(ways[1])


def measure_open_lips() -> dict[str, Row]:
    """What the rules cost: mean correlation of mouth, jaw and blinks with the truth, lost on held-out performances."""
    faces = seen("performance")
    judged = np.flatnonzero(coefficients.in_group("mouth") | coefficients.in_group("jaw"))
    judged = np.concatenate([judged, _BLINK])
    before, after = faces.track.coefficients, touching(shutting(faces.track.coefficients))
    r, r_before = (np.nanmean(demo.correlations(each, faces.true)[judged]) for each in (after, before))
    return {"animator.contact_costs": Row(float(r_before - r), 0.0, WITHOUT, "mean r lost", "<= 0.005")}


def _character(name: str) -> tuple[Slits, Decodes]:
    slits = CharacterSlits(name)
    return slits, load_decoder(slits.profile)


def _played(slits: Slits, decoder: Decodes, track: ExpressionTrack) -> tuple[np.ndarray, np.ndarray]:
    """The controls [T, K] with the contact rules and without."""
    return act(track, decoder, slits.profile.control_set).values, decoder.decode(track).values


def _rows(track: ExpressionTrack, rows: np.ndarray) -> ExpressionTrack:
    """Some frames of a track."""
    kept = (track.coefficients, track.embedding, track.gaze, track.head, track.confidence)
    return ExpressionTrack(np.arange(len(rows), dtype=np.float64), *(each[rows] for each in kept))


@cache
def _blinks_of_videos() -> list[tuple[ExpressionTrack, list[tuple[int, int]]]]:
    """The smoothed tracks and the blinks' first and last frames of the demo clip and the webcam video."""
    lids = demo.read_truth(demo.TRUTH)[0][:, _BLINK].mean(1)
    shut = lids >= 0.99
    peaks = [row for row in range(1, len(lids)) if shut[row] and not shut[row - 1]]
    made = [(peak - _AROUND, peak + _AROUND) for peak in peaks]
    counted = [(first - _AROUND, last + _AROUND) for first, last in read_blinks(_BLINKS)[0]]
    webcam = str(shared_folder() / "data" / CLIP)
    return [(record_take(address).smoothed, blinks) for address, blinks in ((str(demo.CLIP), made), (webcam, counted))]


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("animator.lip_gap",): measure_lips,
    ("animator.lid_gap",): measure_lids,
    ("animator.contact_costs",): measure_open_lips,
}
