"""The live session of this Blender: the worker's newest values go onto the characters, on a timer, and off again.

The worker has the camera and the networks; here nothing waits. What is found is applied at once and never queued.
"""
from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from statistics import median
from typing import Any, Final, Protocol

import bpy
import numpy as np

from ..core.errors import SemblanceError
from ..live.client import LiveClient, Update
from ..live.live_calibration import RANGE, RANGE_S
from ..live.messages import (
    Character,
    ChoosePerformer,
    Controls,
    Open,
    RangeOfMotion,
    SetCast,
    Status,
    StopRecording,
    TakeDone,
)
from . import live_picture
from .live_cast import bind_cast, cast_settings
from .live_puppet import Puppet, put_back
from .live_recording import Recording, key_recording
from .only_session import Handlers, OnlySession, add_handlers, keep_ticking, remove_handlers, stop_ticking

_log = logging.getLogger(__name__)

_TICK_S: Final = 1 / 120
_LOOK_S: Final = 0.5
"""How often the sidebar's settings are compared with what the worker was told."""
_REDRAW_S: Final = 0.1
_COUNTED: Final = 30
"""Frames over which the latency is the median."""
_READ_S: Final = 30.0
_NOTHING_S: Final = 5.0
"""A recording of which the worker knows nothing after so long is none."""
_NO_SOURCE: Final = "Choose the video, or write the address of the camera or phone first."
_GONE: Final = "Live ended: {}."


class Client(Protocol):
    """What a session needs of addon.live.client.LiveClient."""

    state: str
    sentence: str

    def send(self, command: Any) -> None:
        """Say something to the worker."""

    def poll(self) -> Update:
        """What is newest."""

    def stop(self) -> None:
        """End the worker."""


