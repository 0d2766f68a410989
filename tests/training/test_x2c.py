"""X2CNet: the paper's layers, the same numbers in torch and onnxruntime, learning, the report and its card."""
from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("cv2")
import cv2
import torch
from torch import nn

from addon.core.errors import SemblanceError
from addon.core.frames import CROP_SIZE, FaceFrame
from addon.core.model_card import read_card
from addon.core.rig_profile import find_profile
from training import bench, bench_x2c, x2c, x2c_report, x2c_rivals
from training.stage_runs import Plan
from training.x2c import cells_drawn, jittered, pictures_drawn, train
from training.x2c_data import Renders, View
from training.x2c_look import Straightened, mirrored_places, places_of, ridge_leaving_out
from training.x2c_metric import PARTS
from training.x2c_model import (
    VIEWS,
    PaperNetwork,
    SmallNetwork,
    export,
    head,
    mapping_network,
    predict,
    read_controls,
    resnet18,
)
from training.x2c_people import as_the_robot, typical_place
from training.x2c_report import OURS, as_table, best_trivial, export_with_card, measure, report

ADA = find_profile("ada").control_set
SIDE = VIEWS["small"].side


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Batches so small are slower on two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def renders(count: int, seed: int = 0, side: int = SIDE) -> Renders:
    """Pictures whose brightness from left to right is the jaw, from top to bottom the head's yaw."""
    random = np.random.default_rng(seed)
    scaled = np.tile(ADA.scaled(ADA.neutral), (count, 1))
    scaled[:, [12, 13]] = random.uniform(-1, 1, (count, 2))
    slope = np.linspace(-1, 1, side)
    light = 127 + 60 * (scaled[:, 13, None, None] * slope + scaled[:, 12, None, None] * slope[:, None])
    pictures = np.repeat(light[..., None], 3, 3) + random.normal(0, 2, (count, side, side, 3))
    landmarks = random.uniform(30, 90, (478, 3)).astype(np.float32)
    faces = [FaceFrame(float(i), True, landmarks + np.float32(row[12] * 5), 1.0,
                       np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8) + np.uint8(i)) for i, row in enumerate(scaled)]
    return Renders(pictures.clip(0, 255).astype(np.uint8), ADA.unscaled(scaled), faces, 256)


def test_the_papers_network() -> None:
    """torchvision's ResNet-18 has 11 689 512 weights, 513 000 of them in its last layer."""
    trunk = resnet18()
    assert sum(weights.numel() for weights in trunk.parameters()) == 11_689_512 - 513_000
    strides = [each.stride[0] for each in trunk.modules() if isinstance(each, nn.Conv2d) and each.kernel_size[0] > 1]
    assert strides == [2, *[1] * 4, *[2, 1, 1, 1] * 3]
    assert [each.out_features for each in head(512) if isinstance(each, nn.Linear)] == [256, 256, 30]
    assert isinstance(head(512)[-1], nn.Linear)
    assert VIEWS["paper"].side == 224
    with torch.no_grad():
        assert mapping_network("paper").eval()(torch.zeros(1, 224, 224, 3, dtype=torch.uint8)).shape == (1, 30)


@pytest.mark.parametrize("size", list(VIEWS))
def test_torch_and_onnxruntime_agree(size: str, tmp_path: Path) -> None:
    import onnxruntime

    torch.manual_seed(1)
    network, given = mapping_network(size), renders(3, side=VIEWS[size].side)
    if isinstance(network, PaperNetwork):
        network.learn_colours(given.pictures)
    network(torch.from_numpy(given.pictures))  # batch norm has seen something
    export(network, VIEWS[size].side, tmp_path / "model.onnx")
    with torch.no_grad():
        wanted = network(torch.from_numpy(given.pictures)).numpy()
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    found, = session.run(["controls"], {"picture": given.pictures})
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    np.testing.assert_allclose(predict(network, given.pictures), wanted.clip(-1, 1), atol=1e-4)
    assert found.shape == (3, 30) and np.abs(found[0] - found[1]).max() > 1e-5


