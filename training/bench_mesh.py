"""How far Mora's skin is from where it should be when unseen people act on her: her controls are the coefficients, so
where it should be is known exactly. Measured on her mesh, as Blender makes it."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from training.bench_recognisers import chosen_faces
from training.evaluate import encode, mediapipe_blendshapes
from training.figures import Row
from training.make_expression_data import test_set
from training.shown_coefficients import Shown
from training.slits import CharacterSlits

_FACES = 400
_MOVES = 0.1
"""Per cent of the face's width; a vertex that moves less on average is no part of what acts."""


def measure_mesh() -> dict[str, Row]:
    """Held-out performances and random mixes, beside MediaPipe's blendshapes on the same pictures. Half a minute."""
    mora = CharacterSlits("mora")
    return {f"animator.mesh_{kind}": mesh_row(mora, kind) for kind in ("performance", "random")}


def mesh_row(mora: CharacterSlits, kind: str) -> Row:
    """The mean distance of the vertices that act from where the true coefficients put them."""
    every, shown = test_set(kind, Path("out/expression")), Shown(mora.profile)
    found = np.flatnonzero(every["found"])
    columns = chosen_faces(every, found[np.linspace(0, len(found) - 1, _FACES).astype(int)])
    true, ours, theirs = (mora.skin(shown.decode(each, np.zeros((_FACES, 3), np.float32))) for each in (
        columns["coefficients"], encode(columns)[0], mediapipe_blendshapes(columns)))
    still = mora.skin(mora.profile.control_set.neutral[None])
    missed, moved, without = (np.linalg.norm(each - true, axis=2).mean(0) for each in (ours, still, theirs))
    acting = moved > _MOVES
    unit = f"% of face width, {acting.sum()} vertices that move; staying at rest {moved[acting].mean():.2f}"
    return Row(float(missed[acting].mean()), float(without[acting].mean()), "MediaPipe blendshapes", unit, "report")


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("animator.mesh_performance", "animator.mesh_random"): measure_mesh,
}
