"""Builds Gus: `python -m rigs.gus.build` writes gus.blend, profile.toml and thumbnail.png beside itself.

Needs bpy 4.5 (a later Blender would write a file that 4.5 cannot open).
"""
from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import bpy
import numpy as np

from ..building import face as faces
from ..building import fields, studio
from ..building import parts as shared
from ..building.rig import profile_text
from . import movements, parts, rig
from .form import EYE, FORM, brow_line

HERE = Path(__file__).parent
DESCRIPTION = "A big-hearted dog: every control is a bone on his face, ears included"


def build(folder: Path) -> None:
    """Write gus.blend, profile.toml and thumbnail.png into `folder`."""
    collection, hidden = studio.new_character("Gus")
    face = faces.build(FORM)
    armature = rig.build_armature(collection, hidden, _places(face))
    _meshes(face, armature, collection)
    (folder / "profile.toml").write_text(profile_text(rig.ROWS, "Gus", DESCRIPTION), encoding="utf-8")
    studio.save(folder, "Gus")


def _places(face: faces.Face) -> dict[str, np.ndarray]:
    """Where the bones of the face stand, by name with "*" for the side."""
    def on_skin(theta: float, phi: float) -> np.ndarray:
        return FORM.solid.cast(*np.deg2rad((theta, phi)))

    def on_rim(name: str, share: float) -> np.ndarray:
        rim = face.rims[name]
        return face.points[rim[round(share * (len(rim) - 1))]]

    upper, lower = on_rim("lip_upper", 0.5), on_rim("lip_lower", 0.5)
    return {
        "brow.T*.003": on_skin(*brow_line(0.10)), "brow.T*.001": on_skin(*brow_line(0.80)),
        "lid.T*": on_rim("lid_upper.L", 0.5), "lid.B*": on_rim("lid_lower.L", 0.5),
        "cheek.T*": on_skin(34, -11), "cheek.B*": on_skin(40, -31),
        "lips*": on_rim("lip_upper", 1.0), "lip.T*": on_rim("lip_upper", 0.68), "lip.B*": on_rim("lip_lower", 0.68),
        "lip_master": upper, "chin": on_skin(0, -39), "tongue": lower + [0, 0.05, -0.03],
    }


def _meshes(face: faces.Face, armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    slots = shared.materials("Gus", parts.MATERIALS)
    head = _head(face, slots, armature)
    tongue, tongue_keys = parts.tongue(face.points[face.rims["lip_lower"][len(face.rims["lip_lower"]) // 2]], slots)
    shared.add_driven_keys(tongue, tongue_keys, rig.KEYS, rig.wiring(armature))
    upper = parts.teeth("Gus-teeth-upper", True, face.points[face.rims["lip_upper"]], slots)
    lower = parts.teeth("Gus-teeth-lower", False, face.points[face.rims["lip_upper"]], slots)
    neck, (chest, scarf) = parts.body(armature, slots)
    ears, along = parts.ears(slots)
    _skin(ears, _ear_weights(along), armature)
    balls, lights = shared.eyes("Gus", EYE, slots)
    for part, bone in ((tongue, "jaw_master"), (upper, "head"), (lower, "jaw_master"), (balls[".L"], "eye.L"),
                       (balls[".R"], "eye.R"), (lights, "head"), (parts.nose(slots), "nose"),
                       (parts.fluff(slots), "head"), (chest, "root"), (scarf, "root")):
        shared.attach(part, armature, bone)
        collection.objects.link(part)
    for part in (head, ears, neck):
        collection.objects.link(part)
    shared.guard_eyes(head, face, balls)
    jaw = movements.jaw_weights(face)
    _skin(head, {"head": 1 - jaw, "jaw_master": jaw}, armature)


def _head(face: faces.Face, slots: shared.Materials, armature: bpy.types.Object) -> bpy.types.Object:
    head = shared.mesh_object("Gus-head", face.points, face.faces, [slots[n] for n in parts.FACE_SLOTS], face.materials)
    keys = movements.central_keys(face) | fields.both_sides(face, movements.left_keys(face))
    shared.add_driven_keys(head, keys, rig.KEYS, rig.wiring(armature))
    return head


def _ear_weights(along: np.ndarray) -> dict[str, np.ndarray]:
    """Bones' weights [N] along both ears, the left one first."""
    first, second = (faces.smoothstep(along, joint - 0.8, joint + 0.8) for joint in parts.EAR_JOINTS[1:])
    weights = {"ear": 1 - first, "DEF-ear*.001": first * (1 - second), "DEF-ear*.002": first * second}
    left = np.arange(len(along)) < len(along) // 2
    named = {}
    for name, weight in weights.items():
        pattern = name if "*" in name else name + "*"
        named |= {pattern.replace("*", ".L"): weight * left, pattern.replace("*", ".R"): weight * ~left}
    return named


def _skin(owner: bpy.types.Object, weights: Mapping[str, np.ndarray], armature: bpy.types.Object) -> None:
    """Let bones deform `owner`, before its other modifiers; `weights` [N] by bone."""
    for bone, weight in weights.items():
        group = owner.vertex_groups.new(name=bone)
        for i in np.flatnonzero(weight > 1e-4):
            group.add([int(i)], float(weight[i]), "REPLACE")
    modifier = owner.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    owner.modifiers.move(len(owner.modifiers) - 1, 0)
    owner.parent = armature


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