class Session:
    """Live in one scene."""

    def __init__(self, scene: bpy.types.Scene, client: Client) -> None:
        """Tell the worker what the sidebar says; nothing is waited for.

        Raises:
            SemblanceError: if no source is chosen.
        """
        self.scene_name, self.client = scene.name, client
        self.status: Status | None = None
        """What the worker said last; None before it has said anything."""
        self.cast_problem = ""
        """Why a ticked character cannot be moved."""
        self._problem, self._problem_s = "", 0.0
        self.news = ""
        """What the last recording became."""
        self.recording: Recording | None = None
        """From its button until its take is there, or will not be."""
        self.ending = False
        """Live ends when the recording that was stopped for it is keyed."""
        self._written: dict[str, Recording] = {}
        """Recordings whose takes the worker writes, by path."""
        self.puppets: dict[str, Puppet] = {}
        self.guests: tuple[Character, ...] = ()
        """Who plays too without being in the scene: a robot head."""
        self.opened = Open("")
        self._values: dict[str, np.ndarray] = {}
        self._latencies: deque[float] = deque(maxlen=_COUNTED)
        self._told: dict[str, Any] = {}
        """What the sidebar said at the last look."""
        self._resting: frozenset[str] = frozenset()
        self._looked_s = self._redrawn_s = self._range_s = -1e9
        self.open(scene)
        self.look(scene)

    @property
    def scene(self) -> bpy.types.Scene | None:
        """The scene; None if it is gone."""
        return bpy.data.scenes.get(self.scene_name)

    @property
    def latency_ms(self) -> float:
        """From a picture's arrival until its values are on the controls, median of the last frames; 0 = unknown."""
        return median(self._latencies) * 1000 if self._latencies else 0.0

    @property
    def problem(self) -> str:
        """The newest thing that went wrong, in a sentence, for as long as it takes to read it."""
        return self._problem if time.monotonic() - self._problem_s < _READ_S else ""

    def complain(self, sentence: str) -> None:
        """Let the panel show what went wrong; "" = nothing any more."""
        self._problem, self._problem_s = sentence, time.monotonic()

    def open(self, scene: bpy.types.Scene) -> None:
        """Play from the source of the sidebar.

        Raises:
            SemblanceError: if none is chosen.
        """
        wanted = scene.semblance_live.open()
        if not wanted.address:
            raise SemblanceError(_NO_SOURCE)
        self.opened = wanted
        self.complain("")
        self.client.send(wanted)

    def look(self, scene: bpy.types.Scene) -> None:
        """Do what the sidebar says, where it says something else than at the last look."""
        self._looked_s = time.monotonic()
        live = scene.semblance_live
        self._resting = live.resting()
        if self._is_new("settings", live.settings()):
            self.client.send(live.settings())
        if self._is_new("performer", live.performer.strip()) and live.performer.strip():
            self.client.send(ChoosePerformer(live.performer.strip()))
        if self._is_new("moved", (live.show, self._resting)):
            self.rest(scene)
        if self._is_new("cast", (*cast_settings(scene), self.guests)):
            self._recast(scene)

    def tick(self) -> None:
        """Apply what is newest.

        Raises:
            SemblanceError: if live has to end.
        """
        scene = self.scene
        if scene is None:
            raise SemblanceError(_GONE.format(f"the scene '{self.scene_name}' is gone"))
        update = self.client.poll()
        if self.client.state == "ended":
            raise SemblanceError(self.client.sentence or _GONE.format("its process was stopped"))
        self.status = update.status or self.status
        if update.problems:
            self.complain(update.problems[-1])
        now = time.monotonic()
        if now - self._looked_s > _LOOK_S or live_shows(scene) != self._told["moved"][0]:
            self.look(scene)
        self._apply(scene, update.controls)
        if self.recording is not None:
            self._record(scene, update)
        for done in update.takes:
            self._key(scene, done)
        self._show(update, now)
        if self.ending and self.recording is None:
            raise SemblanceError(self.problem)

    def hold(self, scene: bpy.types.Scene) -> None:
        """Another frame is shown, and with it the keys: set everything once more."""
        if scene.name == self.scene_name and live_shows(scene) == "LIVE":
            self.forget()
            for name, values in self._values.items():
                self._play(scene, name, values)

    def rest(self, scene: bpy.types.Scene) -> None:
        """Give all characters what they had; the next values move them again."""
        put_back(scene.semblance_live.before, lambda root: True)
        self.forget()

    def forget(self) -> None:
        """Somebody else may have moved the controls, as undo does."""
        for puppet in self.puppets.values():
            puppet.forget()

    def record(self, scene: bpy.types.Scene, recording: Recording) -> None:
        """Begin a recording; the characters show the performer while it goes on."""
        scene.semblance_live.show = "LIVE"
        self.recording, self.news = recording, ""
        self.complain("")
        self.client.send(recording.command(scene))

    def stop_recording(self) -> None:
        """End it; the worker writes the take, which is keyed when it is there."""
        if self.recording is not None and not self.recording.stopped:
            self.recording.stop()
            self._written[str(self.recording.path)] = self.recording
            self.client.send(StopRecording())

    def take_range(self) -> None:
        """Begin the guided range of motion, or give it up."""
        giving_up = self.guide() is not None
        self._range_s = -1e9 if giving_up else time.monotonic()
        self.client.send(RangeOfMotion(not giving_up))

    def guide(self) -> tuple[str, float] | None:
        """What the performer should do now for the range of motion, and how far it is (0..1); None outside it."""
        since_s = time.monotonic() - self._range_s
        step = next((step for step in RANGE if since_s < step.end_s), None)
        return (step.sentence, since_s / RANGE_S) if step else None

    def shows_picture(self) -> bool:
        """The source has pictures, and one has come."""
        return self.status is not None and self.status.width > 0

    def _is_new(self, what: str, said: Any) -> bool:
        before, self._told[what] = self._told.get(what), said
        return before != said

    def _apply(self, scene: bpy.types.Scene, controls: dict[str, Controls]) -> None:
        shows_live = live_shows(scene) == "LIVE"
        for name, frame in controls.items():
            self._values[name] = frame.values
            if shows_live and self._play(scene, name, frame.values):
                self._latencies.append(max(time.monotonic() - frame.captured_s, 0.0))

    def _play(self, scene: bpy.types.Scene, name: str, values: np.ndarray) -> bool:
        """Move one character; False if it cannot be moved now."""
        puppet, root = self.puppets.get(name), scene.objects.get(name)
        if puppet is None or root is None or root.mode == "EDIT" or len(values) != puppet.count:
            return False
        rows = scene.semblance_live.before
        if all(row.root != root for row in rows):
            puppet.keep(rows, root)
        if not puppet.play(values, self._resting):
            self._told["cast"] = None  # a bone or a key is gone: bind again at the next look
        return True

    def _recast(self, scene: bpy.types.Scene) -> None:
        """Bind the ticked characters anew and tell the worker of them; who leaves gets back what it had."""
        cast = bind_cast(scene)
        self.puppets, self.cast_problem = cast.puppets, cast.problem
        put_back(scene.semblance_live.before, lambda root: root is None or root.name not in self.puppets)
        self._values = {name: values for name, values in self._values.items() if name in self.puppets}
        self.client.send(SetCast((*cast.characters, *self.guests)))

    def _record(self, scene: bpy.types.Scene, update: Update) -> None:
        """The recording goes on, ends with the timeline, or came to nothing, as a problem says."""
        assert self.recording is not None
        if self.recording.tick(scene, update.controls.values()):
            self.stop_recording()
        if self.recording.stopped and update.problems:
            self.recording = None
        elif self.recording.recorded_s > _NOTHING_S and self.status is not None and not self.status.recorded_s:
            self.stop_recording()
            self.recording = None
            self.complain(self.problem or "Nothing was recorded, because no picture came; look at the source.")

    def _key(self, scene: bpy.types.Scene, done: TakeDone) -> None:
        """A take was written; one that another program has asked for is its own."""
        if self.recording is not None and str(self.recording.path) == done.path:
            self.stop_recording()  # the worker ended it by itself: its source has ended
            self.recording = None
        recording = self._written.pop(done.path, None)
        if recording is None:
            return
        self.rest(scene)
        try:
            self.news = key_recording(recording, done, scene)
        except SemblanceError as error:
            self.complain(str(error))

    def _show(self, update: Update, now: float) -> None:
        if now - self._redrawn_s < _REDRAW_S and update.picture is None:
            return
        self._redrawn_s = now
        regions = list(_sidebars())
        if update.picture is not None and regions:
            live_picture.show(update.picture)
        for region in regions:
            region.tag_redraw()


