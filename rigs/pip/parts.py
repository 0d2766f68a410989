"""What only Pip has: colours and shirt."""
from __future__ import annotations

import bpy

from ..building.parts import Materials, grid_faces, loft, mesh_object, neck
from .body import NECK

# name: colour (scene linear), roughness, subsurface
MATERIALS = {
    "skin": ((0.92, 0.56, 0.40), 0.55, 0.15),
    "lips": ((0.78, 0.29, 0.25), 0.45, 0.10),
    "mouth": ((0.20, 0.035, 0.04), 0.60, 0.0),
    "lash": ((0.045, 0.022, 0.018), 0.60, 0.0),
    "brow": ((0.16, 0.055, 0.022), 0.70, 0.0),
    "freckle": ((0.70, 0.34, 0.20), 0.50, 0.0),
    "hair": ((0.27, 0.085, 0.028), 0.45, 0.0),
    "sclera": ((0.90, 0.90, 0.88), 0.15, 0.0),
    "limbus": ((0.035, 0.09, 0.075), 0.12, 0.0),
    "iris": ((0.09, 0.30, 0.22), 0.12, 0.0),
    "iris_inner": ((0.20, 0.46, 0.28), 0.12, 0.0),
    "pupil": ((0.006, 0.006, 0.008), 0.45, 0.0),
    "catchlight": ((1.0, 1.0, 1.0), 0.05, 0.0),
    "teeth": ((0.92, 0.90, 0.84), 0.20, 0.0),
    "gums": ((0.62, 0.20, 0.20), 0.35, 0.0),
    "tongue": ((0.68, 0.22, 0.22), 0.40, 0.0),
    "shirt": ((0.05, 0.25, 0.33), 0.85, 0.0),
    "stripe": ((0.85, 0.62, 0.22), 0.85, 0.0),
    "shorts": ((0.42, 0.27, 0.15), 0.85, 0.0),
    "hem": ((0.34, 0.21, 0.11), 0.85, 0.0),
    "sock": ((0.86, 0.85, 0.82), 0.85, 0.0),
    "shoe": ((0.55, 0.075, 0.05), 0.55, 0.0),
    "sole": ((0.88, 0.86, 0.80), 0.60, 0.0),
}
FACE_SLOTS = ("skin", "lips", "mouth", "lash", "brow", "freckle")


def bust(armature: bpy.types.Object, slots: Materials) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Neck (bends with the head) and shirt."""
    rows = [(-0.72, 0.24, 0.24, 0.02), (-0.84, 0.28, 0.27, 0.06), (-0.96, 0.295, 0.29, 0.11), (-1.08, 0.30, 0.30, 0.14),
            (-1.25, 0.315, 0.32, 0.16),
            (-1.42, 0.40, 0.38, 0.16), (-1.60, 0.52, 0.44, 0.16)]
    made = neck("Pip-neck", rows, armature, "CTRL-head", NECK, slots["skin"])
    shirt_rows = [(-1.36, 0.40, 0.38, 0.15), (-1.33, 0.46, 0.45, 0.15), (-1.40, 0.52, 0.49, 0.15),
                  (-1.47, 0.62, 0.52, 0.15), (-1.56, 0.80, 0.55, 0.15), (-1.68, 0.98, 0.58, 0.15),
                  (-1.84, 1.10, 0.60, 0.14), (-2.05, 1.16, 0.62, 0.13),
                  (-2.30, 1.18, 0.63, 0.12), (-2.60, 1.18, 0.63, 0.12)]
    faces = grid_faces(len(shirt_rows), 36, closed=True, flip=True)
    indices = [1 if i // 36 in (0, 1, 5) else 0 for i in range(len(faces))]
    shirt = mesh_object("Pip-shirt", loft(shirt_rows, square=2.2), faces, [slots["shirt"], slots["stripe"]], indices)
    return made, shirt
