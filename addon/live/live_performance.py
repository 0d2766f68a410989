"""One performer in real time: a Frame, or what somebody else measured, becomes the expression that characters play.

Whatever arrives, the expression is finite, its coefficients 0..1 and its times rise; and it never jumps: after a loss,
a leap in time or a change of settings it moves from what was shown to what is seen.
"""
from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.frames import EMBEDDING_SIZE, Expression, FaceFrame, Frame, stack
from ..core.smoothing import COLUMNS, LiveSmoother, Smoothing, columns, parts
from ..expression.calibration import Calibration, calibrate
from ..expression.encoder import Encoder
from ..tracking.drawn import DrawnFaceTracker
from ..tracking.following import Follows, follow_all
from ..tracking.region import FaceBox
from ..tracking.tracker import FaceTracker
from .live_calibration import Lids, NeutralTaking, RangeTaking, RestFinding
from .live_settings import LiveSettings

_STEP_S: Final = 1 / 30
"""Between two frames whose times are of no use."""
_SWAPPED_S: Final = 0.25
"""A frame that is older than the one before by less was overtaken; by more, the clock was set back."""
_LEAP_S: Final = 10.0
"""A longer wait between two frames is a leap of the clock, or a laptop that slept."""
_RETURN_S: Final = 0.25
"""How long the way from what was shown to what is seen takes."""


@dataclass(frozen=True)
class Moment:
    """One frame of one performer."""

    time_s: float
    """The source's clock, strictly rising."""
    face: FaceFrame | None
    """None for what came through a door."""
    raw: Expression
    """As measured; confidence 0 and the last values where nothing was."""
    expression: Expression
    """Calibrated, smoothed, bridged; what characters play."""


class LivePerformance:
    """One performer, followed from frame to frame."""

    def __init__(
        self, encoder: Encoder, face: int = 0, box: FaceBox | None = None, drawn: bool = False,
        tracker: Follows | None = None,
    ) -> None:
        """`face` 0 is the largest in the picture; a `tracker` that is given replaces the one that these three choose.

        Raises:
            SemblanceError: if a network is missing.
        """
        self._encoder = encoder
        self.tracker: Follows = tracker or (DrawnFaceTracker if drawn else FaceTracker)(face, box)
        self._settings, self._calibration = LiveSettings(), Calibration()
        self._played = self._calibration
        self._lids, self._rest = Lids(), RestFinding()
        self._found = Calibration()
        self._smoother = LiveSmoother(Smoothing())
        self._clock = _Clock()
        self._raw: Expression | None = None
        self._shown = np.zeros(COLUMNS)
        self._held = np.zeros(COLUMNS)
        self._seen_s: float | None = None
        self._lost = True
        self._fade = _Fade(np.zeros(COLUMNS), -np.inf)
        self._arrived = (0.0, time.monotonic())
        self._neutral: NeutralTaking | None = None
        self._range: RangeTaking | None = None
        self.problems: list[str] = []
        """Sentences for the user; whoever shows them takes them out."""

    @property
    def settings(self) -> LiveSettings:
        """May be replaced at any time."""
        return self._settings

    @settings.setter
    def settings(self, settings: LiveSettings) -> None:
        if settings != self._settings:
            self._settings = settings
            self._smoother.smoothing = Smoothing(settings.smoothing)
            self._begin_again()

    @property
    def calibration(self) -> Calibration:
        """What the performer has shown of themselves; may be replaced at any time. While it is none, the resting face
        of who is seen in pictures is found by itself.
        """
        return self._calibration

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._lids, self._rest, self._found = Lids(), RestFinding(), Calibration()
        self._begin_again()

    @property
    def recorded_calibration(self) -> Calibration:
        """For a take of this performance: what is played now, without what is switched off."""
        return self._played

    @property
    def neutral_state(self) -> str:
        """ "" before a resting face is known, "taking", "set". """
        if self._neutral or self._range:
            return "taking"
        return "" if self._calibration.source == "none" else "set"

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of the networks, for a take's header."""
        return {**getattr(self.tracker, "stamps", {}), "expression": self._encoder.card.stamp}

    @property
    def guide(self) -> str:
        """What the performer should do now, while the range of motion is taken; else ""."""
        return self._range.step.sentence if self._range else ""

    def begin_neutral(self, seconds: float = 1.0) -> None:
        """Take the resting face from the next `seconds` in which a face is seen."""
        self._neutral = NeutralTaking(seconds)

    def begin_range(self) -> None:
        """Begin the range of motion (live_calibration.RANGE); it ends by itself."""
        self._range = RangeTaking()

    def end_range(self) -> None:
        """Make do with what was shown so far."""
        taking, self._range = self._range, None
        if taking:
            try:
                self.calibration, missed = taking.calibration(self._calibration)
                self.problems += missed
            except SemblanceError as error:
                self.problems.append(str(error))

    def see(self, face: FaceFrame) -> Moment:
        """The performer's face in a frame, as `tracker` found it."""
        return self._moment(face, self._encoder.encode_one(face))

    def hear(self, expression: Expression) -> Moment:
        """What somebody else measured."""
        return self._moment(None, expression)

    def miss(self, time_s: float | None = None) -> Moment:
        """Nothing came: hold, then ease. Without a time it is as late as our clock says since the last one."""
        if time_s is None:
            arrived_s, at = self._arrived
            time_s = arrived_s + time.monotonic() - at
        return self._moment(None, replace(self._raw or _nothing(), time_s=time_s, confidence=0.0), arrived=False)

    def _moment(self, face: FaceFrame | None, measured: Expression, arrived: bool = True) -> Moment:
        shown_s = self._clock.now_s
        time_s, leapt = self._clock.tell(measured.time_s)
        if arrived:
            self._arrived = (time_s, time.monotonic())
        raw = self._raw = _sound(replace(measured, time_s=time_s), self._raw)
        self._take_rest(raw)
        if face is not None and self._calibration.source == "none" and (found := self._rest.add(raw)):
            self._found = found
            self._begin_again(shown_s)
        seen = raw.confidence > 0
        if leapt or (seen and self._lost):
            self._begin_again(time_s if self._seen_s is None else shown_s)
        if seen:
            self._show(raw)
        else:
            self._bridge(time_s)
        return Moment(time_s, face, raw, _expression(raw, self._shown))

    def _show(self, raw: Expression) -> None:
        """A face is seen."""
        closed = self._lids.closed(raw)
        if self._known.closed.min() >= 1:
            self._played = replace(self._played, closed=closed)
        self._held = self._smoother.step(raw.time_s, columns(calibrate(stack([raw]), self._played))[0])
        self._seen_s, self._lost = raw.time_s, False
        self._shown = self._fade(self._held, raw.time_s)

    def _bridge(self, time_s: float) -> None:
        """No face is seen."""
        settings = self._settings
        lost_s = 0.0 if self._seen_s is None else time_s - self._seen_s - settings.lost_after_s
        self._lost = self._lost or lost_s > 0
        if lost_s <= 0 or settings.when_lost == "hold":
            self._shown = self._fade(self._held, time_s)
        else:
            share = _smoothstep(lost_s / max(settings.ease_s, 1e-6))
            self._shown = self._fade(self._held * (1 - share), time_s)

    @property
    def _known(self) -> Calibration:
        return self._found if self._calibration.source == "none" else self._calibration

    def _begin_again(self, shown_s: float | None = None) -> None:
        """What follows has nothing to do with what came before: go there from what was shown."""
        self._played = self._settings.muting(self._known)
        self._smoother.restart()
        self._fade = _Fade(self._shown, self._clock.now_s if shown_s is None else shown_s)

    def _take_rest(self, raw: Expression) -> None:
        if self._neutral:
            try:
                if self._neutral.add(raw):
                    taking, self._neutral = self._neutral, None
                    self.calibration = taking.calibration(self._calibration)
            except SemblanceError as error:
                self._neutral = None
                self.problems.append(str(error))
        if self._range and self._range.add(raw):
            self.end_range()


