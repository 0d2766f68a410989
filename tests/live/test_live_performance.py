"""One performer in real time: never a jump, never a value or time that is none, whatever comes."""
from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.coefficients import COUNT, INDEX, in_group
from addon.core.frames import EMBEDDING_SIZE, Expression, FaceFrame, Frame
from addon.expression.calibration import Calibration
from addon.live.live_calibration import RANGE, RANGE_S
from addon.live.live_performance import LivePerformance, Moment, see_all
from addon.live.live_settings import LiveSettings
from addon.tracking.following import follow_all
from addon.tracking.sources import open_source

from .making import a_performance, an_expression, column, encoder, heard

CLIP = Path(__file__).resolve().parents[2] / "assets/demo/performer.mp4"
FPS = 30
RAW = LiveSettings(smoothing=0.0)


def at(begin_s: float, end_s: float, fps: float = FPS) -> np.ndarray:
    return np.arange(round(begin_s * fps), round(end_s * fps)) / fps


@pytest.fixture(scope="module")
def clip() -> list[Frame]:
    with open_source(CLIP, end_s=2.2) as source:
        return list(source)


def see(performance: LivePerformance, frame: Frame) -> Moment:
    """The only performer in the picture."""
    return see_all({0: performance}, frame)[0]


# Pictures


def test_a_video_is_followed_frame_by_frame(clip: list[Frame]) -> None:
    performance = LivePerformance(encoder())
    moments = [see(performance, frame) for frame in clip[:40]]
    assert [moment.time_s for moment in moments] == [frame.time_s for frame in clip[:40]]
    assert all(moment.face and moment.face.found and moment.raw.confidence > 0.5 for moment in moments)
    assert np.ptp([moment.expression.coefficients for moment in moments], axis=0).max() > 0.3
    assert set(performance.stamps) == {"face_detector", "face_mesh", "expression"}


def test_frames_without_a_face_are_bridged_and_then_eased(clip: list[Frame]) -> None:
    performance = LivePerformance(encoder())
    blank = np.zeros_like(clip[0].image)
    shown = [see(performance, frame if i < 15 or 18 <= i < 25 else replace(frame, image=blank))
             for i, frame in enumerate(clip)]
    held = [moment.expression.coefficients for moment in shown]
    assert np.array_equal(held[14], held[17]) and shown[16].expression.confidence == 0 and shown[16].raw.confidence == 0
    assert np.abs(np.array(held[-1])).max() < 0.01 < np.abs(held[24]).max()


