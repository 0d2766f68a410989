"""The converter makes exactly the networks that are shipped, and refuses any other original."""
from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("flatbuffers")

from addon.core.model_card import read_card
from addon.core.paths import MODELS
from training import convert_landmark_networks as converter


@pytest.fixture(scope="module")
def unpacked() -> Path:
    """The folder that MediaPipe is installed in: the wheel, unpacked."""
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or spec.origin is None:
        pytest.skip("mediapipe is not installed")
    return Path(spec.origin).parents[1]


@pytest.fixture(scope="module")
def converted(unpacked: Path) -> dict[str, bytes]:
    return converter.convert(unpacked)


def test_shipped_networks_are_what_the_converter_makes(converted: dict[str, bytes]) -> None:
    assert set(converted) == set(converter.NETWORKS)
    for name, network in converted.items():
        assert network == (MODELS / name / "model.onnx").read_bytes()


def test_cards_say_what_the_networks_are(converted: dict[str, bytes]) -> None:
    for name, network in converted.items():
        shipped = (MODELS / name / "card.toml").read_text(encoding="utf-8")
        assert shipped.partition("\n[quality]")[0] == converter.card(name, network)
        card = read_card(MODELS / name)
        assert card.inputs["picture"][0] == 1 and "mediapipe==0.10.21" in card.data["data"]
        assert (MODELS / name / "LICENSE").is_file() and (MODELS / name / "NOTICE").is_file()


def test_another_original_is_refused(unpacked: Path, tmp_path: Path) -> None:
    for path in ("tasks/metadata/schema_py_generated.py", "modules/face_detection/face_detection_short_range.tflite"):
        target = tmp_path / "mediapipe" / path
        target.parent.mkdir(parents=True)
        target.write_bytes((unpacked / "mediapipe" / path).read_bytes())
    target.write_bytes(target.read_bytes()[:-1] + b"\x01")
    with pytest.raises(SystemExit, match=r"is not the one of mediapipe==0\.10\.21"):
        converter.convert(tmp_path)
