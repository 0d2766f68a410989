"""Figures of learning a rig: a foreign head whose controls' names are hidden until what was learned is compared.

The head has ARKit's shape keys and bones for head and eyes (data/facecap_head); the encoder was never trained on it.
Rivals learn from the pictures of random poses that ours is only tried out on. How the two witnesses are weighed was
chosen on this head; Ada and Gus, learned in the same way, were not looked at for that.
"""
from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from addon.characters.learned_rig import LearnedDecoder, inputs_of
from addon.characters.meaning_decoder import MeaningDecoder
from addon.core.control_set import ControlSet
from addon.core.paths import ROOT

from .evaluate import encode
from .figures import Row

if TYPE_CHECKING:
    from addon.blender.learning import Lesson
    from addon.core.rig_profile import RigProfile

_OUT: Final = ROOT / "out" / "expression"
_MOVING: Final = 1e-3
"""Controls that the true expressions move less have no correlation."""


def measure_learning() -> dict[str, Row]:
    """Time to learn, and the controls of unseen people's faces: from exact coefficients, and from what is read of them.

    About four minutes on two cores.
    """
    from .make_expression_data import test_set

    named, lesson = _lesson()
    controls = named.control_set
    columns = test_set("random", _OUT)
    seen = columns["found"]
    exact = np.concatenate([columns["coefficients"], np.nan_to_num(columns["head"])], axis=1)[seen].astype(np.float32)
    read = np.concatenate([encode({name: values[seen] for name, values in columns.items()
                                   if len(values) == len(seen)})[0], exact[:, -3:]], axis=1)
    true = controls.scaled(MeaningDecoder(controls).values(exact))
    ours = LearnedDecoder(_nameless(controls), lesson.rig)
    rivals, sighted = _rivals(controls, lesson, exact), _rivals(controls, lesson, read)
    best = min(rivals, key=lambda name: float(np.abs(rivals[name] - true).mean()))
    told = ", ".join(f"{name} {np.abs(value - true).mean():.3f}" for name, value in rivals.items())
    answers, answers_read = controls.scaled(ours.values(exact)), controls.scaled(ours.values(read))
    by_name = controls.scaled(MeaningDecoder(controls).values(read))
    others = ", ".join(f"{name} {mean_r(value, true):.2f}" for name, value in sighted.items())
    return {
        "animator.learn_seconds": Row(lesson.seconds, None, f"{lesson.pictures} pictures, {len(controls)} controls",
                                      "s", "<= 300"),
        "learning.exact_mae": Row(float(np.abs(answers - true).mean()), float(np.abs(rivals[best] - true).mean()),
                                  f"best trivial ({told})", "controls -1..1", "<= 0.06"),
        "learning.exact_r": Row(mean_r(answers, true), max(mean_r(value, true) for value in rivals.values()),
                                "best trivial", "mean r", ">= 0.85"),
        "learning.people_r": Row(mean_r(answers_read, true), mean_r(by_name, true),
                                 f"who knows the names ({others})", "mean r", ">= 0.6"),
    }


def measure_contact() -> dict[str, Row]:
    """The head's lips and lids when people's are closed, as tests of our characters measure them (`bench_mouth`)."""
    from .bench_mouth import WITHOUT, lid_gaps, lip_gaps
    from .slits import HeadSlits

    named, lesson = _lesson()
    slits, decoder = HeadSlits(), LearnedDecoder(_nameless(named.control_set), lesson.rig)
    lips, lids = lip_gaps(slits, decoder), lid_gaps(slits, decoder)
    worst, rival = (float(np.quantile(each, 0.95)) for each in lips)
    unit = f"% of face width, 95 of 100; mean {lips[0].mean():.2f} ({lips[1].mean():.2f})"
    return {"learning.lip_gap": Row(worst, rival, WITHOUT, unit, "<= 2"),
            "learning.lid_gap": Row(float(lids[0].mean()), float(lids[1].mean()), WITHOUT, "% of face width", "<= 2")}


def mean_r(guess: np.ndarray, true: np.ndarray) -> float:
    """Mean over the moving controls of the correlation of values [N, K]; 0 where the guess is constant."""
    moving = true.std(axis=0) > _MOVING
    a, b = (each[:, moving] - each[:, moving].mean(axis=0) for each in (np.asarray(guess, float), true))
    spread = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return float(np.divide((a * b).sum(axis=0), spread, out=np.zeros_like(spread), where=spread > 1e-9).mean())


def _rivals(controls: ControlSet, lesson: Lesson, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Mean, nearest and ridge [N, K], -1..1, learned from the readings of random poses."""
    from .train_decoder import trivial_rivals

    seen = np.isfinite(lesson.readings).all(axis=1)
    answers = trivial_rivals(lesson.readings[seen], controls.scaled(lesson.poses[seen]), inputs_of(inputs))
    return {name: np.clip(values, -1, 1) for name, values in answers.items()}


def _nameless(controls: ControlSet) -> ControlSet:
    """The controls without anything that their names told: meaning, group, other side."""
    return ControlSet(tuple(
        replace(control, name=f"c{i}", pair=f"c{i}", mirror_sign=1.0, group="", meaning={})
        for i, control in enumerate(controls.controls)
    ))


@cache
def _lesson() -> tuple[RigProfile, Lesson]:
    """The head's profile as its names tell it, and what was learned without them."""
    import bpy

    from addon.blender.learning import learn
    from addon.commands.terminal import without_chatter

    from .slits import open_foreign_head

    with tempfile.TemporaryDirectory() as folder, without_chatter():
        named = open_foreign_head()
        file = Path(folder, "head.blend")
        bpy.ops.wm.save_as_mainfile(filepath=str(file))
        hidden = replace(named, control_set=_nameless(named.control_set))
        return named, learn(hidden, file, "", np.ones(len(named.control_set), bool), lambda *_: None)


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("animator.learn_seconds", "learning.exact_mae", "learning.exact_r", "learning.people_r"): measure_learning,
    ("learning.lip_gap", "learning.lid_gap"): measure_contact,
}
