"""A tongue that comes out: ICT-FaceKit models the tongue but has no shape that moves it."""
from __future__ import annotations

import numpy as np

TONGUE = slice(16611, 17039)
"""Vertices of ICT-FaceKit's tongue; the rest of its part are the gums."""
_ROOT_CM, _TIP_CM = 4.0, 9.75
_OUT_CM, _LIFT_CM, _DROOP_CM, _WIDER = 3.9, 0.75, 1.5, 0.25


def tongue_out(vertices: np.ndarray) -> np.ndarray:
    """Displacement float32 [V, 3], cm, of `tongueOut` = 1 for resting vertices [V, 3].

    The tongue is drawn out from its root, rises over the lower teeth and lip and droops at the tip. It meets the teeth
    unless the jaw is open by about a quarter.
    """
    moved = np.zeros_like(vertices, dtype=np.float32)
    x, _, z = vertices[TONGUE].T
    along = np.clip((z - _ROOT_CM) / (_TIP_CM - _ROOT_CM), 0, 1)
    moved[TONGUE, 0] = _WIDER * x * along
    moved[TONGUE, 1] = _LIFT_CM * along - _DROOP_CM * along**4
    moved[TONGUE, 2] = _OUT_CM * along**1.5
    return moved
