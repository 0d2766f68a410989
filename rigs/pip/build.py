"""Builds Pip: `python -m rigs.pip.build` writes pip.blend, profile.toml, markers.toml and thumbnail.png beside itself.

Needs bpy 4.5 (a later Blender would write a file that 4.5 cannot open).
"""
from __future__ import annotations

import sys
from pathlib import Path

import bpy

from ..building import face as faces
from ..building import fields, human, studio
from ..building import parts as shared
from ..building.rig import profile_text
from . import body, hair, markers, parts, rig
from .form import EYE, FORM, JAW

HERE = Path(__file__).parent
DESCRIPTION = "Nine years old and sure that everybody can be trusted: face-board sliders, properties and a body"


def build(folder: Path) -> None:
    """Write pip.blend, profile.toml, markers.toml and thumbnail.png into `folder`."""
    collection, hidden = studio.new_character("Pip")
    armature = rig.build_armature(collection, hidden)
    face = faces.build(FORM)
    _meshes(face, armature, collection)
    (folder / "profile.toml").write_text(profile_text(rig.ROWS, "Pip", DESCRIPTION), encoding="utf-8")
    (folder / "markers.toml").write_text(markers.markers_text(face), encoding="utf-8")
    studio.save(folder, "Pip")


def _meshes(face: faces.Face, armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    slots = shared.materials("Pip", parts.MATERIALS)
    head = _head(face, slots, armature)
    lip_line = face.points[face.rims["lip_upper"][len(face.rims["lip_upper"]) // 2]]
    tongue, tongue_keys = shared.tongue("Pip-tongue", lip_line, slots)
    shared.add_driven_keys(tongue, tongue_keys, rig.KEYS, rig.wiring(armature))
    neck, shirt = parts.bust(armature, slots)
    upper = shared.teeth("Pip-teeth-upper", True, lip_line, slots)
    lower = shared.teeth("Pip-teeth-lower", False, lip_line, slots)
    balls, lights = shared.eyes("Pip", EYE, slots)
    ears = shared.ears("Pip-ears", (0.965, 0.06, -0.10), slots["skin"])
    for part, bone in ((head, "CTRL-head"), (tongue, "DEF-jaw"), (upper, "CTRL-head"), (lower, "DEF-jaw"),
                       (balls[".L"], "DEF-eye.L"), (balls[".R"], "DEF-eye.R"), (lights, "CTRL-head"),
                       (ears, "CTRL-head"), (hair.hair(slots), "CTRL-head"), (shirt, "root")):
        shared.attach(part, armature, bone)
        collection.objects.link(part)
    whole = body.body(armature, slots)
    for part in (neck, whole):
        collection.objects.link(part)
    for part, as_it_is in ((shirt, True), (whole, False)):
        for hidden in ("hide_viewport", "hide_render"):
            rig.shown_by(armature, part, hidden, as_it_is)
    shared.guard_eyes(head, face, balls)


def _head(face: faces.Face, slots: shared.Materials, armature: bpy.types.Object) -> bpy.types.Object:
    head = shared.mesh_object("Pip-head", face.points, face.faces, [slots[n] for n in parts.FACE_SLOTS], face.materials)
    keys = human.central_keys(face, JAW) | fields.both_sides(face, human.left_keys(face))
    shared.add_driven_keys(head, keys, rig.KEYS, rig.wiring(armature))
    return head


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
