"""The joint animator beside the decoders that users have: errors, what is seen of it on the characters, what it costs.

Needs pairs of the five characters (semblance pairs) for the first; the card has what is measured while it is taught.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from training.figures import Row

if TYPE_CHECKING:
    from addon.characters.acting import Decodes
    from addon.core.frames import ExpressionTrack
    from addon.core.rig_profile import RigProfile

_MEANING: Final = "by meaning"
_ONE_SIDED: Final = 0.2
"""Faces in which a control and its other side differ so much in the truth, as shares, tell left from right."""
_SHUT: Final = 0.9
_ROUNDS: Final = 300
_TEN: Final = 10


def measure_errors() -> dict[str, Row]:
    """From the card: on own pictures beside the trivial rivals, on all beside networks of one character, and on people
    beside the decoders that go by meaning.
    """
    from addon.core.model_card import read_card
    from training.animator_model import CHARACTERS
    from training.animator_report import KINDS, MEANING, MODEL, TRIVIAL

    quality = read_card(MODEL).data["quality"]
    own = {way: np.array(errors) for way, errors in quality[KINDS[0]].items()}
    best = np.min([own[way] for way in TRIVIAL], axis=0)
    each = ", ".join(f"{name} {ratio:.2f}" for name, ratio in zip(CHARACTERS, own["ours"] / best, strict=True))
    blind = np.min([own[way] for way in TRIVIAL if way.endswith(("mean", "reading"))], axis=0)
    joint, alone = (np.mean([quality[kind][way] for kind in KINDS]) for way in ("ours", "alone"))
    played = {way: float(np.mean(quality[KINDS[2]][way])) for way in ("ours", MEANING)}
    return {
        "animator.joint_mae_ratio": Row(float((own["ours"] / best).max()), 1.0, f"best trivial ({each})", "ratio",
                                        "<= 0.5"),
        "animator.joint_blind_ratio": Row(float((own["ours"] / blind).max()), 1.0, "best trivial without the look",
                                          "ratio", "report"),
        "animator.joint_to_alone": Row(float(joint / alone), 1.0, "a network for each character", "ratio", "<= 1.05"),
        "animator.joint_people_mae": Row(played["ours"], played[MEANING], f"{MEANING}, performances", "-1..1",
                                         "report"),
    }


def measure_cost() -> dict[str, Row]:
    """An expression on ten characters at once against one, on one thread; the median of many."""
    import onnxruntime

    from training.animator_model import CHARACTERS, unseen
    from training.animator_report import MODEL
    from training.pip_pairs import INPUTS

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(MODEL / "model.onnx"), options, providers=["CPUExecutionProvider"])
    expression, cast = np.full((1, INPUTS), 0.1, np.float32), np.arange(_TEN, dtype=np.int64) % len(CHARACTERS)
    spent: dict[int, list[float]] = {1: [], _TEN: []}
    for _ in range(_ROUNDS):
        for count, times in spent.items():
            begun = time.perf_counter()
            session.run(None, {"expression": expression, "character": cast[:count], **unseen(1)})
            times.append(time.perf_counter() - begun)
    one, ten = (float(np.median(times)) for times in spent.values())
    return {"animator.ten_at_once": Row(ten / one, None, f"one takes {one * 1e6:.0f} µs", "× one", "<= 1.5")}


@dataclass(frozen=True)
class SeenByUsers:
    """What shows of a decoder on one character when people play it."""

    class_kept: float
    """Share of class faces whose nearest hand-made key pose is of the class that was meant."""
    lip_gap: float
    """Per cent of the face's width, 95 of 100 closed mouths, contact rules included."""
    lids: float
    """Error of the eyelids' controls, as shares, where the performer's eyes are shut."""
    sides: float
    """Correlation with the truth of the difference between both sides, where they differ."""