def see_all(performances: Mapping[int, LivePerformance], frame: Frame) -> dict[int, Moment]:
    """Each performer in one picture; no two of them are the same face."""
    everybody = sorted(performances.items())
    found = follow_all([performance.tracker for _, performance in everybody], frame)
    return {number: performance.see(face) for (number, performance), face in zip(everybody, found, strict=True)}


@dataclass(frozen=True)
class _Fade:
    """The way from what was shown at a time to what is seen after it."""

    values: np.ndarray
    begin_s: float

    def __call__(self, seen: np.ndarray, time_s: float) -> np.ndarray:
        share = _smoothstep((time_s - self.begin_s) / _RETURN_S)
        return seen if share >= 1 else self.values + share * (seen - self.values)


class _Clock:
    """Times that rise strictly, from whatever a source says."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._begun = False
        self._shift_s = 0.0

    def tell(self, time_s: float) -> tuple[float, bool]:
        """The time that counts, and whether the clock leapt."""
        now_s, leapt = time_s + self._shift_s, False
        if not np.isfinite(now_s):
            now_s = self.now_s + _STEP_S
        elif self._begun and not -_SWAPPED_S < now_s - self.now_s <= _LEAP_S:
            self._shift_s += self.now_s + _STEP_S - now_s
            now_s, leapt = self.now_s + _STEP_S, True
        if self._begun and now_s <= self.now_s:
            now_s = max(self.now_s + 1e-3, float(np.nextafter(self.now_s, np.inf)))
        self.now_s, self._begun = float(now_s), True
        return self.now_s, leapt


def _smoothstep(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def _expression(raw: Expression, column: np.ndarray) -> Expression:
    """`raw` with what is shown."""
    values, gaze, head = parts(column.astype(np.float32))
    return replace(raw, coefficients=np.clip(values, 0, 1), gaze=gaze, head=head)


def _nothing() -> Expression:
    return Expression(
        0.0, np.zeros(coefficients.COUNT, np.float32), np.zeros(EMBEDDING_SIZE, np.float32),
        np.zeros((2, 2), np.float32), np.zeros(3, np.float32), 0.0,
    )


def _sound(measured: Expression, last: Expression | None) -> Expression:
    """What was measured if all of it is finite; else the last values, not measured."""
    parts = (measured.coefficients, measured.embedding, measured.gaze, measured.head)
    if measured.confidence > 0 and all(np.isfinite(part).all() for part in parts):
        return replace(
            measured, confidence=min(measured.confidence, 1.0), gaze=np.clip(measured.gaze, -np.pi, np.pi),
            head=np.clip(measured.head, -np.pi, np.pi), coefficients=np.clip(measured.coefficients, -1, 2),
        )
    return replace(last or _nothing(), time_s=measured.time_s, confidence=0.0)