def test_eyes_and_mouth_lie_still_however_the_head_is_held() -> None:
    """Three lights on a face come to the same places, also moved and turned; those of the second eye as in a mirror."""
    straighten, marks = Straightened(), np.array([[70, 90], [120, 90], [95, 140]], np.float32)
    colours = np.eye(3, dtype=np.float32) * 255
    turn = np.float32([[0.9, 0.3], [-0.3, 0.9]])
    for places in (marks, (marks - 96) @ turn + 100):
        picture = np.zeros((SIDE, SIDE, 3), np.uint8)
        for (x, y), colour in zip(places, colours, strict=True):
            cv2.circle(picture, (round(float(x)), round(float(y))), 3, colour.tolist(), -1)
        look = np.concatenate([np.zeros(5), ((places + 0.5) / SIDE - 0.5).reshape(-1)])[None].astype(np.float32)
        patches = straighten.patches(torch.from_numpy(picture)[None], torch.from_numpy(look))[0]
        for number, wanted in enumerate(([32, 43], [32, 43], [32, 24])):
            light = patches[number, number].numpy()
            found = np.argwhere(light > 127).mean(0)[::-1]
            np.testing.assert_allclose(found, wanted, atol=1.2)


def test_the_first_look_knows_how_wrong_it_is_on_new_pictures() -> None:
    """What it says of a row that it left out is what the fit to the others alone says."""
    torch.manual_seed(6)
    inputs = torch.randn(60, 8, dtype=torch.float64)
    wanted = inputs @ torch.randn(8, 3, dtype=torch.float64) + torch.randn(60, 3, dtype=torch.float64)
    _, left_out = ridge_leaving_out(inputs, wanted)
    others, _ = ridge_leaving_out(inputs[1:], wanted[1:])
    assert (left_out[0] - inputs[0] @ others).abs().max() < 0.01 * (wanted[0] - left_out[0]).abs().max()


def test_places_follow_the_head_and_not_the_face() -> None:
    random = np.random.default_rng(0)
    head = random.uniform(-1, 1, (200, 5))
    landmarks = np.tile(head[:, None, :2], (1, 478, 1)) + random.normal(0, 0.3, (200, 1, 2))
    landmarks[3] = np.nan
    places = places_of(head, landmarks)
    assert np.abs(places.reshape(200, 3, 2) - head[:, None, :2]).mean() < 0.15
    np.testing.assert_allclose(mirrored_places(places)[:, 0], -places[:, 2])
    assert np.isfinite(places_of(head, np.full_like(landmarks, np.nan))).all()


class Tiny(nn.Module):
    """Brightness in 4 x 4 places, two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.top = nn.Sequential(nn.Flatten(), nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 30))

    def bottom(self, pictures: torch.Tensor) -> tuple[torch.Tensor]:
        seen = pictures.float().mean(3)[:, None]
        return (nn.functional.adaptive_avg_pool2d((seen - seen.mean((2, 3), keepdim=True)) / 60, 4),)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.top(*self.bottom(pictures))


def test_it_learns_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network, learned, asked = Tiny(), renders(64, 0, 32), renders(40, 1, 32)
    plan = Plan(epochs=40, batch=16, rate=3e-3, weight_decay=0.0, minutes=0)
    draw = pictures_drawn(network, learned, ADA, False)
    plans = {"absolute": plan, "huber": replace(plan, epochs=10)}
    assert train(network, draw, len(learned), plans, tmp_path / "one.pt", {"a": "b"}) == 160
    plans = {stage: replace(each, minutes=10) for stage, each in plans.items()}
    assert train(network, draw, len(learned), plans, tmp_path / "one.pt", {"a": "b"}) == 0
    found = ADA.unscaled(predict(network, asked.pictures))
    errors = measure({"it": found, "neutral": np.tile(ADA.neutral, (40, 1))}, asked.controls, ADA)
    assert errors["it"]["all"] < 0.4 * errors["neutral"]["all"]
    with pytest.raises(SemblanceError, match="not of"):
        train(network, draw, len(learned), plans, tmp_path / "one.pt", {"a": "c"})


@pytest.mark.parametrize("straightened", [True, False])
def test_what_is_mirrored_has_mirrored_controls(straightened: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that is bright on its left is asked for other controls than its mirror image."""
    monkeypatch.setattr("training.x2c.jittered", lambda pictures: pictures.float())
    one = replace(renders(20), faces=[])
    one.pictures[:] = np.linspace(20, 220, SIDE)[:, None].astype(np.uint8)
    one.controls[:] = ADA.neutral
    one.controls[:, ADA.names.index("Brow Inner Left")] = 1.0
    network = SmallNetwork() if straightened else PaperNetwork()
    seen, true = (cells_drawn if straightened else pictures_drawn)(network, one, ADA, True)(
        np.random.default_rng(0), 40)
    picture = seen[0][:, -32 * 32:].reshape(-1, 1, 32, 32) if straightened else seen[0]
    flipped = (picture[..., :8].mean((1, 2, 3)) > picture[..., -8:].mean((1, 2, 3))).numpy()
    assert 5 < flipped.sum() < 35
    own, other = (ADA.scaled(values) for values in (one.controls[0], ADA.mirrored(one.controls[0])))
    np.testing.assert_allclose(true.numpy(), np.where(flipped[:, None], other, own), atol=1e-6)
    assert np.abs(own - other).max() > 0.1


