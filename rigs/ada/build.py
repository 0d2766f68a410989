"""Builds Ada: `python -m rigs.ada.build` writes ada.blend, profile.toml and thumbnail.png beside itself.

Needs bpy 4.5 (a later Blender would write a file that 4.5 cannot open).
"""
from __future__ import annotations

import sys
from pathlib import Path

import bpy

from ..building import face as faces
from ..building import parts as shared
from ..building import studio
from ..building.rig import profile_text
from . import movements, parts, rig
from .form import EYE, FORM

HERE = Path(__file__).parent
DESCRIPTION = "A museum's robot with a soft mask, named after the first programmer: the 30 motors of X2C"


def build(folder: Path) -> None:
    """Write ada.blend, profile.toml and thumbnail.png into `folder`."""
    collection, hidden = studio.new_character("Ada")
    armature = rig.build_armature(collection, hidden)
    _meshes(armature, collection)
    (folder / "profile.toml").write_text(profile_text(rig.ROWS, "Ada", DESCRIPTION), encoding="utf-8")
    studio.save(folder, "Ada", aim=-0.20, distance=9.2)


def _meshes(armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    slots, face = shared.materials("Ada", parts.MATERIALS), faces.build(FORM)
    head = _head(face, slots, armature)
    lip_line = face.points[face.rims["lip_upper"][len(face.rims["lip_upper"]) // 2]]
    tongue, _ = shared.tongue("Ada-tongue", lip_line, slots, parts.TEETH)
    upper, lower = (shared.teeth(f"Ada-teeth-{name}", name == "upper", lip_line, slots, parts.TEETH)
                    for name in ("upper", "lower"))
    balls, lights = shared.eyes("Ada", EYE, slots)
    for part, bone in ((head, "DEF-head"), (tongue, "DEF-jaw"), (upper, "DEF-head"), (lower, "DEF-jaw"),
                       (balls[".L"], "DEF-eye.L"), (balls[".R"], "DEF-eye.R"), (lights, "DEF-head"),
                       (parts.shell(slots), "DEF-head"), (parts.coils(slots), "DEF-head"),
                       (parts.bun(slots), "DEF-head"), (parts.throat(slots), "DEF-head"), (parts.bust(slots), "root")):
        shared.attach(part, armature, bone)
        collection.objects.link(part)
    for part in parts.neck_parts(armature, slots):
        collection.objects.link(part)
    shared.guard_eyes(head, face, balls)


def _head(face: faces.Face, slots: shared.Materials, armature: bpy.types.Object) -> bpy.types.Object:
    head = shared.mesh_object("Ada-head", face.points, face.faces, [slots[n] for n in parts.FACE_SLOTS], face.materials)
    shared.add_driven_keys(head, movements.keys(face), rig.KEYS, rig.wiring(armature))
    return head


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
