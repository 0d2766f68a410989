"""One recording of a live performance: its countdown and cue, the timeline beside it, and its keys."""
from __future__ import annotations

import importlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from ..core.errors import SemblanceError
from ..core.take import Take, read_take
from ..core.timeline import frame_of
from ..live.messages import Controls, Record, TakeDone
from ..live.takes import face_path
from .actors import find_actor
from .apply import Applied, key_each, told
from .character_choice import cast_characters
from .keying import scene_rate
from .live_following import key_follower
from .live_punch import punch_in
from .operators import key_character

_WATCHED_S: Final = 3.0
"""How long after the countdown the timeline is watched for the frame that the first sample belongs to."""
_COUNT_HZ: Final = 880
_CUE_HZ: Final = 1760
_BEEP_S: Final = 0.08


@dataclass
class Recording:
    """From the key press until its take is written."""

    path: Path
    start_frame: int
    """Where the take's first sample goes, unless the timeline was playing then."""
    countdown_s: float
    play: bool
    """Play the timeline from `start_frame` on, and stop with the scene's last frame."""
    beep: bool
    punch: tuple[int, int] | None = None
    """First and last scene frame that are played again in an earlier take."""
    stopped: bool = field(default=False, init=False)
    _captures: list[tuple[float, float]] = field(default_factory=list, init=False)
    """(time by the source's clock, time.monotonic()) of samples that came."""
    _frames: list[tuple[float, float]] = field(default_factory=list, init=False)
    """(time.monotonic(), scene frame shown) while the timeline played."""
    _beeps: int = field(default=0, init=False)
    _begun: bool = field(default=False, init=False)
    _plays: bool = field(default=False, init=False)
    _shown: float = field(default=-1e9, init=False)

    def __post_init__(self) -> None:
        self._begin_s = time.monotonic() + self.countdown_s

    @property
    def left_s(self) -> float:
        """What is left of the countdown."""
        return max(self._begin_s - time.monotonic(), 0.0)

    @property
    def recorded_s(self) -> float:
        """How long it has been going on."""
        return max(time.monotonic() - self._begin_s, 0.0)

    def command(self, scene: bpy.types.Scene) -> Record:
        """What the worker is told."""
        live = scene.semblance_live
        if self.punch is None:
            return Record(str(self.path), self.countdown_s)
        at_s = max(self.punch[0] - live.take_frame, 0) / scene_rate(scene)
        return Record(str(self.path), self.countdown_s, bpy.path.abspath(live.take), at_s)

    def tick(self, scene: bpy.types.Scene, controls: Iterable[Controls]) -> bool:
        """Beep, play the timeline, remember what was shown when; True when the take has to end."""
        now = time.monotonic()
        if self.stopped:
            return False
        if now < self._begin_s + _WATCHED_S:
            self._captures += [(each.time_s, each.captured_s) for each in controls]
        self._count(now)
        if now < self._begin_s:
            return False
        if not self._begun:
            self._begun = True
            if self.play and not is_playing():
                scene.frame_set(self.start_frame)
                self._plays = switch_playing()
        return self._follow_timeline(scene, now) or (
            self.punch is not None and self.recorded_s >= (self.punch[1] - self.punch[0] + 1) / scene_rate(scene)
        )

    def stop(self) -> None:
        """The take ends here; the timeline stands still if it was started for it."""
        self.stopped = True
        if self._plays and is_playing():
            switch_playing()

    def first_frame(self, first_time_s: float) -> int:
        """The scene frame that was shown when the sample of that time (source's clock) was captured."""
        if not self._frames or not self._captures:
            return self.start_frame
        times_s, captured_s = np.array(self._captures).T
        shown_s, frames = np.array(self._frames).T
        # Both clocks run alike; pictures come a little late now and then, never early.
        at_s = first_time_s + float(np.min(captured_s - times_s))
        return round(float(np.interp(at_s, shown_s, frames)))

    def _follow_timeline(self, scene: bpy.types.Scene, now: float) -> bool:
        """True if the timeline that was started for this take came to its end."""
        if not is_playing():
            return False
        before, self._shown = self._shown, scene.frame_current_final
        if now < self._begin_s + _WATCHED_S:
            self._frames.append((now, self._shown))
        return self._plays and self._shown < before

    def _count(self, now: float) -> None:
        due = self.countdown_s - (self._begin_s - now)
        if self.beep and self._beeps <= self.countdown_s and due >= self._beeps:
            self._beeps += 1
            _sound(_CUE_HZ if self._beeps > self.countdown_s else _COUNT_HZ)


