"""Measure on their meshes how far the controls of our characters part their lips, and write rigs/<name>/lips.toml.

    python -m training.lip_gaps [mora pip ...]     # needs bpy; some seconds a character
"""
from __future__ import annotations

import sys
from functools import partial
from typing import Final

import numpy as np

from addon.characters.rig_lips import FILE, measure, write_lips
from training.slits import CHARACTERS, CharacterSlits

_PLACES: Final = 9


def main() -> None:
    """Write the tables of the characters that the command line names, or of all."""
    for name in sys.argv[1:] or CHARACTERS:
        slits = CharacterSlits(name)
        controls, path = slits.profile.control_set, slits.profile.path.with_name(FILE)
        face = np.array([control.group != "head" for control in controls.controls])
        lips = measure(controls, face, partial(slits.along_lips, places=_PLACES))
        write_lips(path, lips, controls, "training/lip_gaps.py")
        moving = int(lips.effects.any(axis=(0, 2)).sum())
        print(f"Wrote 'rigs/{name}/{FILE}': {moving} of {len(controls)} controls move the lips.")


if __name__ == "__main__":
    main()
