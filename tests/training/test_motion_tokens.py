"""Motion tokens: what they are taught and by, the kept networks, tokens exchanged, and landing on armatures."""
from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl")
pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
import cv2  # noqa: E402
from torch.nn import functional  # noqa: E402

from addon.characters.body_pose import TO_BODY, about, decode, positions, skeleton_of  # noqa: E402
from addon.core.body_motion import JOINT, JOINTS, PARENTS  # noqa: E402
from addon.core.errors import SemblanceError  # noqa: E402
from addon.core.model_card import read_card  # noqa: E402
from training import bench_tokens, motion_tokens  # noqa: E402
from training.body_people import hands_of, joints_of, person_of, pose_bones  # noqa: E402
from training.motion_token_body import fitted, track_of, usual_person  # noqa: E402
from training.motion_token_data import (  # noqa: E402
    Pairs,
    body_bones,
    body_mirrored,
    boxes,
    coloured,
    depth_around,
    hand_bones,
    heat_of,
    moved,
    read_bodies,
    wrists,
)
from training.motion_token_lessons import LESSONS, WITHOUT, alike_loss  # noqa: E402
from training.motion_token_model import (  # noqa: E402
    CUT,
    FOLDER,
    HEAT_SIDE,
    SIDES,
    SLICES,
    TOKENS,
    body_joints,
    cut_out,
    deployed,
    export,
    hand_points,
    load_decoders,
    load_tokens,
    rotation_of,
    turned,
)
from training.motion_tokens import checkpoint, new_tokens, taught, teach  # noqa: E402
from training.stage_runs import Plan  # noqa: E402

POSES, PEOPLE = 12, 6