def key_recording(recording: Recording, done: TakeDone, scene: bpy.types.Scene) -> str:
    """Key the take on the ticked characters, mark its first sample on the timeline, let the scene show it.

    Everything is one undo step. Returns a sentence for the user.

    Raises:
        SemblanceError: if nobody got keys; the take is kept.
    """
    live, name = scene.semblance_live, recording.path.stem
    first = recording.punch[0] if recording.punch else recording.first_frame(done.first_frame_time_s)
    live.take, live.take_frame = done.path, live.take_frame if recording.punch else first
    _mark(scene, name, first, done)
    try:
        keyed, failed = key_each(
            (root.name, partial(_key, scene, root, recording, Path(done.path))) for root in cast_characters(scene)
        )
    except SemblanceError as error:
        raise SemblanceError(f"The take is kept as '{done.path}', but: {error}") from error
    live.show = "TAKE"
    bpy.ops.ed.undo_push(message=f"Record {name}")
    notes = dict.fromkeys((*failed, *(note for applied in keyed for note in applied.notes)))
    return " ".join((f"'{name}': {done.seconds:.1f} s from frame {first} on, {told(keyed)}.", *notes))


def is_playing() -> bool:
    """A window plays the timeline."""
    return any(window.screen.is_animation_playing for window in bpy.context.window_manager.windows)


def switch_playing() -> bool:
    """Play the timeline, or let it stand; False without a window to do it in."""
    if bpy.app.background:
        return False
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        return "FINISHED" in bpy.ops.screen.animation_play()


def _key(scene: bpy.types.Scene, root: bpy.types.Object, recording: Recording, path: Path) -> Applied:
    """Key one character with what its own face played, or with what the character that it follows did."""
    actor, live, punch = find_actor(scene, root), scene.semblance_live, recording.punch
    leader = actor.leader if actor is not None else None
    player = find_actor(scene, leader) if leader is not None else actor
    take = _take_of(path, player.face - 1 if player is not None else 0)
    placement, only = scene.semblance.placement(), punch or (None, None)
    placement = replace(
        placement, start_frame=live.take_frame + round(take.source.get("begins_s", 0.0) * scene_rate(scene)),
        first_frame=only[0], last_frame=only[1], without_groups={*placement.without_groups, *live.resting()},
    )
    if leader is None:
        applied = key_character(scene, root, take, path.stem, placement)
    else:
        applied = key_follower(scene, root, leader, take, path.stem, placement)
    if punch and not placement.nla_strip:
        punch_in(applied.before, applied.keyed)
    return applied


def _take_of(path: Path, face: int) -> Take:
    """What that face played in the recording `path`.

    Raises:
        SemblanceError: if it was not seen.
    """
    take = read_take(path)
    if take.source.get("face", 0) == face:
        return take
    if not face_path(path, face).is_file():
        raise SemblanceError(f"Its performer, face {face + 1}, was not seen while the take was recorded.")
    return read_take(face_path(path, face))


def _mark(scene: bpy.types.Scene, name: str, first: int, done: TakeDone) -> None:
    """Markers of the first sample, where a sound recording is laid, and of what was marked on the way."""
    rate = scene_rate(scene)
    said = [(done.first_frame_time_s, f"{name} begins"), *done.markers]
    for time_s, text in said:
        frame = round(float(frame_of(time_s - done.first_frame_time_s, first, rate)))
        if not any(marker.frame == frame and marker.name == text for marker in scene.timeline_markers):
            scene.timeline_markers.new(text, frame=frame)


def _sound(hertz: float) -> None:
    """A short beep, if this computer can."""
    try:
        aud: Any = importlib.import_module("aud")
        aud.Device().play(aud.Sound.sine(hertz).limit(0, _BEEP_S))
    except Exception:  # aud.error is no OSError; and a take is worth more than its beep
        return
