"""A network is opened only with the card that describes it."""
from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from addon.core import errors, network
from addon.core.errors import MissingWheel, SemblanceError
from addon.core.network import Network
from addon.core.paths import MODELS, ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a shipped model, to be spoiled."""
    return shutil.copytree(MODELS / "decoder_pip", tmp_path / "decoder_pip")


def spoil(folder: Path, old: str, new: str) -> None:
    card = folder / "card.toml"
    text = card.read_text(encoding="utf-8")
    assert old in text
    card.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/model.onnx")), ids=lambda path: path.parent.name)
def test_every_shipped_network_is_as_its_card_says(path: Path) -> None:
    assert Network(path.parent, "A test").card.name == path.parent.name


def test_it_answers_what_is_asked(folder: Path) -> None:
    controls, = Network(folder, "A test").run(["controls"], expression=np.zeros((3, 61), np.float32))
    assert controls.shape == (3, 53) and np.isfinite(controls).all()


@pytest.mark.parametrize(("old", "new", "said"), [
    ("shape = [-1, 61]", "shape = [-1, 60]", r"input 'expression' is \[-1, 61\] in the network and \[-1, 60\] in"),
    ("shape = [-1, 61]", "shape = [-1, 61, 1]", r"input 'expression' is \[-1, 61\] in the network and \[-1, 61, 1\]"),
    ('name = "expression"', 'name = "face"', r"input 'expression' is \[-1, 61\] in the network and absent in"),
    ("shape = [-1, 53]", "shape = [-1, 52]", r"output 'controls' is \[-1, 53\] in the network and \[-1, 52\] in"),
    ("[[output]]", '[[output]]\nname = "more"\nshape = [3]\n\n[[output]]', r"output 'more' is absent in the network"),
])
def test_a_card_that_does_not_describe_its_network_is_refused(folder: Path, old: str, new: str, said: str) -> None:
    spoil(folder, old, new)
    with pytest.raises(SemblanceError, match=said) as caught:
        Network(folder, "A test")
    assert "'decoder_pip'" in str(caught.value) and "\n" not in str(caught.value)


def test_another_network_than_the_cards_is_refused(folder: Path) -> None:
    shutil.copy(MODELS / "face_mesh" / "model.onnx", folder)
    with pytest.raises(SemblanceError, match="not the one its card.toml describes"):
        Network(folder, "A test")


def test_what_is_no_network_is_refused(folder: Path) -> None:
    real, junk = (folder / "model.onnx").read_bytes(), b"no network at all"
    (folder / "model.onnx").write_bytes(junk)
    spoil(folder, hashlib.sha256(real).hexdigest(), hashlib.sha256(junk).hexdigest())
    with pytest.raises(SemblanceError, match="onnxruntime cannot load the network 'decoder_pip'"):
        Network(folder, "A test")


def test_a_true_card_of_another_kind_of_network_is_refused(folder: Path) -> None:
    network = Network(folder, "A test")
    network.expect("decoder", {"expression": (-1, 61)}, {"controls": (-1, 53)})
    said = r"The network 'decoder_pip' is no encoder: it needs the output 'gaze' \[-1, 2, 2\], its card says absent."
    with pytest.raises(SemblanceError, match=said):
        network.expect("encoder", {"expression": (-1, 61)}, {"gaze": (-1, 2, 2)})


def test_without_onnxruntime_one_feature_is_off(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingWheel, match="A test is off because the Python module 'onnxruntime'"):
        Network(folder, "A test")


def test_nothing_is_told_to_the_maker_of_onnxruntime(tmp_path: Path) -> None:
    """Its identifier and its queue of reports would be files in the user's home and temporary folder."""
    kept_quiet_by = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in kept_quiet_by}
    folders = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "LOCALAPPDATA", "TEMP", "TMP"), str(tmp_path))
    program = "from addon.core.network import Network; Network('decoder_pip', 'A test')"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment | folders, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


def test_a_provider_that_is_not_here_falls_back_with_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    network._tell_fallback.cache_clear()
    monkeypatch.setenv(network.PROVIDER, "NOWHERE")
    for _ in range(2):
        assert Network(folder, "A test").provider == "CPU"
    assert caplog.messages == [network.fallback("NOWHERE")]
    monkeypatch.delenv(network.PROVIDER)
    assert Network(folder, "A test").provider == "CPU" and len(caplog.messages) == 1


def test_a_provider_whose_driver_fails_falls_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    real, asked = onnxruntime.InferenceSession, []

    def session(data: bytes, options: object, providers: list[str]) -> object:
        asked.append(providers[0])
        if providers[0] == "CUDAExecutionProvider":
            raise RuntimeError("CUDA driver version is insufficient")
        return real(data, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(network.PROVIDERS.values()))
    monkeypatch.setenv(network.PROVIDER, "CUDA")
    assert Network(folder, "A test").provider == "CPU" and asked == ["CUDAExecutionProvider", "CPUExecutionProvider"]


def test_a_wheel_that_windows_cannot_load_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> None:
        raise ImportError("DLL load failed while importing onnxruntime_pybind11_state")

    monkeypatch.setattr(errors.importlib, "import_module", fails)
    with pytest.raises(MissingWheel, match=r"Visual C\+\+ runtime"):
        errors.require("onnxruntime", "Tracking")
