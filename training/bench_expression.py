"""Figures of the expression encoder beside MediaPipe's blendshapes (and what the card says of ridge and nearest).

The test sets are rendered anew when they are not in out/expression: about two minutes each, Mora's half a minute.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np

from addon.core.paths import ROOT
from training.figures import Row

_OUT: Final = ROOT / "out" / "expression"
_RIVAL: Final = "MediaPipe blendshapes"
_TRIPLETS: Final = 3000
_TRIPLET_SEED: Final = 90_002
_MORA_FACES: Final = 200


def measure_random() -> dict[str, Row]:
    """DESIGN's random mixes: 2000 faces of 400 unseen people."""
    from training.evaluate import encode, figures, mediapipe_blendshapes
    from training.make_expression_data import test_set

    columns = test_set("random", _OUT)
    guess, ms = encode(columns)
    truth = columns["coefficients"]
    ours, rival = figures(guess, truth), figures(mediapipe_blendshapes(columns), truth)
    return {
        "expression.random_r": Row(ours["mean_r"], rival["mean_r"], _RIVAL, "mean r over 53", ">= 0.55"),
        "expression.random_mae": Row(ours["mae"], rival["mae"], _RIVAL, "mean over 53", "<= 0.03"),
        "expression.dead_min_r": Row(ours["dead_min_r"], rival["dead_min_r"], _RIVAL, "least r of 7", ">= 0.6"),
        "expression.encode_ms": Row(ms, None, "", "ms a face", "<= 3"),
    }


def measure_performance() -> dict[str, Row]:
    """The same people driven by held-out stretches of the Live Link take."""
    from training.evaluate import encode, figures, mediapipe_blendshapes
    from training.make_expression_data import test_set

    columns = test_set("performance", _OUT)
    ours = figures(encode(columns)[0], columns["coefficients"])
    rival = figures(mediapipe_blendshapes(columns), columns["coefficients"])
    return {"expression.performance_r": Row(ours["mean_r"], rival["mean_r"], _RIVAL, "mean r", ">= 0.90")}


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
    """Triplets of two people and Mora, the only character whose controls are coefficients exactly."""
    from training.triplets import character_set

    mora = _seen(character_set("Mora", _MORA_FACES, _OUT))
    mora |= {"drawn": np.ones(len(mora["person"]), bool), "person": np.full(len(mora["person"]), -1)}
    tables = []
    for people in _people():
        people = people | {"drawn": np.zeros(len(people["person"]), bool)}
        tables.append({name: np.concatenate([people[name], mora[name]]) for name in people})
    return {"expression.triplets_characters": _row(_rightly(tables), "share right both ways", ">= 0.85")}


@cache
def _people() -> list[dict[str, np.ndarray]]:
    """The random mixes and the performances of the same unseen people, as `_seen` tells."""
    from training.make_expression_data import test_set

    return [_seen(test_set(kind, _OUT)) for kind in ("random", "performance")]


def _seen(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Truth, person and all spaces of `training.triplets`; a face that our tracker or MediaPipe misses is left out."""
    from training.triplets import spaces

    table = {"truth": columns["coefficients"], "person": columns["person"], **spaces(columns)}
    there = columns["found"] & table[_RIVAL].any(1)
    return {name: values[there] for name, values in table.items()}


def _rightly(tables: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """The share of triplets that each space orders rightly, the mean over the tables."""
    from training.triplets import both_ways, draw_triplets, perceived

    shares = []
    for table in tables:
        drawn = table.get("drawn")
        triplets = draw_triplets(table["truth"], table["person"], _TRIPLETS, _TRIPLET_SEED, drawn)
        views = {name: view for name, view in table.items() if name not in ("truth", "person", "drawn")}
        views["strength alone"] = np.linalg.norm(perceived(table["truth"]), axis=1, keepdims=True)
        shares.append({name: both_ways(view, triplets) for name, view in views.items()})
    return {name: float(np.mean([share[name] for share in shares])) for name in shares[0]} | {"chance": 1 / 3}


def _row(figures: dict[str, float], unit: str, goal: str) -> Row:
    """The embedding beside MediaPipe; the others are told."""
    told = ", ".join(f"{name} {figure:.3g}" for name, figure in figures.items() if name not in ("embedding", _RIVAL))
    return Row(figures["embedding"], figures[_RIVAL], f"{_RIVAL} ({told})", unit, goal)


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("expression.random_r", "expression.random_mae", "expression.dead_min_r", "expression.encode_ms"): measure_random,
    ("expression.performance_r",): measure_performance,
    ("expression.triplets_people", "expression.identity_probe"): measure_people,
    ("expression.triplets_characters",): measure_characters,
}
