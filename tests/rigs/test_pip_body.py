"""Pip's body: hidden until its switch is on, moved by bones that takes know, and in shape when it bends."""
from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from addon.characters.body_pose import skeleton_of
from addon.core.body_motion import JOINTS
from addon.core.rig_profile import find_profile

from .conftest import Stage

BODY = "Pip-body"


@pytest.fixture(scope="module")
def whole() -> Iterator[Stage]:
    """Pip with his body shown; tests put back the bones that they turn."""
    bpy = pytest.importorskip("bpy")
    stage = Stage(bpy, find_profile("pip"))
    show(stage, True)
    yield stage
    bpy.ops.wm.read_homefile(use_empty=True)


def show(stage: Stage, shown: bool) -> None:
    stage.armature["body"] = shown
    stage.armature.update_tag()
    stage.bpy.context.view_layer.update()


@pytest.fixture
def turned(whole: Stage) -> Iterator[Callable[..., np.ndarray]]:
    """Turn bones about their own axes, degrees: name=(axis, angle); gives the body's vertices [N, 3] then."""
    from mathutils import Quaternion

    bones, used = whole.armature.pose.bones, []

    def turn(**named: tuple[str, float]) -> np.ndarray:
        for name, (axis, angle) in named.items():
            bone = bones[f"DEF-{name}".replace("__", ".")]
            bone.rotation_quaternion = Quaternion([float(axis == each) for each in "XYZ"], np.radians(angle))
            used.append(bone)
        whole.bpy.context.view_layer.update()
        return whole.points(BODY)

    yield turn
    for bone in used:
        bone.rotation_quaternion = (1, 0, 0, 0)
    whole.bpy.context.view_layer.update()


def volume(points: np.ndarray, faces: list[tuple[int, ...]]) -> float:
    """Of a piece of skin, its open ends closed by flat lids."""
    corners = np.array(faces)
    edges = {(int(a), int(b)) for face in corners for a, b in zip(face, np.roll(face, -1), strict=True)}
    after = {b: a for a, b in edges if (b, a) not in edges}
    triangles = [points[[f[0], f[k], f[k + 1]]] for f in corners for k in (1, 2)]
    while after:
        loop = [next(iter(after))]
        while (following := after.pop(loop[-1])) != loop[0]:
            loop.append(following)
        middle = points[loop].mean(0)
        triangles += [np.stack([middle, points[a], points[b]])
                      for a, b in zip(loop, loop[1:] + loop[:1], strict=True)]
    return float(abs(np.linalg.det(np.array(triangles)).sum()) / 6)


def piece(stage: Stage, joint: str, reach: float, material: str = "Pip-skin") -> list[tuple[int, ...]]:
    """The faces of skin about a bone's head."""
    mesh, at = stage.bpy.data.objects[BODY].data, np.array(stage.armature.data.bones[joint].head_local)
    points = np.array([v.co for v in mesh.vertices])
    near = np.linalg.norm(points - at, axis=1) < reach
    index = mesh.materials.find(material)
    return [tuple(p.vertices) for p in mesh.polygons if p.material_index == index and near[list(p.vertices)].all()]


def test_the_bust_is_shown_until_the_switch_says_body(pip: Stage) -> None:
    def shown() -> dict[str, bool]:
        objects = pip.bpy.data.objects
        return {name: not (objects[name].hide_render or objects[name].hide_viewport) for name in (BODY, "Pip-shirt")}

    layer = pip.armature.data.collections["Body"]
    assert shown() == {BODY: False, "Pip-shirt": True} and not layer.is_visible
    show(pip, True)
    assert shown() == {BODY: True, "Pip-shirt": False} and layer.is_visible


def test_takes_know_all_of_his_bones(whole: Stage) -> None:
    bones = list(whole.armature.data.bones)
    number = {bone.name: i for i, bone in enumerate(bones)}
    ends = (np.array([getattr(bone, end) for bone in bones]) for end in ("head_local", "tail_local"))
    parents = [number[bone.parent.name] if bone.parent else -1 for bone in bones]
    skeleton = skeleton_of([bone.name for bone in bones], parents, *ends, "Pip")
    assert set(JOINTS) <= set(skeleton.joints)
    fingers_and_twists = [joint for joint in skeleton.joints if joint[-1].isdigit() and "spine" not in joint]
    assert len(fingers_and_twists) == 2 * 5 * 3 + 2 * 4
    assert np.allclose(skeleton.axes, np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]), atol=0.05)


def test_each_vertex_has_its_bones_and_both_sides_are_alike(whole: Stage) -> None:
    made = whole.bpy.data.objects[BODY]
    names = [group.name for group in made.vertex_groups]
    shares = [{names[g.group]: g.weight for g in vertex.groups} for vertex in made.data.vertices]
    assert max(abs(sum(each.values()) - 1) for each in shares) < 1e-3
    assert max(map(len, shares)) <= 7 and set(names) <= set(whole.armature.data.bones.keys())
    own = np.rint(1000 * whole.points(BODY)).astype(int)
    assert len({*map(tuple, own * [-1, 1, 1])} - {*map(tuple, own)}) < 0.01 * len(own)


@pytest.mark.parametrize("bone, reach, axis, angle, least", [
    ("forearm.L", 0.36, "X", -90, 0.9), ("shin.L", 0.45, "X", 90, 0.9), ("hand.L", 0.35, "X", 60, 0.9),
])
def test_limbs_keep_their_volume_when_they_bend(whole: Stage, turned: Callable[..., np.ndarray], bone: str,
                                                reach: float, axis: str, angle: float, least: float) -> None:
    faces = piece(whole, f"DEF-{bone}", reach)
    before = volume(whole.points(BODY), faces)
    kept = volume(turned(**{bone.replace(".", "__"): (axis, angle)}), faces) / before
    print(f"{bone} at {angle} degrees keeps {100 * kept:.0f} % of its volume")
    assert least < kept < 1.15


def test_a_wrist_that_is_turned_over_is_no_candy_wrapper(whole: Stage, turned: Callable[..., np.ndarray]) -> None:
    faces = piece(whole, "DEF-hand.L", 0.6)
    before = volume(whole.points(BODY), faces)
    spread = dict.fromkeys(("forearm__L", "forearm__L__001", "hand__L"), ("Y", 40.0))
    kept = volume(turned(**spread), faces) / before
    print(f"a hand turned by 120 degrees keeps {100 * kept:.0f} % of the forearm's volume")
    assert kept > 0.9


def test_the_face_goes_where_the_head_bone_goes(whole: Stage, turned: Callable[..., np.ndarray]) -> None:
    rest = whole.points("Pip-head").mean(0)
    turned(spine__001=("X", -20.0), spine__006=("X", -20.0))
    for part in ("Pip-head", "Pip-hair", "Pip-eye.L", "Pip-teeth-lower"):
        assert np.linalg.norm(whole.points(part).mean(0) - rest) > 0.3, part