def measure_seen() -> dict[str, Row]:
    """Both decoders on all five characters, in the units of SeenByUsers; nothing is drawn."""
    from addon.characters.decoder import load_decoder
    from addon.core.rig_profile import find_profile
    from training.animator_model import CHARACTERS, AnimatorDecoder
    from training.animator_report import MODEL

    faces = _Faces()
    profiles = [find_profile(name) for name in CHARACTERS]
    ours, theirs = ([seen_by_users(profile, make(profile), faces) for profile in profiles]
                    for make in (lambda profile: AnimatorDecoder(MODEL, profile), load_decoder))

    def row(name: str, unit: str) -> Row:
        one, other = (float(np.mean([getattr(each, name) for each in ways])) for ways in (ours, theirs))
        return Row(one, other, _MEANING, unit, "report")

    return {"animator.joint_class_kept": row("class_kept", "share meant = class of the nearest key pose"),
            "animator.joint_lip_gap": row("lip_gap", "% of face width, 95 of 100 closed mouths"),
            "animator.joint_lids": row("lids", "error of eyelids' shares in blinks"),
            "animator.joint_sides": row("sides", "r of the sides' difference")}


class _Faces:
    """What is asked: class faces and performances of unseen people, read and exact."""

    def __init__(self) -> None:
        from training.bench_mouth import seen
        from training.bench_recognisers import OUT, first_people
        from training.class_faces import TEST_PEOPLE, test_faces
        from training.evaluate import encode
        from training.lip_weights import parting
        from training.performers import SHAPES

        columns = first_people(test_faces(OUT), TEST_PEOPLE)
        self.classes, self.class_faces = columns["expression_class"], _track(encode(columns)[0])
        played = seen("performance")
        self.read, self.true = played.track, _track(played.true)
        self.closed = (played.true[:, :SHAPES] @ parting().T).max(axis=1) <= 0.25


def _track(values: np.ndarray) -> ExpressionTrack:
    from addon.core.coefficients import gaze_of
    from training.pip_pairs import as_track

    count = len(values)
    return as_track(np.concatenate([values, gaze_of(values).reshape(count, 4), np.zeros((count, 3))], axis=1,
                                   dtype=np.float32))


def seen_by_users(profile: RigProfile, decoder: Decodes, faces: _Faces) -> SeenByUsers:
    """A decoder's figures; the truth is what the exact coefficients mean on the character."""
    from addon.characters.acting import act
    from addon.characters.decoder import load_decoder
    from addon.core import coefficients
    from training.bench_recognisers import pose_classes

    controls = profile.control_set
    kept = float((pose_classes(profile, decoder.decode(faces.class_faces).values) == faces.classes).mean())
    values = act(faces.read, decoder, controls).values
    shares, true = controls.shares(values), controls.shares(load_decoder(profile).decode(faces.true).values)
    gap = decoder.lips.gap(shares[faces.closed]).max(axis=1) if decoder.lips else np.zeros(1)
    blinks = faces.true.coefficients[:, coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])].min(axis=1) > _SHUT
    lids = np.array([control.group == "eyelids" for control in controls.controls])
    ahead = controls.partner > np.arange(len(controls))
    ours, theirs = ((each - each[:, controls.partner] * controls.mirror_sign)[:, ahead] for each in (shares, true))
    differ = np.abs(theirs) > _ONE_SIDED
    return SeenByUsers(kept, float(np.quantile(np.maximum(gap, 0), 0.95)),
                       float(np.abs(shares - true)[blinks][:, lids].mean()),
                       float(np.corrcoef(ours[differ], theirs[differ])[0, 1]))


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("animator.joint_mae_ratio", "animator.joint_blind_ratio", "animator.joint_to_alone", "animator.joint_people_mae"):
        measure_errors,
    ("animator.ten_at_once",): measure_cost,
    ("animator.joint_class_kept", "animator.joint_lip_gap", "animator.joint_lids", "animator.joint_sides"):
        measure_seen,
}