def two_people(clip: list[Frame], left: int, right: int) -> np.ndarray:
    """The performer twice in one picture, at two moments of hers; she on the left is larger."""
    small = cv2.resize(clip[right].image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    picture = np.full((clip[0].image.shape[0], clip[0].image.shape[1] + small.shape[1], 3), 60, np.uint8)
    picture[:, :clip[0].image.shape[1]] = clip[left].image
    picture[:small.shape[0], clip[0].image.shape[1]:] = small
    return picture


def test_two_faces_in_one_picture_are_two_performers(clip: list[Frame]) -> None:
    pair = {1: LivePerformance(encoder(), face=1), 0: LivePerformance(encoder(), face=0)}
    alone = LivePerformance(encoder())
    width = clip[0].image.shape[1]
    for i in range(7):
        picture = two_people(clip, i, 40 + i)
        if 3 <= i < 5:
            picture[:, width:] = 60
        moments = see_all(pair, replace(clip[i], image=picture))
        expected = see(alone, clip[i])
        on_left, on_right = moments[0].face, moments[1].face
        assert on_left and on_left.found and on_left.landmarks[:, 0].max() < width
        assert np.abs(moments[0].raw.coefficients - expected.raw.coefficients).mean() < 0.06
        assert on_right is not None and on_right.found == (not 3 <= i < 5)
        assert not on_right.found or on_right.landmarks[:, 0].min() > width
    # She on the left hides: nobody takes over who is followed by somebody else, and what was seen last stays hers.
    last = moments[0].raw.coefficients
    for i in range(7, 9):
        picture = two_people(clip, i, 40 + i)
        picture[:, :width] = 60
        moments = see_all(pair, replace(clip[i], image=picture))
        assert moments[0].raw.confidence == 0 and moments[1].raw.confidence > 0.5
        assert np.array_equal(moments[0].raw.coefficients, last)
    moments = see_all(pair, replace(clip[9], image=two_people(clip, 9, 49)))
    assert moments[0].face and moments[0].face.landmarks[:, 0].max() < width and moments[1].raw.confidence > 0.5


@pytest.mark.parametrize("man_in_front", [True, False])
def test_two_people_who_swap_places_keep_their_characters(clip: list[Frame], shared: Path, man_in_front: bool) -> None:
    """A filmed man and the performer walk past each other in one and a half seconds."""
    with open_source(shared / "data/webcam_video/man_at_webcam.mp4", end_s=1.2) as source:
        man = [frame.image[:, 50:350] for frame in source]
    woman = [cv2.resize(frame.image, (300, 300), interpolation=cv2.INTER_AREA) for frame in clip]
    pair, first = {face: LivePerformance(encoder(), face) for face in (0, 1)}, 0
    for i in range(28):
        way = round(580 * float(np.clip((i - 3) / 22, 0, 1)))
        places = [(man[i], way), (woman[i], 580 - way)]
        picture = np.full((300, 900, 3), 60, np.uint8)
        for patch, left in reversed(places) if man_in_front else places:
            picture[:, left + 30:left + 270] = patch[:, 30:270]
        frame = Frame(picture, i / 15, i)
        faces = follow_all([each.tracker for each in pair.values()], frame)
        first = first if i else int(faces[0].landmarks[0, 0] > 300)  # whom the first character follows
    moments = see_all(pair, frame)
    for face, (patch, left) in enumerate(places[::-1] if first else places):
        seen, alone = moments[face], see(LivePerformance(encoder()), Frame(patch, 0.0, 0))
        assert seen.face and seen.face.found and left < seen.face.landmarks[:, 0].mean() < left + 300
        assert np.corrcoef(seen.raw.coefficients, alone.raw.coefficients)[0, 1] > 0.9


# Loss and return


def played(settings_: LiveSettings, lost_s: float, fps: float = FPS) -> tuple[np.ndarray, np.ndarray]:
    """Times and jawOpen of a performer with an open mouth who is away for a while and returns with it open."""
    performance = a_performance()
    performance.settings = settings_
    moments = heard(performance, at(0, 1, fps), jawOpen=0.8)
    moments += [performance.miss(t) for t in at(1, 1 + lost_s, fps)]
    moments += heard(performance, at(1 + lost_s, 2 + lost_s, fps), jawOpen=0.8)
    return np.array([moment.time_s for moment in moments]), column(moments, "jawOpen")


@pytest.mark.parametrize("when", ["hold", "ease"])
def test_a_face_that_is_lost_holds_or_eases_and_returns_without_a_jump(when: str) -> None:
    times, jaw = played(LiveSettings(when_lost=when), 2.0)
    away = jaw[(times > 1.0) & (times < 1.28)]
    assert np.allclose(away, away[0]) and away[0] > 0.75
    rest = jaw[(times > 2.2) & (times < 2.99)]
    assert np.allclose(rest, away[0] if when == "hold" else 0.0, atol=1e-3)
    assert np.abs(np.diff(jaw)).max() < 0.23
    assert jaw[-1] == pytest.approx(0.8, abs=0.01)


def test_dropped_frames_are_bridged_at_once() -> None:
    """One or two frames without a face do not make what follows late."""
    performance, other = a_performance(), a_performance()
    times = at(0, 2)

    def wave(t: float) -> float:
        return 0.5 - 0.5 * math.cos(3 * math.tau * t)

    whole = column(heard(performance, times, jawOpen=wave), "jawOpen")
    gappy = np.array([
        (other.miss(t) if i % 9 in (4, 5) else other.hear(an_expression(t, jawOpen=wave(t))))
        .expression.coefficients[INDEX["jawOpen"]] for i, t in enumerate(times)
    ])
    seen = np.array([i % 9 not in (4, 5, 6) for i in range(len(times))]) & (times > 0.5)
    assert np.abs(whole - gappy)[seen].max() < 0.08


@pytest.mark.parametrize("fps", [2, 10, 120])
def test_slow_and_fast_cameras_follow(fps: float) -> None:
    performance = a_performance()
    moments = heard(performance, at(0, 3, fps), jawOpen=lambda t: 0.0 if t < 1.5 else 0.9)
    jaw = column(moments, "jawOpen")
    assert jaw[0] == 0 and jaw[-1] > 0.85
    late = next(m.time_s for m, value in zip(moments, jaw, strict=True) if value > 0.45) - 1.5
    assert late <= max(1.01 / fps, 0.05)


def test_a_laptop_that_slept_goes_on_from_what_it_showed() -> None:
    performance = a_performance()
    before = heard(performance, at(0, 1), jawOpen=0.9)
    after = heard(performance, at(0, 1) + 8 * 3600.0, jawOpen=0.1)
    jaw = column([*before, *after], "jawOpen")
    assert np.abs(np.diff(jaw[5:])).max() < 0.3 and jaw[-1] == pytest.approx(0.1, abs=0.02)
    assert after[0].time_s - before[-1].time_s < 0.1
    assert np.allclose(np.diff([moment.time_s for moment in after]), 1 / FPS, atol=1e-6)


def test_a_clock_that_is_set_back_goes_on() -> None:
    performance = a_performance()
    moments = [*heard(performance, at(50, 51), jawOpen=0.5), *heard(performance, at(3, 4), jawOpen=0.5)]
    assert np.allclose(np.diff([moment.time_s for moment in moments]), 1 / FPS, atol=1e-6)


def test_misses_without_a_time_go_by_our_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("addon.live.live_performance.time.monotonic", lambda: now[0])
    performance = a_performance()
    performance.hear(an_expression(7.0))
    times = []
    for _ in range(5):
        now[0] += 0.1
        times.append(performance.miss().time_s)
    assert np.allclose(times, 7 + 0.1 * np.arange(1, 6))


# Settings


def test_regions_head_and_gaze_can_be_switched_off_without_a_jump() -> None:
    performance = a_performance()
    moving = {"jawOpen": 0.8, "browDownLeft": 0.7, "eyeLookUpLeft": 0.6, "head": 0.4}
    before = heard(performance, at(0, 1), **moving)
    performance.settings = LiveSettings(regions={"jaw": False}, head=False, gaze=False)
    after = heard(performance, at(1, 2), **moving)
    jaw = column([*before[-1:], *after], "jawOpen")
    assert jaw[0] > 0.75 and np.abs(np.diff(jaw)).max() < 0.25 and jaw[-1] == 0
    last = after[-1].expression
    assert last.coefficients[INDEX["browDownLeft"]] > 0.6 and not last.coefficients[in_group("gaze")].any()
    assert not last.head.any() and not last.gaze.any()
    assert after[-1].raw.coefficients[INDEX["jawOpen"]] == np.float32(0.8)  # what is recorded can be changed later
    assert performance.recorded_calibration.gains == {"jaw": 0, "gaze": 0, "head": 0}


def test_smoothing_can_be_changed_while_it_runs() -> None:
    noise = np.random.default_rng(0).normal(0.4, 0.02, 300)
    performance = a_performance()

    def shake(begin: int) -> float:
        moments = heard(performance, np.arange(begin, begin + 100) / FPS, mouthPucker=lambda t: noise[round(t * FPS)])
        return float(np.abs(np.diff(column(moments[30:], "mouthPucker"), 2)).mean())

    calm = shake(0)
    performance.settings = RAW
    raw = shake(100)
    performance.settings = LiveSettings(smoothing=2.0)
    assert shake(200) < calm < 0.15 * raw


# Calibration


def test_set_neutral_takes_a_second_of_what_is_seen() -> None:
    performance = a_performance()
    performance.settings = RAW
    assert performance.neutral_state == ""
    heard(performance, at(0, 1), browDownLeft=0.3, head=0.2)
    performance.begin_neutral(1.0)
    seen = heard(performance, at(1, 1.5), browDownLeft=0.3, head=0.2)
    assert performance.neutral_state == "taking"
    seen += [performance.miss(1.5)]  # a blink of the tracker
    seen += heard(performance, at(1.55, 3), browDownLeft=0.3, head=0.2)
    assert performance.neutral_state == "set" and performance.calibration.source == "live"
    brow = column(seen, "browDownLeft")
    assert brow[0] == pytest.approx(0.3) and brow[-1] == 0 and np.abs(np.diff(brow)).max() < 0.1
    assert np.abs(seen[-1].expression.head).max() < 1e-6
    assert performance.problems == []


class Seen:
    """A tracker and an encoder of somebody whose brows are low at rest and who raises them now and then."""

    place = None
    card = encoder().card

    def track(self, frame: Frame, others: object = (), sought: object = ()) -> FaceFrame:
        return FaceFrame(frame.time_s, True, np.zeros((478, 3), np.float32), 1.0, frame.image)

    def encode_one(self, face: FaceFrame) -> Expression:
        rests = face.time_s % 5 < 3
        return an_expression(face.time_s, browDownLeft=0.3 if rests else 0.0, browInnerUpLeft=0.0 if rests else 0.5)


def test_the_resting_face_is_found_by_itself_until_it_is_set() -> None:
    performance = LivePerformance(Seen(), tracker=Seen())  # type: ignore[arg-type]
    frames = [Frame(np.zeros((128, 128, 3), np.uint8), float(t), i) for i, t in enumerate(at(0, 30, 20))]
    seen = [see(performance, frame) for frame in frames[:500]]
    brow = column(seen, "browDownLeft")
    assert brow[20] > 0.25 and brow[410:450].max() < 0.01 and np.abs(np.diff(brow)).max() < 0.25
    assert performance.neutral_state == "" and performance.calibration.source == "none"
    assert performance.recorded_calibration.source == "auto"
    performance.begin_neutral(0.2)
    for frame in frames[500:]:
        see(performance, frame)
    assert performance.recorded_calibration.source == "live"
    performance.calibration = Calibration()  # somebody else, of whom nothing is known
    assert performance.recorded_calibration.source == "none" and performance.neutral_state == ""
    # What another tracker measured is the business of whoever sends it.
    heard_ = column(heard(a_performance(), at(0, 10, 10), browDownLeft=0.3), "browDownLeft")
    assert heard_[-1] == pytest.approx(0.3)


def test_a_neutral_without_a_face_says_so() -> None:
    performance = a_performance()
    performance.begin_neutral(1.0)
    for t in at(0, 8, 10):
        performance.miss(t)
    assert performance.neutral_state == "" and len(performance.problems) == 1
    assert performance.problems[0].startswith("No face was seen long enough")


def test_a_blink_shuts_the_eyes_also_of_those_whose_lids_are_seen_to_close_less() -> None:
    performance = a_performance()
    performance.settings = RAW

    def blinking(t: float) -> float:
        return 0.75 if t % 1 > 0.8 else 0.05

    lids = column(heard(performance, at(0, 4), eyeBlinkLeft=blinking), "eyeBlinkLeft")
    assert lids[:20].max() == pytest.approx(0.05) and lids.max() == pytest.approx(1, abs=0.01)
    assert performance.recorded_calibration.closed == pytest.approx([0.75, 1], abs=0.01)
    tired = column(heard(a_performance(), at(0, 2), eyeBlinkLeft=0.5), "eyeBlinkLeft")
    assert tired.max() == pytest.approx(0.5)


def acting(reach: float, lids: float, follows: set[str]) -> LivePerformance:
    """A performer who does what the range of motion asks, as far as `reach`."""
    performance = a_performance()
    performance.begin_range()
    guides = []
    for t in at(0, RANGE_S + 0.2, 15):
        step = next((step for step in RANGE if step.begin_s + 0.5 <= t < step.end_s), RANGE[0])
        wanted = dict.fromkeys(step.channels, reach) if step.group in follows else {}
        if step.group == "eyelids":
            wanted = dict.fromkeys(step.channels, lids)
        wanted["mouthFrownLeft"] = 0.1  # how this mouth is at rest
        performance.hear(an_expression(t, **wanted))
        guides.append(performance.guide)
    assert list(dict.fromkeys(guides)) == [*(each.sentence for each in RANGE), ""]
    return performance


def test_the_range_of_motion_sets_lids_and_strengths() -> None:
    performance = acting(0.6, 0.8, {"brows", "mouth", "jaw", "cheeks"})
    assert performance.problems == [] and performance.neutral_state == "set" and performance.guide == ""
    calibration = performance.calibration
    assert calibration.closed == pytest.approx([0.8, 0.8]) and calibration.source == "range"
    assert calibration.gains == pytest.approx({"brows": 1.5, "mouth": 1.5, "jaw": 1.5, "cheeks": 1.5})
    assert calibration.neutral[INDEX["mouthFrownLeft"]] == pytest.approx(0.1)
    performance.settings = RAW
    shut = heard(performance, at(40, 41), eyeBlinkLeft=0.8, jawOpen=0.6, mouthFrownLeft=0.1)[-1].expression.coefficients
    assert shut[INDEX["eyeBlinkLeft"]] == pytest.approx(1) and shut[INDEX["jawOpen"]] == pytest.approx(0.9)
    assert shut[INDEX["mouthFrownLeft"]] == pytest.approx(0, abs=1e-6)


def test_steps_that_were_not_followed_change_nothing_and_are_told() -> None:
    performance = acting(0.9, 0.1, {"jaw"})
    assert set(performance.calibration.gains) == {"jaw"} and performance.calibration.closed.tolist() == [1, 1]
    assert len(performance.problems) == 6 and all("was not seen" in sentence for sentence in performance.problems)


def test_a_range_that_is_broken_off_too_early_changes_nothing() -> None:
    performance = a_performance()
    performance.begin_range()
    performance.end_range()
    assert performance.neutral_state == "" and performance.problems[0].startswith("No face was seen")


# Whatever comes

numbers = st.one_of(st.floats(-2, 3), st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf, 3e38]))
times = st.one_of(st.floats(-1, 4), st.floats(), st.sampled_from([0.0, 1e300, -1e300, math.nan, math.inf, 1e9]))


