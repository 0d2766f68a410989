"""Figures of the expression encoder beside MediaPipe's blendshapes (and what the card says of ridge and nearest).

The test sets are rendered anew when they are not in out/expression: about four minutes each, a character's half a
minute.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np

from addon.core import coefficients
from addon.core.paths import ROOT
from training.figures import Row

_OUT: Final = ROOT / "out" / "expression"
_RIVAL: Final = "MediaPipe blendshapes"
_TRIPLETS: Final = 3000
_TRIPLET_SEED: Final = 90_002
_CHARACTER_TRIPLETS: Final = 900
_MORA_FACES: Final = 200
_LIDS: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_HALF_OPEN: Final = 0.5
"""What an eye that is more closed looks at cannot be seen."""
_ASIDE_DEG: Final = 10.0


def measure_random() -> dict[str, Row]:
    """DESIGN's random mixes: 2000 faces of 400 unseen people; what other methods reach is told in words."""
    from training.evaluate import encode, figures
    from training.make_expression_data import test_set
    from training.rivals import told

    columns = test_set("random", _OUT)
    guess, ms = encode(columns)
    truth = columns["coefficients"]
    ours, rival = figures(guess, truth), figures(_mediapipe("random"), truth)

    def row(figure: str, unit: str, goal: str) -> Row:
        others = told(f"random_{figure.removeprefix('mean_')}")
        return Row(ours[figure], rival[figure], f"{_RIVAL} ({others})" if others else _RIVAL, unit, goal)

    return {
        "expression.random_r": row("mean_r", "mean r over 53", ">= 0.80"),
        "expression.random_mae": row("mae", "mean over 53", "<= 0.03"),
        "expression.dead_min_r": row("dead_min_r", "least r of 7", ">= 0.6"),
        "expression.one_sided_r": row("one_sided_r", "mean r of left less right over 18 pairs", "report"),
        "expression.encode_ms": Row(ms, None, "", "ms a face", "<= 3"),
    }


def measure_performance() -> dict[str, Row]:
    """The same people driven by held-out stretches of the Live Link take."""
    from training.evaluate import encode, figures
    from training.make_expression_data import test_set
    from training.rivals import told

    columns = test_set("performance", _OUT)
    ours = figures(encode(columns)[0], columns["coefficients"])
    rival = figures(_mediapipe("performance"), columns["coefficients"])
    others = told("performance_r")
    return {"expression.performance_r": Row(ours["mean_r"], rival["mean_r"],
                                            f"{_RIVAL} ({others})" if others else _RIVAL, "mean r", ">= 0.90")}


def measure_gaze() -> dict[str, Row]:
    """Where the same people's eyes look, median over random mixes and performances; MediaPipe's from its eyeLooks."""
    from addon.expression.encoder import Encoder
    from training.evaluate import tracked_faces
    from training.make_expression_data import test_set
    from training.performers import gaze_of

    errors: dict[str, list[np.ndarray]] = {"ours": [], _RIVAL: [], "straight ahead": []}
    for kind in ("random", "performance"):
        columns = test_set(kind, _OUT)
        truth = gaze_of(columns["coefficients"])
        seen = columns["found"][:, None] & (columns["coefficients"][:, _LIDS] <= _HALF_OPEN)
        answers = Encoder().encode(tracked_faces(columns)).gaze, gaze_of(_mediapipe(kind)), np.zeros_like(truth)
        for several, answer in zip(errors.values(), answers, strict=True):
            several.append(angle_deg(answer, truth)[seen])
    ours, theirs, aside = (np.concatenate(parts) for parts in errors.values())
    # Most eyes of random mixes look straight ahead, which is easy to say.
    unit = f"degrees, median of open eyes; {np.median(ours[aside >= _ASIDE_DEG]):.3g} where they look aside"
    told = f"{_RIVAL} ({np.median(theirs[aside >= _ASIDE_DEG]):.3g} where they look aside)"
    return {"expression.gaze_deg": Row(float(np.median(ours)), float(np.median(theirs)), told, unit, "<= 4")}


