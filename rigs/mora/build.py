"""Builds Mora: `python -m rigs.mora.build` writes mora.blend, profile.toml and thumbnail.png beside itself.

Needs bpy 4.5 (a later Blender would write a file that 4.5 cannot open).
"""
from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

from ..building import face as faces
from ..building import parts as shared
from ..building import studio
from ..building.meeting import let_meet, meeting
from ..building.rig import profile_text
from . import hair, keys, parts, rig
from .form import EYE, FORM

HERE = Path(__file__).parent
DESCRIPTION = "Reads the night news on the radio, where nobody sees the face that she makes: ARKit's 52 shape keys"


def build(folder: Path) -> None:
    """Write mora.blend, profile.toml and thumbnail.png into `folder`."""
    collection, hidden = studio.new_character("Mora")
    armature = rig.build_armature(collection, hidden)
    meshes(faces.build(FORM), armature, collection)
    (folder / "profile.toml").write_text(profile_text(rig.ROWS, "Mora", DESCRIPTION, ["Mora-head"]), encoding="utf-8")
    studio.save(folder, "Mora")


def meshes(face: faces.Face, armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    """All mesh objects, on their bones."""
    slots = shared.materials("Mora", parts.MATERIALS)
    head = shared.mesh_object("Mora-head", face.points, face.faces, [slots[n] for n in parts.FACE_SLOTS],
                              face.materials)
    made = keys.keys(face)
    shared.add_keys(head, {name: made[name] for name in rig.KEYS})
    lip_line = face.points[face.rims["lip_upper"][len(face.rims["lip_upper"]) // 2]]
    tongue, moves = shared.tongue("Mora-tongue", lip_line, slots, 0.9)
    shared.add_keys(tongue, {"tongueOut": moves["tongue_out"] * 1.6})
    rig.drive(armature, head, tongue)
    upper = shared.teeth("Mora-teeth-upper", True, lip_line + [0, 0.035, 0], slots, 1.05)
    lower = shared.teeth("Mora-teeth-lower", False, lip_line + [0, 0.045, -0.012], slots, 0.8)
    balls, lights = shared.eyes("Mora", EYE, slots)
    neck, blouse = parts.body(armature, slots)
    ears = shared.ears("Mora-ears", (0.80, 0.04, -0.13), slots["skin"], 0.85)
    for part, bone in ((head, "head"), (tongue, "jaw"), (upper, "head"), (lower, "jaw"), (balls[".L"], "eye.L"),
                       (balls[".R"], "eye.R"), (lights, "head"), (ears, "head"),
                       (parts.earrings(slots), "head"), (hair.hair(slots), "head"), (blouse, "root")):
        shared.attach(part, armature, bone)
        collection.objects.link(part)
    collection.objects.link(neck)
    shared.guard_eyes(head, face, balls)
    _let_meet(face, head, made)


def _let_meet(face: faces.Face, head: bpy.types.Object, made: dict[str, np.ndarray]) -> None:
    """Lids and lips do not pass each other."""
    let_meet(head, "Lips meet", meeting(face, "lip_upper", "lip_lower", made["mouthClose"]), 0.012)
    for side, word in ((".L", "Left"), (".R", "Right")):
        slit = meeting(face, "lid_upper" + side, "lid_lower" + side, made["eyeBlink" + word])
        let_meet(head, "Lids meet" + side, slit, 0.012)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