@st.composite
def arrivals(draw: st.DrawFn) -> Expression | None:
    """What a door or a network may come up with; None: nothing."""
    if draw(st.booleans()) and draw(st.booleans()):
        return None
    values = np.full(COUNT, draw(numbers), np.float32)
    values[draw(st.integers(0, COUNT - 1))] = draw(numbers)
    return Expression(
        draw(times), values, np.full(EMBEDDING_SIZE, draw(numbers), np.float32),
        np.full((2, 2), draw(numbers), np.float32), np.full(3, draw(numbers), np.float32), draw(numbers),
    )


settings_of = st.builds(
    LiveSettings, regions=st.dictionaries(st.sampled_from(["jaw", "gaze", "eyelids"]), st.booleans()),
    head=st.booleans(), smoothing=st.sampled_from([0.0, 1.0, 5.0]), when_lost=st.sampled_from(["hold", "ease"]),
    lost_after_s=st.floats(0, 1), ease_s=st.floats(0, 1),
)


@settings(max_examples=80)
@given(st.lists(st.one_of(arrivals(), settings_of, st.sampled_from(["neutral", "range", "end", "forget"])),
                min_size=1, max_size=30))
def test_whatever_comes_characters_get_numbers_and_times_rise(script: list[object]) -> None:
    performance, moments = _PERFORMANCE, []
    performance.__init__(encoder(), tracker=performance.tracker)  # type: ignore[misc]
    for event in script:
        if isinstance(event, LiveSettings):
            performance.settings = event
        elif event == "neutral":
            performance.begin_neutral(0.1)
        elif event == "range":
            performance.begin_range()
        elif event == "end":
            performance.end_range()
        elif event == "forget":
            performance.calibration = Calibration()
        else:
            moments.append(performance.hear(event) if isinstance(event, Expression) else performance.miss())
    for moment in moments:
        told = moment.expression
        assert ((told.coefficients >= 0) & (told.coefficients <= 1)).all() and told.coefficients.dtype == np.float32
        assert all(np.isfinite(part).all() for part in (told.gaze, told.head, told.embedding))
        assert told.gaze.shape == (2, 2) and told.head.shape == (3,)
        assert 0 <= told.confidence <= 1 and told.time_s == moment.raw.time_s == moment.time_s
    rising = [moment.time_s for moment in moments]
    assert np.isfinite(rising).all() and all(a < b for a, b in itertools.pairwise(rising))


_PERFORMANCE = a_performance()