def angle_deg(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angle [...] in degrees between two gazes [..., (yaw, pitch)] in rad."""
    def direction(gaze: np.ndarray) -> np.ndarray:
        yaw, pitch = gaze[..., 0], gaze[..., 1]
        return np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], -1)

    return np.degrees(np.arccos(np.clip((direction(one) * direction(other)).sum(-1), -1, 1)))


@cache
def _mediapipe(kind: str) -> np.ndarray:
    """MediaPipe's coefficients [N, 54] of a test set."""
    from training.evaluate import mediapipe_blendshapes
    from training.make_expression_data import test_set

    return mediapipe_blendshapes(test_set(kind, _OUT))


def measure_people() -> dict[str, Row]:
    """Triplets of three people each, random mixes and performances in equal shares; who it is, read off by a line."""
    from training.triplets import identity_probe

    tables = _people()
    who = np.concatenate([table["person"] for table in tables])
    probed = {name: identity_probe(np.concatenate([table[name] for table in tables]), who) * len(np.unique(who))
              for name in ("embedding", "coefficients", _RIVAL, "landmarks")}
    return {
        "expression.triplets_people": _row(_rightly(tables), "share right both ways", ">= 0.90"),
        "expression.identity_probe": _row(probed, "times chance", "<= 1.5"),
    }


def measure_characters() -> dict[str, Row]:
    """Triplets of two people and one of our characters, by what it can show; the mean over all five."""
    from training.drawn_faces import CHARACTERS, test_set

    shares = []
    for name in CHARACTERS:
        columns = test_set(name, _OUT)
        drawn = _seen(columns, everyone=True) | {"known": columns["known"]}
        shares.append(_across({key: values[columns["known"].any(1)] for key, values in drawn.items()},
                              _CHARACTER_TRIPLETS))
    mean = {view: float(np.mean([share[view] for share in shares])) for view in shares[0]}
    each = {name: share["embedding"] for name, share in zip(CHARACTERS, shares, strict=True)}
    return {"expression.triplets_characters": _row(mean | each, "share right both ways", ">= 0.85")}


def measure_mora() -> dict[str, Row]:
    """Triplets of two people and Mora, the only character whose controls are coefficients exactly."""
    from training.triplets import character_set

    mora = _seen(character_set("Mora", _MORA_FACES, _OUT))
    return {"expression.triplets_mora": _row(_across(mora, _TRIPLETS), "share right both ways", ">= 0.85")}


def _across(drawn: dict[str, np.ndarray], count: int) -> dict[str, float]:
    """How well triplets of two people and a face of one character are ordered, by each space.

    `drawn` is its table, with bool [N, 54] "known" where it does not show everything.
    """
    from training.triplets import common

    drawn = drawn | {"drawn": np.ones(len(drawn["person"]), bool), "person": np.full(len(drawn["person"]), -1)}
    known = drawn.pop("known", np.ones(drawn["truth"].shape, bool))
    tables = []
    for people in _people():
        people = people | {"drawn": np.zeros(len(people["person"]), bool)}
        table = {name: np.concatenate([people[name], drawn[name]]) for name in people}
        tables.append(table | {"truth": common(table["truth"], known)})
    return _rightly(tables, count)


@cache
def _people() -> list[dict[str, np.ndarray]]:
    """The random mixes and the performances of the same unseen people, as `_seen` tells."""
    from training.make_expression_data import test_set

    return [_seen(test_set(kind, _OUT)) for kind in ("random", "performance")]


def _seen(columns: dict[str, np.ndarray], everyone: bool = False) -> dict[str, np.ndarray]:
    """Truth, person and all spaces of `training.triplets`.

    A face that our tracker or MediaPipe misses is left out, unless `everyone` is wanted.
    """
    from training.triplets import spaces

    table = {"truth": columns["coefficients"], "person": columns["person"], **spaces(columns)}
    there = columns["found"] & (table[_RIVAL].any(1) | everyone)
    return {name: values[there] for name, values in table.items()}


def _rightly(tables: list[dict[str, np.ndarray]], count: int = _TRIPLETS) -> dict[str, float]:
    """The share of `count` triplets that each space orders rightly, the mean over the tables."""
    from training.triplets import both_ways, draw_triplets, perceived

    shares = []
    for table in tables:
        drawn = table.get("drawn")
        triplets = draw_triplets(table["truth"], table["person"], count, _TRIPLET_SEED, drawn)
        views = {name: view for name, view in table.items() if name not in ("truth", "person", "drawn")}
        views["strength alone"] = np.linalg.norm(perceived(table["truth"]), axis=1, keepdims=True)
        shares.append({name: both_ways(view, triplets) for name, view in views.items()})
    return {name: float(np.mean([share[name] for share in shares])) for name in shares[0]} | {"chance": 1 / 3}


def _row(figures: dict[str, float], unit: str, goal: str) -> Row:
    """The embedding beside MediaPipe; the others are told."""
    told = ", ".join(f"{name} {figure:.3g}" for name, figure in figures.items() if name not in ("embedding", _RIVAL))
    return Row(figures["embedding"], figures[_RIVAL], f"{_RIVAL} ({told})", unit, goal)


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("expression.random_r", "expression.random_mae", "expression.dead_min_r", "expression.one_sided_r",
     "expression.encode_ms"): measure_random,
    ("expression.performance_r",): measure_performance,
    ("expression.gaze_deg",): measure_gaze,
    ("expression.triplets_people", "expression.identity_probe"): measure_people,
    ("expression.triplets_characters",): measure_characters,
    ("expression.triplets_mora",): measure_mora,
}
