"""Settings of live play, and the files of performers."""
from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.coefficients import COUNT
from addon.core.errors import SemblanceError
from addon.expression.calibration import Calibration
from addon.live.live_settings import LiveSettings
from addon.live.performers import performers, read_performer, write_performer

ANN = Calibration(np.linspace(0, 0.4, COUNT, dtype=np.float32), np.array([0.1, 0, -0.2], np.float32),
                  closed=np.array([0.8, 0.7], np.float32), gains={"jaw": 1.3}, source="range")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path))
    return tmp_path


def test_settings_survive_json() -> None:
    chosen = LiveSettings({"jaw": False}, head=False, smoothing=2.0, when_lost="hold", ease_s=0.0)
    assert LiveSettings.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen
    assert LiveSettings.from_json({}) == LiveSettings()
    assert LiveSettings.from_json({"smoothing": 2}).smoothing == 2.0


@pytest.mark.parametrize(("wrong", "sentence"), [
    ({"ears": True}, "have no 'ears'"), ({"regions": {"ears": True}}, "no region 'ears' of the face; they are brows"),
    ({"regions": {"jaw": 1}}, "true or false"), ({"regions": []}, "'regions' .* cannot be"), ({"head": 1}, "'head'"),
    ({"when_lost": "hide"}, "can hold or ease, not 'hide'"), ({"smoothing": -1}, "must be 0 or more"),
    ({"ease_s": math.nan}, "must be 0 or more"), ({"lost_after_s": True}, "'lost_after_s'"),
    ({"ease_s": "1"}, "'ease_s'"),
])
def test_wrong_settings_are_refused_in_one_sentence(wrong: dict, sentence: str) -> None:
    with pytest.raises(SemblanceError, match=sentence) as caught:
        LiveSettings.from_json(wrong)
    assert "\n" not in str(caught.value)


json_values = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.sampled_from(["", "hold", "x", [], [1], {}, {"jaw": 1}]),
    st.dictionaries(st.sampled_from(["jaw", "ears"]), st.booleans()),
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*vars(LiveSettings()), "x"]), json_values))
def test_any_json_gives_settings_or_a_sentence(data: dict) -> None:
    try:
        LiveSettings.from_json(data)
    except SemblanceError as error:
        assert "\n" not in str(error)


# Performers


def same(a: Calibration, b: Calibration) -> bool:
    return a.to_json() == b.to_json()


@pytest.mark.parametrize("name", ["Ann", "Jörg", "../../etc", "a/b\\c:d", "con.json", "花子", " Ann B. ", "%2F", "🙂"])
def test_a_performer_is_kept_under_any_name(own_folder: Path, name: str) -> None:
    assert same(read_performer(name), Calibration()) and performers() == []
    path = write_performer(name, ANN)
    assert path.parent == own_folder / "performers" and performers() == [name.strip()]
    assert same(read_performer(name), ANN)
    write_performer(name, replace(ANN, gains={}))
    assert read_performer(name).gains == {} and len(performers()) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb", "a\0b"])
def test_no_performer_without_a_name(name: str) -> None:
    for use in (read_performer, lambda name: write_performer(name, ANN)):
        with pytest.raises(SemblanceError, match="needs a name"):
            use(name)


def test_a_newer_file_and_a_number_that_is_none() -> None:
    path = write_performer("Ann", ANN)
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"schema": 2}))
    with pytest.raises(SemblanceError, match="schema 2"):
        read_performer("Ann")
    told["calibration"]["head"] = [0, math.nan, 0]
    path.write_text(json.dumps(told))
    with pytest.raises(SemblanceError, match="performer 'Ann' is damaged"):
        read_performer("Ann")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_are_told_in_one_sentence(data: st.DataObject) -> None:
    path = write_performer("Ann", ANN)
    content = bytearray(path.read_bytes())
    del content[data.draw(st.integers(0, len(content))):]
    for _ in range(data.draw(st.integers(0, 5))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        found = read_performer("Ann")
    except SemblanceError as error:
        assert "Ann" in str(error) and "\n" not in str(error)
    else:
        assert np.isfinite(found.neutral).all() and all(gain >= 0 for gain in found.gains.values())
