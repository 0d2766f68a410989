"""What the worker's playing thread has before it: the source, its performers, the cast and the recording."""
from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..characters.style import Style
from ..core.errors import SemblanceError
from ..core.frames import LANDMARK_COUNT, Frame
from ..expression.calibration import Calibration
from ..expression.encoder import Encoder
from ..tracking.opencv import opencv
from ..tracking.region import FaceBox
from ..tracking.sources import SourceInfo
from .capture import Arrival, Capture, Inbox
from .casting import Cast, CastMember
from .live_performance import LivePerformance, Moment, see_all
from .live_settings import LiveSettings
from .messages import (
    PICTURE_SIDE,
    Character,
    ChoosePerformer,
    CloseSource,
    Command,
    Controls,
    ExpressionSeen,
    Mark,
    Open,
    Picture,
    Problem,
    RangeOfMotion,
    Record,
    SetCast,
    SetNeutral,
    Status,
    StopRecording,
)
from .performers import read_performer, write_performer
from .server import Server
from .takes import Takes, tell_recovered

_PICTURE_S: Final = 1 / 12
_MISSED_S: Final = 0.25
"""Without anything new for so long, nobody is seen."""
_RELEASE_S: Final = 0.7
"""How long a new source waits for the one before to let go of its camera."""
_FRESH_S: Final = 1.0
"""Rate and latency are those of the last second."""


@dataclass(frozen=True)
class Ready:
    """A cast that can play."""

    cast: Cast


Order = Command | Ready
"""What the playing thread may be told."""


