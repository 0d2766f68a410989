import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core import coefficients, live_link
from addon.core.errors import SemblanceError
from addon.core.live_link import COLUMNS, read_live_link, write_live_link
from addon.core.take import read_take, write_take


def lines_of(values, timecodes):
    rows = [",".join([t, "61", *(f"{np.float32(v):.10f}" for v in row)])
            for t, row in zip(timecodes, values, strict=True)]
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def a_csv(tmp_path, timecodes=("00:00:01:00.000", "00:00:01:02.000"), seed=0):
    values = np.random.default_rng(seed).random((len(timecodes), 61), np.float32)
    path = tmp_path / "a.csv"
    path.write_text(lines_of(values, timecodes))
    return path


def test_a_real_take_makes_the_round_trip_to_the_last_digit(shared, tmp_path):
    original = shared / "data/livelink_take/range_of_motion.csv"
    write_take(read_live_link(original), tmp_path / "a.take")
    write_live_link(read_take(tmp_path / "a.take"), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text().splitlines() == original.read_text().splitlines()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 9999), rate=st.sampled_from([30, 60]), start=st.integers(0, 86_400 * 30 - 1),
       steps=st.lists(st.integers(1, 90_000), min_size=1, max_size=6))
def test_any_take_makes_the_round_trip(tmp_path, seed, rate, start, steps):
    # One row near the end of a second, so that the file shows its rate.
    clock = start // rate * 1000 * rate + (rate - 1) * 1000 + np.cumsum([0, *steps])
    timecodes = [live_link._timecode(c / rate / 1000, rate) for c in clock]
    values = np.random.default_rng(seed).uniform(0, 1, (len(clock), 61)).astype(np.float32)
    text = lines_of(values, timecodes)
    (tmp_path / "a.csv").write_text(text)
    write_live_link(read_live_link(tmp_path / "a.csv"), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == text


def test_channels_land_on_their_coefficients(tmp_path):
    values = np.zeros((1, 61), np.float32)
    for name, value in (("JawOpen", 0.5), ("BrowInnerUp", 0.3), ("MouthSmileLeft", 0.7), ("LeftEyePitch", 0.2),
                        ("RightEyeYaw", -0.1), ("HeadPitch", 0.25)):
        values[0, COLUMNS.index(name) - 2] = value
    path = tmp_path / "a.csv"
    path.write_text(lines_of(values, ["00:00:00:00.000"]))
    track = read_live_link(path).raw
    got = {n: round(float(v), 6) for n, v in zip(coefficients.NAMES, track.coefficients[0], strict=True) if v}
    assert got == {"jawOpen": 0.5, "browInnerUpLeft": 0.3, "browInnerUpRight": 0.3, "mouthSmileLeft": 0.7}
    assert np.allclose(track.gaze[0], [[0, -0.2], [0.1, 0]])
    assert np.allclose(track.head[0], [0, -0.25, 0])


def test_angles_agree_with_the_channels_of_a_real_take(shared):
    track = read_live_link(shared / "data/livelink_take/range_of_motion.csv").raw
    value = {name: track.coefficients[:, i] for name, i in coefficients.INDEX.items()}
    # Yaw grows to the person's left, which is outwards for the left eye; pitch grows upwards.
    for eye, side, outward in ((0, "Left", 1), (1, "Right", -1)):
        out = value[f"eyeLookOut{side}"] - value[f"eyeLookIn{side}"]
        up = value[f"eyeLookUp{side}"] - value[f"eyeLookDown{side}"]
        assert np.corrcoef(track.gaze[:, eye, 0], out)[0, 1] * outward > 0.99
        assert np.corrcoef(track.gaze[:, eye, 1], up)[0, 1] > 0.99


def test_sideways_means_the_side_whose_muscles_pull(shared):
    """The file's own names of these two pairs are swapped; muscles do not lie."""
    track = read_live_link(shared / "data/livelink_take/range_of_motion.csv").raw

    def to_the_left(name):
        left, right = coefficients.indices([name + "Left", name + "Right"])
        return track.coefficients[:, left] - track.coefficients[:, right]

    for sideways in ("mouth", "jaw"):
        for muscle in ("mouthStretch", "mouthUpperUp", "cheekSquint"):
            assert np.corrcoef(to_the_left(sideways), to_the_left(muscle))[0, 1] > 0.4


def test_time_runs_on_past_midnight(tmp_path):
    track = read_live_link(a_csv(tmp_path, ["23:59:59:58.000", "00:00:00:00.000", "00:00:00:30.000"])).raw
    assert np.allclose(track.times_s, [0, 2 / 60, 32 / 60])


def test_rows_that_do_not_advance_are_left_out_and_counted(tmp_path):
    take = read_live_link(a_csv(tmp_path, ["00:00:01:40.0", "00:00:01:40.0", "00:00:01:39.0", "00:00:01:41.0"]))
    assert len(take) == 2
    assert take.source["warnings"] == ["2 rows left out because their timecode does not advance."]


def test_what_excel_saved_and_what_was_cut_off_in_its_last_row_are_read(tmp_path):
    path = a_csv(tmp_path)
    whole, text = read_live_link(path), path.read_text()
    path.write_text(text.replace(",", ";").replace(".", ","))
    np.testing.assert_array_equal(read_live_link(path).raw.coefficients, whole.raw.coefficients)
    path.write_text(text + text.splitlines()[-1][:60])
    cut = read_live_link(path)
    assert len(cut) == len(whole) and cut.source["warnings"] == ["The last row is cut off and was left out."]


def test_one_sided_shapes_export_as_the_mean_of_both(tmp_path):
    take = read_live_link(a_csv(tmp_path))
    coefficient = take.raw.coefficients.copy()
    coefficient[:, coefficients.indices(["browInnerUpLeft", "browInnerUpRight"])] = [0.2, 0.6]
    changed = dataclasses.replace(take, smoothed=dataclasses.replace(take.smoothed, coefficients=coefficient))
    write_live_link(changed, tmp_path / "b.csv")
    exported = read_live_link(tmp_path / "b.csv").raw
    assert np.allclose(exported.coefficients[:, coefficients.INDEX["browInnerUpLeft"]], 0.4)


@pytest.mark.parametrize(("change", "says"), [
    (lambda t: "", "no rows"),
    (lambda t: t.splitlines()[0], "no rows"),
    (lambda t: t.replace("JawOpen", "JawOpens", 1), "the column 'JawOpen' belongs it has 'JawOpens'"),
    (lambda t: t.replace(",TongueOut", "", 1), "'TongueOut' belongs it has 'HeadYaw'"),
    (lambda t: t.replace("RightEyeRoll", "RightEyeRoll,More", 1), "'More' is unknown"),
    (lambda t: t.replace(",61,", ",61,0.5,", 1), "line 2: 64 fields instead of 63"),
    (lambda t: t.replace("00:00:01:00.000", "soon", 1), "line 2: 'soon' is not a timecode"),
    (lambda t: t.replace(",61,0.", ",61,x.", 1), "line 2: could not convert"),
    (lambda t: t.rsplit(",", 1)[0] + ",inf\n", "line 3: a value is not a finite number"),
])
def test_a_wrong_file_is_refused_in_words(tmp_path, change, says):
    path = a_csv(tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(SemblanceError, match=says.replace("(", r"\(")) as caught:
        read_live_link(path)
    assert str(path) in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_in_words(tmp_path, noise, with_header):
    path = tmp_path / "a.csv"
    path.write_bytes((",".join(COLUMNS) + "\n").encode() * with_header + noise)
    with pytest.raises(SemblanceError):
        read_live_link(path)