def test_colours_are_jittered_by_a_fifth() -> None:
    torch.manual_seed(4)
    grey = torch.full((200, 4, 4, 3), 100, dtype=torch.uint8)
    light = jittered(grey)
    assert 78 < light.min() < 85 and 115 < light.max() < 122
    assert torch.equal(light.amax((1, 2, 3)), light.amin((1, 2, 3)))
    red = torch.tensor([200, 50, 50], dtype=torch.uint8).expand(200, 4, 4, 3)
    spread = jittered(red)[:, 0, 0, 0] - jittered(red)[:, 0, 0, 1]
    assert 70 < spread.min() < 130 and 170 < spread.max() < 230


def test_rivals_answer_in_the_robots_units(monkeypatch: pytest.MonkeyPatch) -> None:
    learned, asked = renders(40, side=96), renders(12, 1, side=96)
    monkeypatch.setattr(x2c_rivals, "readings_of", lambda some: torch.from_numpy(ADA.scaled(some.controls)[:, 12:14]))
    monkeypatch.setattr(x2c_rivals, "decoded", lambda some, controls: some.controls)
    unseen = replace(asked.faces[0], landmarks=np.full((478, 3), np.nan, np.float32))
    asked.faces[0] = unseen
    found = x2c_rivals.rival_guesses(learned, asked, ADA)
    for values in found.values():
        assert values.shape == (12, 30) and (values >= ADA.minimum).all() and (values <= ADA.maximum).all()
    errors = {name: part["all"] for name, part in measure(found, asked.controls, ADA).items()}
    assert errors["our encoder + ridge"] < errors["ridge on landmarks"] < errors["mean"]
    assert errors["our encoder + decoder"] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found["ridge on landmarks"][0], learned.controls.mean(0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found["neutral"][3], ADA.neutral, atol=1e-4)
    nobody_looked = replace(learned, faces=[]), replace(asked, faces=[])
    assert set(x2c_rivals.rival_guesses(*nobody_looked, ADA)) == {
        "neutral", "mean", "nearest picture", "ridge on gradients"}


def test_the_nearest_picture_is_the_same_one() -> None:
    learned = renders(20, side=96)
    found = x2c_rivals.rival_guesses(replace(learned, faces=[]), replace(learned, faces=[]), ADA)
    np.testing.assert_allclose(found["nearest picture"], learned.controls, atol=1e-3)


def test_the_report_and_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, learned = renders(6, 1), renders(8)
    monkeypatch.setattr(x2c_report, "rival_guesses", lambda learned, asked, controls: {
        "mean": np.tile(controls.neutral, (6, 1)), "ridge on gradients": asked.controls, "neutral": asked.controls})
    torch.manual_seed(5)
    network = SmallNetwork()
    measured = report(network, learned, asked, ADA, tmp_path / "table.md")
    assert best_trivial(measured) == "ridge on gradients"
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| | all | " + " | ".join(PARTS) + " |" and lines[2].startswith("| ridge on gradients | 0.000")
    assert len(lines) == 6 and as_table(measured) == "\n".join(lines)
    export_with_card(network, measured, 8, 6, tmp_path / "x2cnet")
    card = read_card(tmp_path / "x2cnet")
    assert card.inputs == {"picture": (-1, SIDE, SIDE, 3)} and card.outputs == {"controls": (-1, 30)}
    assert card.data["quality"][OURS]["all"] == pytest.approx(measured[OURS]["all"], abs=1e-4)
    assert (tmp_path / "x2cnet" / "model.onnx").stat().st_size < 8_000_000
    np.testing.assert_allclose(read_controls(tmp_path / "x2cnet", asked.pictures),
                               predict(network, asked.pictures), atol=1e-4)


