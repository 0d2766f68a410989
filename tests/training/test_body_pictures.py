"""Made bodies: what is written beside their pictures is what is seen in them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core.body_motion import JOINT, JOINTS
from addon.core.errors import SemblanceError
from training.body_people import BONES, hands_of, joints_of, kinds, person_of, pose_bones

pytest.importorskip("moderngl")
from training import body_pictures
from training.body_meshes import mesh_of
from training.body_poses import Poses, rotations_at
from training.body_stage import TO_CAMERA, BodyStage, random_body_shot


@pytest.fixture(scope="module")
def stage() -> BodyStage:
    return BodyStage()


@pytest.fixture(scope="module")
def poses(shared: Path) -> Poses:
    return Poses()


@pytest.fixture(scope="module")
def rows(stage: BodyStage, poses: Poses) -> dict[str, np.ndarray]:
    return body_pictures.rows_of(stage, poses, range(5), 6, False)


def test_people_are_of_all_kinds_and_their_surface_hangs_on_their_bones() -> None:
    assert {person_of(seed).kind for seed in range(60)} == set(kinds())
    mesh = mesh_of(person_of(1))
    assert mesh.triangles.max() < len(mesh.places) < 25_000
    np.testing.assert_allclose(mesh.weights.sum(1), 1, atol=1e-5)
    assert mesh.bones.min() >= 0 and mesh.bones.max() < BONES and np.isfinite(mesh.places).all()
    corners = mesh.places[mesh.triangles]
    outwards = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((outwards * mesh.normals[mesh.triangles].sum(1)).sum(1) > 0).mean() > 0.97
    left, right = (mesh.places[mesh.part == 4][:, 0] * side for side in (1, -1))
    assert np.isclose(left.max(), right.max(), atol=1e-4), "both hands are the same hand"


def test_points_are_the_joints_through_one_camera(rows: dict[str, np.ndarray]) -> None:
    """With a camera's focal length and middle fitted to some of the joints, the others fall where they should."""
    for joints, points in zip(rows["joints"].astype(float), rows["points"].astype(float), strict=True):
        # u (z + d) = f x + a (z + d): linear in f, d and a, likewise for v.
        x, y, z = joints.T
        u, v = points.T
        none, one = np.zeros(22), np.ones(22)
        system = np.concatenate([np.stack([x, z, one, none, none, -u], 1), np.stack([y, none, none, z, one, -v], 1)])
        found, *_ = np.linalg.lstsq(system, np.concatenate([u * z, v * z]), rcond=None)
        np.testing.assert_allclose(system @ found, np.concatenate([u * z, v * z]), atol=0.02)
        assert found[5] > 1, "the camera stands away from the body"


def test_what_is_drawn_stands_before_the_joints(rows: dict[str, np.ndarray]) -> None:
    """Where a joint is in the picture the surface is before it, by no more than a body's thickness or another limb."""
    nearer, shown = [], 0
    for depth, points, joints in zip(rows["depth"], rows["points"], rows["joints"], strict=True):
        for name in ("spine3", "left_elbow", "right_knee", "left_knee", "head"):
            u, v = np.floor((points[JOINT[name]] + 0.5) / 2).astype(int)
            if 0 <= u < 64 and 0 <= v < 64:
                shown += 1
                nearer.append(joints[JOINT[name], 2] - float(depth[v, u]))
    inside = np.isfinite(nearer)
    assert shown > 50 and inside.mean() > 0.97, "joints are inside of the figure"
    assert (np.array(nearer)[inside] > -0.03).mean() > 0.97
    assert np.isnan(rows["depth"].astype(np.float32)).mean() > 0.3, "there is background"


