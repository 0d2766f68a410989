"""Figures of FLAME's form: how exact the explicit conversion is, and the way back beside its rivals.

Test faces are people, stretches of the recorded take and class faces that nothing was learned from; their numbers are
fitted to each face as to a scan. The basis is ours, made from ICT-FaceKit, with all of its 50 expressions and with the
first 20 alone: FLAME's own expresses less than ours, so what it gives lies somewhere between or beyond.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from addon.core.network import Network
from addon.expression.flame import EXPRESSIONS, JAW, read_conversion

from .body_face_formats import FLAME_TO_ARKIT
from .figures import Row
from .flame import FACES, STEPS, TEST_FACES, TEST_SEED, Fitted, answer_of, errors, fit, fitted_faces, our_basis
from .flame_basis import Surface, on_basis
from .flame_experts import JAW_SCALE, Faces, Mixture, Single, learn

Answer = Callable[[np.ndarray], np.ndarray]
_FEW: Final = 20
_SCALE: Final = np.repeat(np.float32([JAW_SCALE, 1]), [JAW, EXPRESSIONS])
_RIDGE: Final = 0.05 ** 2


@dataclass(frozen=True)
class Trial:
    """A basis with faces to learn from and to be asked about."""

    surface: Surface
    fitted: Fitted
    test: Faces


@cache
def trial(expressions: int) -> Trial:
    """With so many of the basis's expressions."""
    basis = our_basis()
    kept = basis.expression * (np.arange(EXPRESSIONS) < expressions)[:, None, None]
    basis = replace(basis, expression=kept)
    surface = on_basis(basis)
    return Trial(surface, fit(basis, FACES),
                 fitted_faces(surface, np.random.default_rng(TEST_SEED), TEST_FACES, held_out=True))


def ridge(faces: Faces) -> Answer:
    """Least squares from the numbers, as sure of them as the mixture is."""
    scaled = faces.numbers * _SCALE
    weights = np.linalg.solve(scaled.T @ scaled + _RIDGE * len(scaled) * np.eye(len(_SCALE)),
                              scaled.T @ faces.coefficients)
    return lambda numbers: np.clip(numbers * _SCALE @ weights, 0, 1)


def nearest(faces: Faces) -> Answer:
    """The known face whose numbers are nearest."""
    known = faces.numbers * _SCALE
    lengths = np.square(known).sum(1)
    return lambda numbers: faces.coefficients[np.argmin(lengths - 2 * (numbers * _SCALE) @ known.T, 1)]


def pseudo_inverse(fitted: Fitted) -> Answer:
    """The conversion's matrix the other way round, as EMAGE's authors advise for theirs."""
    inverse = np.linalg.pinv(fitted.conversion.matrix)
    return lambda numbers: np.clip(numbers @ inverse, 0, 1)


def measure_conversion() -> dict[str, Row]:
    """Distance of the skin between a face and what the conversion's numbers make of it."""
    asked = trial(EXPRESSIONS)
    people = np.zeros((len(asked.test.coefficients[:500]), asked.surface.people.shape[0]))
    rest, seen = asked.surface.faces(asked.test.coefficients[:500], people)

    def missed(numbers: np.ndarray) -> float:
        return 10 * float(np.linalg.norm(asked.surface.posed(rest, numbers) - seen, axis=2).mean())

    least = missed(asked.surface.fitted(rest, seen))
    still = missed(np.zeros((len(seen), len(_SCALE))))
    return {"flame.conversion_mm": Row(missed(read_conversion()(asked.test.coefficients[:500])), least,
                                       f"fitted to each face (face at rest {still:.2f})", "mm of the skin", "<= 0.5")}


def measure_way_back() -> dict[str, Row]:
    """Mean absolute error of the coefficients, of the shipped module."""
    asked = trial(EXPRESSIONS)
    network = Network(FLAME_TO_ARKIT, "The benchmark")
    return {"flame.arkit_error": _row(asked, lambda numbers: network.run(["coefficients"], numbers=numbers)[0])}


def measure_few() -> dict[str, Row]:
    """The same where only the first expressions are known, learned here."""
    asked = trial(_FEW)
    return {"flame.arkit_error_few": _row(asked, answer_of(learn(Mixture(), asked.fitted.faces, STEPS)))}


def _row(asked: Trial, ours: Answer) -> Row:
    faces = asked.fitted.faces
    rivals = {
        "ridge": ridge(faces), "nearest face": nearest(faces), "pseudo-inverse": pseudo_inverse(asked.fitted),
        "one network": answer_of(learn(Single(), faces, STEPS)),
        "mean face": lambda numbers: np.tile(faces.coefficients.mean(0), (len(numbers), 1)),
    }
    got = {name: float(errors(rival, asked.test)[:-1].mean()) for name, rival in rivals.items()}
    best = min(got, key=lambda name: got[name])
    told = ", ".join(f"{name} {value:.4f}" for name, value in got.items() if name != best)
    error = float(errors(ours, asked.test)[:-1].mean())
    return Row(error, got[best], f"{best} ({told})", "mean absolute error of 53 coefficients", "report")


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("flame.conversion_mm",): measure_conversion,
    ("flame.arkit_error",): measure_way_back,
    ("flame.arkit_error_few",): measure_few,
}