def drawn(random: np.random.Generator, points: np.ndarray, side: int, colour: int) -> np.ndarray:
    """A picture with a dot at each of points [N, 2] px."""
    image = np.full((side, side, 3), random.integers(0, 120, 3), np.uint8)
    for i, (x, y) in enumerate(points):
        cv2.circle(image, (int(x), int(y)), side // 30, (255 - 9 * i % 200, colour, 80 + 7 * i % 150), -1)
    return image


def row(random: np.random.Generator, pose: int, number: int, turns: np.ndarray, face: np.ndarray) -> dict[str, object]:
    """One person in one pose, as training.body_pictures keeps it, drawn as dots."""
    person = person_of(number)
    fingers = turns[22:].reshape(2, 15, 3, 3)
    matrices = pose_bones(person, turns[:22], fingers)
    joints, hands = (each @ TO_BODY for each in (joints_of(person, matrices), hands_of(person, matrices)))
    joints, hands = joints - joints[:1], hands - hands[:, :1]
    points = 64 + 30 * joints[:, :2]
    depth = np.full((64, 64), np.nan, np.float16)
    for (x, y), z in zip(points / 2, joints[:, 2], strict=True):
        depth[int(y) - 2:int(y) + 3, int(x) - 2:int(x) + 3] = z
    left, right = (drawn(random, 24 + 100 * hand[:, :2], 48, 200) for hand in hands)
    bars = cv2.resize((255 * face[None]).astype(np.uint8), (64, 64), interpolation=cv2.INTER_NEAREST)
    return {"picture": drawn(random, points, 128, 160), "face": np.repeat(bars[..., None], 3, 2), "left": left,
            "right": right, "pose": np.int32(pose), "person": np.int32(number), "rotations": turns[:22],
            "fingers": fingers, "coefficients": face, "joints": joints, "hands": hands, "points": points - 0.5,
            "depth": depth}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one shard of either kind."""
    folder, random = tmp_path_factory.mktemp("bodies"), np.random.default_rng(3)
    for kind, first in (("train", 0), ("test", 50)):
        rows = []
        for pose in range(POSES):
            axes = random.normal(size=(52, 3))
            turns = about(axes / np.linalg.norm(axes, axis=1, keepdims=True), random.uniform(0, 0.6, 52))
            face = random.random(54) * (random.random(54) < 0.2)
            for number in random.permutation(PEOPLE)[:2]:
                rows.append(row(random, pose, first + int(number), turns, face))
        columns = {name: np.stack([np.asarray(each[name]) for each in rows]) for name in rows[0]}
        floats = {name: values.astype(np.float32) for name, values in columns.items() if values.dtype == np.float64}
        np.savez(folder / f"{kind}_000.npz", **columns | floats, settings=np.array([PEOPLE, POSES]))
    return folder


def test_a_motion_lands_on_the_bones_of_whoever_is_told(data: Path) -> None:
    columns = read_bodies(data, "train", ("rotations", "fingers", "joints", "hands", "person", "pose"))
    bones, rotations = body_bones(columns), torch.from_numpy(columns["rotations"])
    match = bench_tokens.Match(np.arange(0, 2 * POSES, 2), np.arange(1, 2 * POSES, 2))
    other = body_joints(rotations[match.query], torch.from_numpy(bones[match.gallery])).numpy()
    assert np.allclose(other, columns["joints"][match.gallery], atol=1e-5)
    assert not np.allclose(other, columns["joints"][match.query], atol=1e-2)
    wrist = wrists(columns["rotations"])
    for side in (0, 1):
        fingers, points = columns["fingers"][:, side], columns["hands"][:, side]
        own = torch.from_numpy(hand_bones(points, wrist[:, side], fingers)[match.gallery])
        told = hand_points(*(torch.from_numpy(each[match.query]) for each in (wrist[:, side], fingers)), own).numpy()
        assert np.allclose(told, points[match.gallery], atol=1e-5)


def test_a_mirror_turns_bones_and_joints_alike(data: Path) -> None:
    columns = read_bodies(data, "train", ("rotations", "joints"))
    truth = (torch.from_numpy(each) for each in (columns["rotations"], body_bones(columns), columns["joints"]))
    rotations, bones, joints = body_mirrored(*truth)
    assert torch.allclose(body_joints(rotations, bones), joints, atol=1e-5)
    assert torch.allclose(joints[:, JOINT["left_wrist"], 0], -torch.from_numpy(columns["joints"])[:, 21, 0])


def test_rotations_are_rotations() -> None:
    found = rotation_of(torch.randn(50, 6, generator=torch.manual_seed(1)))
    assert torch.allclose(found @ found.transpose(1, 2), torch.eye(3).expand(50, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(found), torch.ones(50), atol=1e-5)
    assert torch.equal(rotation_of(torch.zeros(1, 6))[0], torch.eye(3))


def test_places_go_where_their_pictures_go() -> None:
    torch.manual_seed(2)
    pictures, marks = torch.zeros(6, 3, 64, 64), torch.full((6, 1, 2), 0.5)
    pictures[:, :, 40:44, 20:24] = 1
    marks[:, 0] = torch.tensor([22 / 64, 42 / 64])
    out, found = moved(pictures, 0.1, marks)
    cells = (torch.arange(64) + 0.5) / 64
    for picture, mark in zip(out.mean(1), found[:, 0], strict=True):
        middle = torch.stack([(picture.sum(0) * cells).sum(), (picture.sum(1) * cells).sum()]) / picture.sum()
        assert torch.allclose(middle, mark, atol=0.02)
    assert not torch.allclose(found, marks, atol=0.01)
    light = coloured(out)
    assert light.shape == out.shape and light.min() >= 0 and light.max() <= 1


def test_a_figure_is_cut_out_where_its_joints_are() -> None:
    marks = torch.tensor([[[0.25, 0.5], [0.5, 0.75], [1.5, 0.2]]])      # the last one is out of the picture
    box = boxes(marks)
    assert torch.allclose(box, torch.tensor([[0.375, 0.625, 0.18]]))
    picture = torch.zeros(1, 3, 128, 128)
    picture[:, :, 62:66, 30:34] = 1
    figure = cut_out(picture, box[:, :2], box[:, 2])
    heat = heat_of((marks - box[:, None, :2]) / (2 * box[:, None, 2:]) + 0.5, HEAT_SIDE)
    assert torch.allclose(heat.sum(2), torch.tensor([[1.0, 1.0, 0.0]]))
    cells = functional.avg_pool2d(figure, CUT // HEAT_SIDE)[0, 0].flatten()
    assert cells.argmax() in heat[0, 0].topk(4).indices


def test_depth_is_cut_out_around_the_pelvis_by_the_figures_length(data: Path) -> None:
    columns = read_bodies(data, "train", ("rotations", "joints", "points", "depth"))
    found = depth_around(columns, body_bones(columns))
    assert np.isfinite(found[:, 7:9, 7:9]).any((1, 2)).mean() > 0.8
    shifted = columns | {"points": columns["points"] + 0.125, "depth": np.roll(columns["depth"], (8, 8), (1, 2))}
    again = depth_around(shifted, body_bones(columns))
    assert np.allclose(np.nan_to_num(found), np.nan_to_num(again), atol=1e-4)


def test_pairs_are_one_pose_on_two_people(data: Path) -> None:
    columns = read_bodies(data, "train", ("pose", "person"))
    rows = Pairs(columns["pose"]).draw(np.random.default_rng(0), 8)
    assert (columns["pose"][rows[:8]] == columns["pose"][rows[8:]]).all() and len(set(columns["pose"][rows])) == 8
    assert (columns["person"][rows[:8]] != columns["person"][rows[8:]]).all()
    with pytest.raises(SemblanceError, match="two people"):
        Pairs(np.arange(5))


def test_alike_is_less_when_pairs_are_and_forgives_the_same_pose() -> None:
    tokens, motion = torch.randn(8, 16, generator=torch.manual_seed(0)), torch.arange(8.0)[:, None] % 4
    together = torch.cat([tokens[:4], tokens[:4]])
    assert alike_loss(together, motion) < 0.1 < alike_loss(tokens, motion)
    twice = together[[0, 0, 2, 3, 0, 0, 2, 3]]
    assert alike_loss(twice, motion) > 0.3 > alike_loss(twice, motion * (motion != 1))


@pytest.mark.parametrize("part", LESSONS)
def test_a_part_learns_and_goes_on_where_it_stopped(part: str, data: Path, tmp_path: Path) -> None:
    kind, plan = LESSONS[part], Plan(epochs=3, batch=12, rate=3e-3)
    lesson = kind(read_bodies(data, "train", kind.NEEDS))
    tokens, path = new_tokens("small"), checkpoint(tmp_path, part, "small")

    def error() -> float:
        torch.manual_seed(0)
        with torch.no_grad():
            return float(lesson.loss(tokens.encoder, tokens.decoders, np.random.default_rng(9), 12))

    before = error()
    assert teach(tokens, lesson, plan, path, {"part": part}) == 0
    assert error() < 0.9 * before
    assert teach(tokens, lesson, plan, path, {"part": part}) == 0


@pytest.mark.parametrize("without", [name for name in WITHOUT if name])
def test_lessons_can_do_without(without: str, data: Path) -> None:
    tokens = new_tokens("small")
    for kind in LESSONS.values():
        lesson = kind(read_bodies(data, "train", kind.NEEDS), without)
        loss = lesson.loss(tokens.encoder, tokens.decoders, np.random.default_rng(1), 8)
        assert np.isfinite(loss.item())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untaught networks, exported, with cards."""
    folder = tmp_path_factory.mktemp("models") / "motion_tokens"
    tokens = new_tokens("small")
    tokens.encoder.eval()
    tokens.decoders.eval()
    export(tokens.encoder, tokens.decoders, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_tokens, "measure_alone", lambda *_: {"top1_all": 0.5})
        patch.setattr(bench_tokens, "measure_tracked", lambda *_: {})
        bench_tokens.write_cards(folder, folder, "small", 1)
    return folder


def test_the_export_says_what_torch_says(kept: Path, data: Path) -> None:
    columns = read_bodies(data, "test", tuple(SIDES))
    pictures = [columns[name] for name in SIDES]
    found = load_tokens(kept / "model.onnx")(*pictures)
    assert found.shape == (2 * POSES, TOKENS) and found.dtype == np.float32
    tokens = new_tokens("small")
    with torch.no_grad():
        ours = deployed(tokens.encoder)(*map(torch.from_numpy, pictures)).numpy()
    assert np.abs(found - ours).max() < 1e-4
    for columns_of in SLICES.values():
        width = columns_of.stop - columns_of.start
        assert np.allclose((found[:, columns_of] ** 2).mean(1), 1, atol=1e-4), width
    assert read_card(kept).data["quality"] == {"top1_all": 0.5}


def test_a_token_that_is_exchanged_changes_its_part_and_nothing_else(kept: Path) -> None:
    random = np.random.default_rng(0)
    motion = load_decoders(kept.with_name("motion_token_decoders") / "model.onnx")
    assert bench_tokens.swap_leak(motion, random.normal(size=(8, TOKENS))) == 0

    def mute(tokens: np.ndarray) -> tuple[np.ndarray, ...]:
        return motion(np.concatenate([np.zeros_like(tokens[:, :64]), tokens[:, 64:]], 1))

    with pytest.raises(SemblanceError, match="z_face says nothing"):
        bench_tokens.swap_leak(mute, random.normal(size=(8, TOKENS)))


def test_the_bench_measures_made_people(kept: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SemblanceError, match="100 poses"):
        bench_tokens.measure_alone(data, kept)
    monkeypatch.setattr(bench_tokens, "LEAST_POSES", POSES)
    found = bench_tokens.measure_alone(data, kept)
    assert found["poses"] == POSES and found["leak"] == 0
    assert found["HOG_top1_face"] == 1      # a face is the same bars on everybody
    assert all(np.isfinite(value) for value in found.values())


NAMES = {
    "Rigify": {"pelvis": "DEF-spine", "spine1": "DEF-spine.001", "spine2": "DEF-spine.002", "spine3": "DEF-spine.003",
               "neck": "DEF-spine.004", "head": "DEF-spine.006", "left_shoulder": "DEF-upper_arm.L",
               "left_elbow": "DEF-forearm.L", "left_wrist": "DEF-hand.L", "left_hip": "DEF-thigh.L",
               "left_knee": "DEF-shin.L", "left_ankle": "DEF-foot.L", "left_foot": "DEF-toe.L",
               "left_collar": "DEF-shoulder.L"},
    "MPFB": {"pelvis": "root", "spine1": "spine05", "spine2": "spine03", "spine3": "spine01", "neck": "neck01",
             "head": "head", "left_shoulder": "upperarm01.L", "left_elbow": "lowerarm01.L", "left_wrist": "wrist.L",
             "left_hip": "upperleg01.L", "left_knee": "lowerleg01.L", "left_ankle": "foot.L", "left_foot": "toe1-1.L",
             "left_collar": "clavicle.L"},
    "Mixamo": {"pelvis": "mixamorig:Hips", "spine1": "mixamorig:Spine", "spine2": "mixamorig:Spine1",
               "spine3": "mixamorig:Spine2", "neck": "mixamorig:Neck", "head": "mixamorig:Head",
               "left_shoulder": "mixamorig:LeftArm", "left_elbow": "mixamorig:LeftForeArm",
               "left_wrist": "mixamorig:LeftHand", "left_hip": "mixamorig:LeftUpLeg", "left_knee": "mixamorig:LeftLeg",
               "left_ankle": "mixamorig:LeftFoot", "left_foot": "mixamorig:LeftToeBase",
               "left_collar": "mixamorig:LeftShoulder"},
}
INDEX = {"Rigify": "DEF-f_index.0{}.{}", "MPFB": "finger2-{}.{}", "Mixamo": "mixamorig:{1}HandIndex{0}"}


def named(rig: str) -> list[str]:
    """The 22 joints and the index fingers as the rig calls them."""
    table, mirror = NAMES[rig], {"Rigify": (".L", ".R"), "MPFB": (".L", ".R"), "Mixamo": ("Left", "Right")}[rig]
    sides = ("Left", "Right") if rig == "Mixamo" else ("L", "R")
    joints = [table[name] if name in table else table[name.replace("right", "left")].replace(*mirror)
              for name in JOINTS]
    return joints + [INDEX[rig].format(part, side) for side in sides for part in (1, 2, 3)]


@pytest.mark.parametrize("rig", NAMES)
def test_a_motion_lands_on_armatures(rig: str) -> None:
    random = np.random.default_rng(4)
    axes = random.normal(size=(3, 52, 3))
    turns = np.stack([about(each / np.linalg.norm(each, axis=1, keepdims=True), random.uniform(0, 0.5, 52))
                      for each in axes])
    fingers = turns[:, 22:].reshape(3, 2, 15, 3, 3)
    person = next(each for each in map(person_of, range(99)) if each.kind == "big_head")
    indices = [22 + 15 * side + 3 + part for side in (0, 1) for part in range(3)]
    rest = person.rest[[*range(22), *indices]]
    parents = [*PARENTS, JOINT["left_wrist"], 22, 23, JOINT["right_wrist"], 25, 26]
    tails = np.concatenate([rest[:22] + (0, 0.05, 0), person.rest[indices[1:3]], person.tips[:1, 1],
                            person.rest[indices[4:]], person.tips[1:, 1]])
    armature = skeleton_of(named(rig), parents, rest, tails, rig)
    found = decode(track_of(turns[:, :22], fingers), armature)
    places = positions(found, armature)
    true = np.stack([joints_of(usual_person(), pose_bones(usual_person(), turn[:22], hand))
                     for turn, hand in zip(turns, fingers, strict=True)])
    for side in ("left", "right"):
        for bone, end in pairwise(JOINT[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist")):
            ways = [each[:, end] - each[:, bone] for each in (places, true)]
            cosine = (ways[0] * ways[1]).sum(1) / np.linalg.norm(ways[0], axis=1) / np.linalg.norm(ways[1], axis=1)
            assert np.degrees(np.arccos(cosine.clip(-1, 1))).max() < 1
    assert np.abs(found[:, armature.joints["left_index2"]] - found[:, armature.joints["left_wrist"]]).max() > 0.1


def test_inverse_kinematics_finds_what_landmarks_show() -> None:
    still = np.broadcast_to(np.eye(3), (1, 22, 3, 3)).copy()
    fingers = np.broadcast_to(np.eye(3), (1, 2, 15, 3, 3)).copy()
    still[0, JOINT["left_elbow"]] = about(np.array([[0, 1.0, 0]]), np.array([-1.0]))[0]
    rotations, found = fitted(track_of(still, fingers), usual_person())
    assert bench_tokens.degrees(rotations, still).max() < 3
    assert bench_tokens.degrees(found, fingers).max() < 3
    assert bench_tokens.limb_degrees(rotations, still).max() < 3


def test_parts_that_were_not_taught_are_named(tmp_path: Path) -> None:
    with pytest.raises(SemblanceError, match="tokens_body_small.pt"):
        taught(tmp_path, "small")
    with pytest.raises(SemblanceError, match="body_pictures"):
        read_bodies(tmp_path, "train", ("pose",))
    assert set(motion_tokens.PLANS) == set(LESSONS)
    assert turned(torch.eye(3).expand(1, 22, 3, 3)).shape == (1, 22, 3, 3)


def test_the_kept_tokens_are_what_the_card_says() -> None:
    if not (FOLDER / "model.onnx").is_file():
        pytest.skip("no kept tokens")
    assert (FOLDER / "model.onnx").stat().st_size < 8e6
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (3, side, side, 3), np.uint8) for side in SIDES.values()]
    tokens = load_tokens()(*pictures)
    assert tokens.shape == (3, TOKENS) and np.allclose((tokens**2).mean(1), 1, atol=1e-4)
    assert bench_tokens.swap_leak(load_decoders(), tokens) == 0
    quality = read_card(FOLDER).data["quality"]
    assert quality["poses"] >= bench_tokens.LEAST_POSES
    assert quality["top1_all"] > max(quality["HOG_top1_all"], quality["pixels_top1_all"])
