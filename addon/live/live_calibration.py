"""What a performer shows of themselves while live: the resting face in one second, their range in half a minute."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.frames import Expression, ExpressionTrack, stack
from ..expression.calibration import Calibration, calibrate, find_neutral

_PATIENCE_S: Final = 5.0
"""So long after the wanted time a face must have been seen for it."""
_LEAST_FRAMES: Final = 3


@dataclass(frozen=True)
class Step:
    """A part of the range of motion, seconds after its begin."""

    begin_s: float
    end_s: float
    sentence: str
    """What the performer should do now."""
    group: str = ""
    """The group of coefficients whose strength this tells; "" = the resting face."""
    channels: tuple[str, ...] = ()
    """What a whole movement would bring to 1; both sides are named."""


def _both(*names: str) -> tuple[str, ...]:
    return tuple(name + side for name in names for side in ("Left", "Right"))


RANGE: Final = (
    Step(0, 3, "Look at the camera and rest your face."),
    Step(3, 7, "Close your eyes, as in sleep.", "eyelids", _both("eyeBlink")),
    Step(7, 11, "Open your eyes and raise your brows as high as you can.", "brows",
         _both("browInnerUp", "browOuterUp")),
    Step(11, 15, "Draw your brows down and together, as in anger.", "brows", _both("browDown")),
    Step(15, 19, "Smile as broadly as you can.", "mouth", _both("mouthSmile")),
    Step(19, 23, "Push your lips forward, as for a kiss.", "mouth", ("mouthPucker",)),
    Step(23, 27, "Open your mouth as wide as you can.", "jaw", ("jawOpen",)),
    Step(27, 30, "Wrinkle your nose.", "cheeks", _both("noseSneer")),
)
RANGE_S: Final = RANGE[-1].end_s
_WHOLE: Final = 0.9
"""What a whole movement should reach."""
_LEAST_REACH: Final = 0.2
"""Less is no such movement: then the performer did not follow."""
_GAINS: Final = (0.8, 1.6)
_LEAST_CLOSED: Final = 0.45
_REACTION_S: Final = 1.0
"""So late people follow a sentence."""
_BLINK: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_CLOSED: Final = 0.6
"""Lids that are seen less closed than this may be those of tired eyes; a blink goes further."""
_FOUND_AFTER_S: Final = (3.0, 6.0, 12.0, 24.0, 48.0)
"""Seconds with a face after which its rest is looked for: soon for a start, later again in more of them."""
_EVERY_S: Final = 0.2
_FORGETTING: Final = 0.005
"""Per second; people blink every few."""


class Lids:
    """How far this performer's lids are seen to close, from one blink to the next, while nobody has measured it."""

    def __init__(self) -> None:
        self._most = np.zeros(2)
        self._time_s = 0.0

    def closed(self, raw: Expression) -> np.ndarray:
        """Float32 [2]: the eyeBlink of closed eyes as far as is known now; 1 before the first blink."""
        forgotten = _FORGETTING * max(raw.time_s - self._time_s, 0.0)
        self._most = np.maximum(self._most - forgotten, raw.coefficients[_BLINK])
        self._time_s = raw.time_s
        return np.where(self._most >= _CLOSED, np.minimum(self._most, 1), 1).astype(np.float32)


class RestFinding:
    """The resting face found by itself in what has been seen so far, until somebody shows it."""

    def __init__(self) -> None:
        self._seen: list[Expression] = []
        self._told = 0

    def add(self, raw: Expression) -> Calibration | None:
        """The calibration known now, when there is a new one."""
        if self._told == len(_FOUND_AFTER_S):
            return None
        if raw.confidence > 0 and (not self._seen or raw.time_s >= self._seen[-1].time_s + _EVERY_S):
            self._seen.append(raw)
        if len(self._seen) * _EVERY_S < _FOUND_AFTER_S[self._told]:
            return None
        self._told += 1
        return replace(find_neutral(stack(self._seen)), closed=np.ones(2, np.float32))