def test_a_pose_is_the_same_whoever_takes_it(rows: dict[str, np.ndarray]) -> None:
    first = slice(0, body_pictures.PEOPLE_A_POSE)
    assert len(set(rows["pose"][first])) == 1 and len(set(rows["person"][first])) == body_pictures.PEOPLE_A_POSE
    for name in ("rotations", "fingers", "coefficients"):
        assert (rows[name][first] == rows[name][0]).all()
        turned = rows[name].reshape(-1, 3, 3)
        if name != "coefficients":
            np.testing.assert_allclose(turned @ turned.transpose(0, 2, 1), np.tile(np.eye(3), (len(turned), 1, 1)),
                                       atol=1e-5)
    assert len({row.tobytes() for row in rows["joints"][first]}) == body_pictures.PEOPLE_A_POSE, "other bones"
    person = person_of(int(rows["person"][0]))
    matrices = pose_bones(person, rows["rotations"][0], rows["fingers"][0])
    np.testing.assert_allclose(joints_of(person, matrices) @ TO_CAMERA, rows["joints"][0], atol=1e-4)
    hands = hands_of(person, matrices) @ TO_CAMERA
    np.testing.assert_allclose(hands - hands[:, :1], rows["hands"][0], atol=1e-4)


def test_a_frame_of_the_walk_keeps_the_ways_of_its_bones(poses: Poses) -> None:
    walk = poses._walks[0]
    turned = rotations_at(walk.joints[40].astype(float), walk.head[40])
    person = person_of(0)      # whose arms and legs point the same way at rest as the walk's are turned from
    joints = joints_of(person, pose_bones(person, turned, np.tile(np.eye(3), (2, 15, 1, 1))))
    for bone, end in (("left_elbow", "left_wrist"), ("right_knee", "right_ankle"), ("left_hip", "left_knee")):
        ours = joints[JOINT[end]] - joints[JOINT[bone]]
        theirs = walk.joints[40, JOINT[end]] - walk.joints[40, JOINT[bone]]
        up = [float(way[1] / np.linalg.norm(way)) for way in (ours, theirs)]     # the yaw is taken off
        assert abs(up[0] - up[1]) < 1e-4
    assert len(JOINTS) == len(turned)


def test_writing_goes_on_where_it_stopped_and_makes_the_same_bytes(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_pictures, "POSES_A_SHARD", 1)
    body_pictures.write_shards(tmp_path, "train", 5, 2)
    kept = [(tmp_path / f"train_{i:03}.npz").read_bytes() for i in range(2)]
    (tmp_path / "train_001.npz").unlink()
    body_pictures.write_shards(tmp_path, "train", 5, 2)
    assert (tmp_path / "train_001.npz").read_bytes() == kept[1] and kept[0] != kept[1]
    body_pictures.write_shards(tmp_path, "test", 5, 1)
    train, test = (body_pictures.read_shards(tmp_path, kind, ("person", "rotations", "picture"))
                   for kind in ("train", "test"))
    assert not set(train["person"]) & set(test["person"])
    assert not {row.tobytes() for row in train["rotations"]} & {row.tobytes() for row in test["rotations"]}
    with pytest.raises(SemblanceError, match="5 people and 2 poses"):
        body_pictures.write_shards(tmp_path, "train", 6, 2)
    (tmp_path / "train_000.npz").write_bytes(b"half")
    with pytest.raises(SemblanceError, match="train_000.npz' is damaged"):
        body_pictures.read_shards(tmp_path, "train", ("pose",))


def test_a_face_moves_only_what_the_coefficients_say(stage: BodyStage, poses: Poses) -> None:
    """The same scene with a wider mouth: the face changes and nothing else."""
    from dataclasses import replace

    from addon.core import coefficients
    pose, shot = poses.pose(0, False), random_body_shot(np.random.default_rng(1))
    rest = replace(pose, coefficients=np.zeros(54, np.float32))
    smile = rest.coefficients.copy()
    smile[coefficients.indices(["mouthSmileLeft", "mouthSmileRight", "jawOpen"])] = 1
    one, other = (stage.draw(person_of(1), each, shot) for each in (rest, replace(rest, coefficients=smile)))
    assert np.abs(one.face.astype(int) - other.face).max() > 60
    moved = (one.picture != other.picture).any(2)
    assert moved.any() and moved.mean() < 0.05 and (one.joints == other.joints).all(), "only the face"