def test_the_kept_network_is_what_its_card_says() -> None:
    found = read_controls(x2c_report.MODEL, renders(2).pictures)
    assert found.shape == (2, 30) and np.abs(found).max() <= 1
    quality = read_card(x2c_report.MODEL).data["quality"]
    assert quality[OURS]["all"] < min(quality[name]["all"] for name in x2c_rivals.TRIVIAL)


def test_the_real_set_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = renders(24, side=60)
    lines = []
    for number, (picture, values) in enumerate(zip(given.pictures, given.controls, strict=True)):
        (tmp_path / "set" / "images0").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "set" / "images0" / f"{number}.png"), picture)
        lines.append(json.dumps({"file_name": f"{number}.png", "ctrl_value": values.tolist(),
                                 "animation": f"a{number // 3}"}))
    (tmp_path / "set" / "metadata.jsonl").write_text("\n".join([*lines, "{"]))
    monkeypatch.setattr(x2c, "OUT", tmp_path / "out")
    monkeypatch.setattr(x2c, "PLANS", {"small": {"absolute": Plan(epochs=0.5, batch=4, rate=1e-3)}})
    monkeypatch.setattr("sys.argv", ["x2c", "--x2c", str(tmp_path / "set")])
    x2c.main()
    told = capsys.readouterr().out
    assert "line 25: it is no JSON object" in told and f"| {OURS} |" in told and "| ridge on gradients |" in told
    assert "ridge on landmarks" not in told and not (tmp_path / "out" / "model.onnx").exists()
    assert [path.name for path in (tmp_path / "out").glob("*.md")] == ["x2c_small_18.md"]


def test_a_person_is_shown_where_the_robot_is() -> None:
    """A person half as large, elsewhere in a larger picture, comes to the robot's place and size."""
    robot = renders(3)
    place = typical_place(robot)
    picture = np.zeros((400, 500, 3), np.uint8)
    points = robot.faces[0].landmarks / 2 + np.float32([200, 100, 0])
    face = replace(robot.faces[0], landmarks=points)
    x, y = (points[:, :2].max(0) + points[:, :2].min(0)) / 2
    picture[int(y) - 4:int(y) + 5, int(x) - 4:int(x) + 5] = [0, 0, 250]
    seen = as_the_robot(picture, face, place, View(1.0, 256))
    where = np.argwhere(seen[..., 0] > 125)
    wanted = (robot.faces[0].landmarks[:, :2].max(0) + robot.faces[0].landmarks[:, :2].min(0)) / 2
    shift = place[:2] - typical_place(replace(robot, faces=robot.faces[:1]))[:2]
    np.testing.assert_allclose(where.mean(0)[::-1], wanted + shift, atol=2.5)
    assert 14 <= np.ptp(where[:, 0]) <= 20 and seen[..., 1:].max() == 0


def test_the_benchmark_names_them() -> None:
    names = [name for names in bench.collect()[0] for name in names]
    assert {"x2c.mae", "x2c.mae_ratio", "x2c.encoder_mae", "x2c.person_mae"} <= set(names)


def test_the_rows_compare_with_the_best_trivial(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = renders(4)
    guesses = {"mean": 8.0, "nearest picture": 4.0, "ridge on landmarks": 5.0, "ridge on gradients": 6.0,
               "neutral": 2.0, "our encoder + ridge": 3.0, "our encoder + network": 3.5, "our encoder + decoder": 2.5}
    monkeypatch.setattr(bench_x2c, "_renders", lambda purpose: asked)
    monkeypatch.setattr("training.x2c_model.read_controls", lambda model, pictures: ADA.scaled(asked.controls) + 0.01)

    def rivals(learned: Renders, some: Renders, controls: object) -> dict[str, np.ndarray]:
        return {name: ADA.unscaled(ADA.scaled(some.controls) + share / 100) for name, share in guesses.items()}

    monkeypatch.setattr(x2c_rivals, "rival_guesses", rivals)
    rows = bench_x2c.measure_x2c()
    assert rows["x2c.mae"].ours == pytest.approx(0.01, abs=1e-5)
    assert rows["x2c.mae"].rival == pytest.approx(0.04, abs=1e-5)
    assert rows["x2c.mae"].rival_name.startswith("nearest picture (neutral 0.020, mean 0.080")
    assert rows["x2c.mae_ratio"].ours == pytest.approx(0.25, abs=1e-3) and rows["x2c.mae_ratio"].goal == "<= 0.5"
    assert rows["x2c.encoder_mae"].ours == pytest.approx(0.025, abs=1e-5)