class Stage:
    """Used by the playing thread alone, but for `status` and `close`."""

    def __init__(self, server: Server, inbox: Inbox[Order]) -> None:
        self._server, self._inbox = server, inbox
        self._capture: Capture | None = None
        self._command: Open | None = None
        """How the source is played; None without one."""
        self._failure = ""
        """Why there is no source though one was asked for."""
        self._cast = Cast(())
        self._casting = threading.Lock()
        """One cast is prepared at a time,"""
        self._wanted: SetCast | None = None
        """and only the last that was asked for."""
        self._settings = LiveSettings()
        self._performances: dict[int, LivePerformance] = {}
        self._spare: Encoder | None = None
        self._moments: Mapping[int, Moment] = {}
        self._calibration, self._performer = Calibration(), ""
        self._takes: Takes | None = None
        self._warned = 0
        """Warnings of the source that were told."""
        self._looked_after: set[Path] = set()
        """Folders in which what an earlier worker left behind was recovered; later there are takes of our own."""
        self._finishing: list[threading.Thread] = []
        self._played: deque[tuple[float, float]] = deque()
        """Of the last second: when a picture's controls were sent, and how long after its arrival."""
        self._heard_s = self._pictured_s = 0.0

    def prepare(self) -> None:
        """Load the network ahead of the first source, which is then there at once."""
        try:
            self._spare = Encoder(busy=True)
        except SemblanceError:
            return  # it is said when a source is opened

    def heed(self, command: Order) -> None:
        """Do what a client wants; a problem is told to all of them."""
        try:
            self._heed(command)
        except (SemblanceError, ValueError, OSError) as error:  # such as a path that no system can have
            sentence = str(error) if isinstance(error, SemblanceError) else f"That cannot be done: {error}."
            if isinstance(command, Open):
                self._command, self._failure = None, sentence
            self._problem(sentence)

    def play(self, arrival: Arrival) -> None:
        """Everybody's controls for what has come."""
        capture, what = self._capture, arrival.what
        if capture is None or arrival.info is not capture.info:
            return  # of a source that was closed
        self._heard_s = arrival.captured_s
        if isinstance(what, Frame):
            moments = see_all(self._performances, what)
        else:
            moments = {face: each.hear(what) for face, each in self._performances.items() if face == 0}
        self._show(moments, arrival.captured_s)
        self._pace_on(arrival.captured_s)
        self._record(moments)
        if isinstance(what, Frame):
            self._picture(what, moments)
        self._keep_calibration()
        self._tell_problems()

    def idle(self) -> None:
        """Nothing has come for a tenth of a second."""
        capture, now_s = self._capture, time.monotonic()
        over = capture is None or capture.info is None or (capture.ended and not capture.failure)
        if not over and now_s - self._heard_s > _MISSED_S:
            self._show({face: each.miss() for face, each in self._performances.items()}, now_s)
        self._tell_problems()

    def close(self, seconds: float) -> None:
        """Let go of the source and finish what is recorded, waiting no longer than `seconds`."""
        end_s = time.monotonic() + seconds
        self._close(seconds)
        for each in self._finishing:
            each.join(max(end_s - time.monotonic(), 0))

    def status(self) -> Status:
        """How it goes now."""
        capture, takes, info = self._capture, self._takes, self._capture and self._capture.info
        state, sentence = self._state(capture)
        guides = [each.guide for each in self._performances.values() if each.guide]
        first = self._first()
        fps, latency_ms = self._pace()
        return Status(
            state, sentence or "".join(guides[:1]), capture.name if capture else "",
            info.width if info else 0, info.height if info else 0, fps, latency_ms,
            first.raw.confidence if first and state in ("running", "lost") else 0.0, self._inbox.dropped,
            takes.recorded_s if takes else 0.0, takes.countdown_s if takes else 0.0,
            next((each.neutral_state for each in self._performances.values()), ""), self._performer,
        )

    def _state(self, capture: Capture | None) -> tuple[str, str]:
        """One of messages.STATES, and what there is to say about it."""
        if self._failure:
            return "failed", self._failure
        if capture is None:
            return ("opening", f"Opening '{self._command.address}' ...") if self._command else ("idle", "")
        if capture.ended:
            return ("failed", capture.failure) if capture.failure else ("idle", f"'{capture.name}' has ended.")
        if capture.info is None:
            return "opening", f"Opening '{capture.name}' ..."
        if stall := capture.stall:
            return "stalled", stall
        first = self._first()
        return ("lost", "No face is seen.") if first and not first.raw.confidence > 0 else ("running", "")

    def _pace_on(self, captured_s: float) -> None:
        now_s = time.monotonic()
        self._played.append((now_s, now_s - captured_s))
        while self._played[0][0] < now_s - _FRESH_S:
            self._played.popleft()

    def _pace(self) -> tuple[float, float]:
        """Pictures a second, and the median ms from arrival until their controls were sent."""
        played = [each for each in list(self._played) if each[0] > time.monotonic() - _FRESH_S]
        if len(played) < 2:
            return 0.0, 0.0
        return (len(played) - 1) / (played[-1][0] - played[0][0]), 1000 * float(np.median([each[1] for each in played]))

    def _first(self) -> Moment | None:
        return self._moments.get(0)

    def _heed(self, command: Order) -> None:
        match command:
            case Open():
                self._open(command)
            case CloseSource():
                self._close()
            case SetCast():
                self._set_cast(command)
            case Ready():
                self._take_cast(command.cast)
            case LiveSettings():
                self._settings = command
                for each in self._performances.values():
                    each.settings = command
            case SetNeutral():
                for each in self._playing()[1]:
                    each.begin_neutral(command.seconds)
            case RangeOfMotion():
                for each in self._playing()[1]:
                    each.begin_range() if command.begin else each.end_range()
            case ChoosePerformer():
                self._choose(command.name)
            case Record():
                self._begin_recording(command)
            case Mark() if self._takes:
                self._takes.mark(command.text)
            case StopRecording():
                self._end_recording()

    def _playing(self) -> tuple[SourceInfo, list[LivePerformance]]:
        """What is played and who plays; SemblanceError if nothing is."""
        capture = self._capture
        if capture is None or capture.info is None or capture.ended:
            raise SemblanceError("Start a source first; nothing is seen yet.")
        return capture.info, list(self._performances.values())

    def _open(self, command: Open) -> None:
        self._close(following=command)
        self._perform()
        self._capture = Capture(command, self._inbox)

    def _close(self, seconds: float = _RELEASE_S, following: Open | None = None) -> None:
        self._end_recording()
        capture, self._capture, self._command = self._capture, None, following
        self._failure, self._performances, self._moments = "", {}, {}
        self._played.clear()
        if capture:
            capture.close()
            capture.join(seconds)
        self._inbox.empty()

    def _perform(self) -> None:
        """A performance for each face that somebody plays, and for the first in any case."""
        if self._command is None:
            return
        box = _face_box(self._command.box)
        faces = {0, *self._cast.faces}
        performances = {face: each for face, each in self._performances.items() if face in faces}
        for face in faces - performances.keys():
            encoder, self._spare = self._spare or Encoder(busy=True), None
            performances[face] = LivePerformance(encoder, face, box, self._command.drawn)
            performances[face].settings = self._settings
            if face == 0:
                performances[face].calibration = self._calibration
        # A new one: another thread may be looking at it, to tell how it goes.
        self._performances = performances

    def _set_cast(self, command: SetCast) -> None:
        """Who is new takes part as soon as it is ready: a C-MLP is learned for seconds, and the others play on."""
        members = [_member(each) for each in command.characters]
        self._wanted = command
        threading.Thread(target=self._prepare_cast, args=(command, members), name="cast", daemon=True).start()

    def _prepare_cast(self, command: SetCast, members: list[CastMember]) -> None:
        with self._casting:
            if command is self._wanted:
                self._inbox.order(Ready(Cast(members, self._cast)))

    def _take_cast(self, cast: Cast) -> None:
        self._cast = cast
        for sentence in cast.problems:
            self._problem(sentence)
        self._perform()

    def _choose(self, name: str) -> None:
        self._calibration, self._performer = read_performer(name), name
        if 0 in self._performances:
            self._performances[0].calibration = self._calibration

    def _keep_calibration(self) -> None:
        """What the first performer has just shown is kept under the name that was chosen."""
        calibration = self._performances[0].calibration
        if calibration is not self._calibration:
            self._calibration = calibration
            if self._performer:
                try:
                    write_performer(self._performer, calibration)
                except SemblanceError as error:
                    self._problem(str(error))

    def _show(self, moments: Mapping[int, Moment], captured_s: float) -> None:
        """Tell what everybody does now."""
        self._moments = moments
        for name, frame in self._cast.play({face: each.expression for face, each in moments.items()}).items():
            self._server.tell(
                Controls(name, frame.time_s, captured_s, frame.values), "controls", ("controls", name)
            )
        if self._server.wanted("expression"):
            for face, moment in moments.items():
                seen = moment.expression
                report = ExpressionSeen(
                    face, moment.time_s, captured_s, seen.confidence, seen.coefficients, seen.gaze, seen.head
                )
                self._server.tell(report, "expression", ("expression", face))

    def _picture(self, frame: Frame, moments: Mapping[int, Moment]) -> None:
        now_s = time.monotonic()
        if now_s - self._pictured_s < _PICTURE_S or not self._server.wanted("picture"):
            return
        self._pictured_s = now_s
        cv2, (height, width) = opencv(), frame.image.shape[:2]
        scale = min(PICTURE_SIDE / width, 1.0)
        size = (round(width * scale), max(round(height * scale), 1))
        image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image
        points = np.full((LANDMARK_COUNT, 2), np.nan, np.float32)
        if (face := moments[0].face) is not None:
            points = face.landmarks[:, :2] * np.float32(scale)
        self._server.tell(Picture(moments[0].time_s, *size, image, points), "picture", "picture")

    def _begin_recording(self, command: Record) -> None:
        source, _ = self._playing()
        self._end_recording()
        folder = Path(command.path).parent
        if folder not in self._looked_after:
            self._looked_after.add(folder)
            tell_recovered(folder, self._server.tell)
        played = self._cast.faces or {0}
        performers = {face: each for face, each in self._performances.items() if face in played}
        self._takes = Takes(command, source, performers, self._server.tell)

    def _record(self, moments: Mapping[int, Moment]) -> None:
        if self._takes:
            try:
                self._takes.add(moments)
            except SemblanceError as error:
                self._problem(str(error))
                self._end_recording()

    def _end_recording(self) -> None:
        takes, self._takes = self._takes, None
        if takes:
            self._finishing = [each for each in self._finishing if each.is_alive()] + [takes.finish()]

    def _tell_problems(self) -> None:
        """What performers and the source have noticed since the last time."""
        for each in self._performances.values():
            while each.problems:
                self._problem(each.problems.pop(0))
        warnings = self._capture.warnings if self._capture else []
        if len(warnings) > self._warned:
            self._problem(warnings[-1])
        self._warned = len(warnings)

    def _problem(self, sentence: str) -> None:
        self._server.tell(Problem(sentence))


def _member(character: Character) -> CastMember:
    style = Style(character.strength, character.head_and_gaze)
    transfer = Path(character.transfer) if character.transfer else None
    return CastMember(
        character.id, character.rig_profile, style, character.mirror, character.face, character.leader, transfer
    )


def _face_box(text: str) -> FaceBox | None:
    try:
        return FaceBox.from_percent(text) if text else None
    except ValueError as error:
        raise SemblanceError(f"'{text}' is not a face box such as 30,10,40,50.") from error