class NeutralTaking:
    """Collects measured frames until they span the wanted seconds."""

    def __init__(self, seconds: float) -> None:
        """Raises SemblanceError unless `seconds` is above 0."""
        if not 0 < seconds < 60:
            raise SemblanceError(f"The resting face is taken in more than 0 and less than 60 s (found {seconds}).")
        self._seconds = seconds
        self._begin_s: float | None = None
        self._seen: list[Expression] = []

    def add(self, raw: Expression) -> bool:
        """True once there is enough.

        Raises:
            SemblanceError: if no face is seen for too long.
        """
        self._begin_s = raw.time_s if self._begin_s is None else self._begin_s
        if raw.confidence > 0:
            self._seen.append(raw)
        if len(self._seen) >= _LEAST_FRAMES and self._seen[-1].time_s - self._seen[0].time_s >= self._seconds:
            return True
        if raw.time_s - self._begin_s > self._seconds + _PATIENCE_S:
            raise SemblanceError("No face was seen long enough to take its rest; look at the camera and set it again.")
        return False

    def calibration(self, before: Calibration) -> Calibration:
        """`before` with the median of what was seen as its rest."""
        return replace(with_rest(before, stack(self._seen)), time_s=self._seen[0].time_s)


class RangeTaking:
    """Collects what the performer does while the sentences of RANGE are shown."""

    def __init__(self) -> None:
        self._begin_s: float | None = None
        self._seen: list[Expression] = []
        self._elapsed_s = 0.0

    @property
    def step(self) -> Step:
        """What the performer should do now."""
        return next((step for step in RANGE if self._elapsed_s < step.end_s), RANGE[-1])

    def add(self, raw: Expression) -> bool:
        """True once the last step is over."""
        self._begin_s = raw.time_s if self._begin_s is None else self._begin_s
        self._elapsed_s = raw.time_s - self._begin_s
        if raw.confidence > 0:
            self._seen.append(replace(raw, time_s=self._elapsed_s))
        return self._elapsed_s >= RANGE_S

    def calibration(self, before: Calibration) -> tuple[Calibration, list[str]]:
        """Rest, closed lids and gains of this performer; and a sentence on each step that was not followed.

        Raises:
            SemblanceError: if not even the resting face was seen.
        """
        if not self._seen:
            raise SemblanceError("No face was seen during the range of motion; look at the camera and begin again.")
        track = stack(self._seen)
        rest = _during(track, RANGE[0], 0.5)
        if len(rest) < _LEAST_FRAMES:
            raise SemblanceError("The resting face was not seen at the beginning; look at the camera and begin again.")
        found = replace(with_rest(replace(before, gains={}, closed=np.ones(2, np.float32)), rest), source="range")
        found, missed = _with_closed_lids(found, track)
        shown = calibrate(track, found)
        gains: dict[str, list[float]] = {}
        for step in RANGE[2:]:
            reach = _reach(_during(shown, step, _REACTION_S), step)
            if reach < _LEAST_REACH:
                missed.append(_missed(step))
            else:
                gains.setdefault(step.group, []).append(float(np.clip(_WHOLE / reach, *_GAINS)))
        return replace(found, gains={group: float(np.mean(each)) for group, each in gains.items()}), missed


def with_rest(before: Calibration, rest: ExpressionTrack) -> Calibration:
    """`before` with the medians of `rest` as the resting face."""
    neutral, head, gaze = (
        np.median(values, axis=0).astype(np.float32) for values in (rest.coefficients, rest.head, rest.gaze)
    )
    return replace(before, neutral=neutral, head=head, gaze=gaze, source="live", time_s=None)


def _with_closed_lids(calibration: Calibration, track: ExpressionTrack) -> tuple[Calibration, list[str]]:
    """The lids of those who close their eyes when asked."""
    step = RANGE[1]
    columns = coefficients.indices(step.channels)
    seen = _during(track, step, _REACTION_S)
    closed = np.quantile(seen.coefficients[:, columns], 0.7, axis=0) if len(seen) else np.zeros(2)
    if (closed < _LEAST_CLOSED).any():
        return calibration, [_missed(step)]
    return replace(calibration, closed=np.clip(closed, 0, 1).astype(np.float32)), []


def _during(track: ExpressionTrack, step: Step, after_s: float) -> ExpressionTrack:
    rows = (track.times_s >= step.begin_s + after_s) & (track.times_s < step.end_s)
    return ExpressionTrack(*(values[rows] for values in vars(track).values()))


def _reach(track: ExpressionTrack, step: Step) -> float:
    """How far the step's channels went, their mean; 0 if nothing was seen."""
    if len(track) == 0:
        return 0.0
    return float(np.quantile(track.coefficients[:, coefficients.indices(step.channels)].mean(1), 0.9))


def _missed(step: Step) -> str:
    return f"This was not seen, so nothing was changed by it: {step.sentence}"