LIVE: Final = OnlySession[Session]("Start Live first.")


def start(scene: bpy.types.Scene, client: Client | None = None) -> Session:
    """Begin live in `scene`, with a worker of its own unless a client is given; an earlier session ends.

    Raises:
        SemblanceError: if no source is chosen.
    """
    stop()
    if not scene.semblance_live.address():
        raise SemblanceError(_NO_SOURCE)
    session = LIVE.begin(Session(scene, client or LiveClient.start()))
    keep_ticking(_tick)
    return session


def stop(sentence: str = "") -> None:
    """End live, give the characters back what they had and end the worker; harmless when there is none."""
    session = LIVE.end(sentence)
    stop_ticking(_tick)
    if session is None:
        return
    try:
        if session.recording is not None:
            session.recording.stop()
        scene = session.scene
        if scene is not None:
            session.rest(scene)
    finally:
        session.client.stop()
        live_picture.clear()
        for region in _sidebars():
            region.tag_redraw()


def leave() -> None:
    """Blender ends: let go of the worker and the timer, and touch nothing of the file any more."""
    session = LIVE.end()
    stop_ticking(_tick)
    if session is not None:
        session.client.stop()


def tick() -> None:
    """What the timer does; a session that cannot go on ends with a sentence."""
    if LIVE.current is None or is_rendering():
        return
    try:
        LIVE.current.tick()
    except SemblanceError as error:
        stop(str(error))
    except Exception:
        _log.exception("Live stopped")
        stop("Live ended by an error of Semblance; the system console has the details.")


def is_rendering() -> bool:
    """Blender draws frames in a thread of its own, which writes to the file's data too; live waits for it."""
    return bpy.app.is_job_running("RENDER")


def live_shows(scene: bpy.types.Scene) -> str:
    """What moves the characters: "LIVE" or "TAKE"."""
    return scene.semblance_live.show


def _tick() -> float | None:
    tick()
    return _TICK_S if LIVE.current is not None else None


@bpy.app.handlers.persistent
def _before_loading(*_: object) -> None:
    stop(_GONE.format("another file was opened") if LIVE.current else "")


@bpy.app.handlers.persistent
def _after_loading(*_: object) -> None:
    """A file that was saved by itself while live goes on as if live had been stopped."""
    for scene in bpy.data.scenes:
        put_back(scene.semblance_live.before, lambda root: True)


@bpy.app.handlers.persistent
def _after_undo(*_: object) -> None:
    """Values of another time are on the controls; those kept with them say what was there without live."""
    for scene in bpy.data.scenes:
        if LIVE.current is None or scene.name != LIVE.current.scene_name:
            put_back(scene.semblance_live.before, lambda root: True)
    if LIVE.current is not None:
        LIVE.current.forget()


@bpy.app.handlers.persistent
def _before_saving(*_: object) -> None:
    """Files never hold what was live; the next picture moves the characters again."""
    if LIVE.current is not None and LIVE.current.scene is not None:
        LIVE.current.rest(LIVE.current.scene)


@bpy.app.handlers.persistent
def _after_frame_change(scene: bpy.types.Scene, *_: object) -> None:
    if LIVE.current is not None and not is_rendering():
        LIVE.current.hold(scene)


_HANDLERS: Final[Handlers] = (
    ("load_pre", _before_loading), ("load_post", _after_loading), ("undo_post", _after_undo),
    ("redo_post", _after_undo), ("save_pre", _before_saving), ("frame_change_post", _after_frame_change),
)


def register() -> None:
    """Called after the classes are registered."""
    live_picture.register()
    add_handlers(_HANDLERS)


def unregister() -> None:
    """Called before the classes are unregistered, also while live."""
    stop()
    remove_handlers(_HANDLERS)
    live_picture.unregister()


def _sidebars() -> Iterator[bpy.types.Region]:
    """The open sidebars; what they show is drawn for nobody else."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                yield from (region for region in area.regions if region.type == "UI" and region.width > 1)
