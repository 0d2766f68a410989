"""Play live: a face drives characters while you watch, from a webcam, a phone's address, a video or another tracker.

SOURCE is a webcam's number (0 is the first), an MJPEG or RTSP address, a video file, or a door for other trackers:
livelink://:11111 (Live Link Face on an iPhone), ifacialmocap://PHONE, vmc://:39539, osc://:9000. A line in the
terminal shows how it goes; Ctrl-C ends it. The performance can be recorded as a take, and sent on as OSC (controls too)
or VMC.

examples:
  semblance live --list-cameras
  semblance live --source 0 --character Pip
  semblance live --source http://192.168.0.7:8080/video --character Pip Gus
  semblance live --source clip.mp4 --loop        a video as a stand-in for a webcam
  semblance live --source 0 --record me.take --seconds 20
  semblance live --source livelink://0.0.0.0:11111 --vmc 127.0.0.1:39539
"""
from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from ..core.coefficients import INDEX
from ..core.errors import SemblanceError
from ..core.files import check_writable
from ..core.frames import EMBEDDING_SIZE, ControlFrame, Expression
from ..core.rig_profile import RigProfile, find_profile
from ..core.take import SUFFIX
from ..live.client import LiveClient, Update
from ..live.doors import OscOut, VmcOut
from ..live.messages import Character, ExpressionSeen, Open, Record, SetCast, Status, StopRecording
from ..tracking.cameras import list_cameras
from .arguments import add_face_arguments, file_ending

_DRAW_S: Final = 0.1
_LOG_S: Final = 2.0
"""Where stderr is no terminal, a line so often."""
_TAKE_S: Final = 60.0
"""A long take is written within this."""
_SURE_S: Final = 3.0
"""A problem after which no take comes for so long was one of the take."""
_BAR: Final = " ▁▂▃▄▅▆▇█"
_SHOWN: Final = {"brow": "browInnerUpLeft", "lid": "eyeBlinkLeft", "smile": "mouthSmileLeft", "jaw": "jawOpen"}
_GOING: Final = ("opening", "running", "lost", "stalled")

Destination = Callable[[Update], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance live` takes."""
    parser.add_argument("--source", metavar="SOURCE", default="0", help="what plays (default: 0, the first webcam)")
    parser.add_argument("--character", nargs="+", default=[], metavar="NAME", help="who plays along")
    parser.add_argument("--record", type=file_ending(SUFFIX), metavar="FILE", help="write a take")
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="end after so long (default: Ctrl-C)")
    parser.add_argument("--mirror", action="store_true", help="as in a mirror")
    parser.add_argument("--loop", action="store_true", help="begin a video again at its end")
    parser.add_argument("--osc", type=_host_and_port, metavar="HOST:PORT", help="send face and controls on as OSC")
    parser.add_argument("--vmc", type=_host_and_port, metavar="HOST:PORT", help="send the face on as VMC")
    parser.add_argument("--list-cameras", action="store_true", help="only name the webcams")
    parser.add_argument("--serve", action="store_true", help="be the worker: clients connect to the port it prints")
    add_face_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Play until it ends; returns the exit code."""
    if args.serve:
        from ..live.worker import Worker

        # A driver that hangs in a read must not keep the process alive.
        os._exit(Worker().run())
    if args.list_cameras:
        return _list()
    if args.record:
        check_writable(args.record.absolute().parent)
    profiles = [find_profile(name) for name in args.character]
    destinations = _destinations(args, {profile.name: profile for profile in profiles})
    client = LiveClient.start("semblance live", ("status", "controls", "expression"))
    try:
        client.send(SetCast(tuple(Character.of(profile) for profile in profiles)))
        box = args.box.percent if args.box else ""
        client.send(Open(_address(args.source), mirror=args.mirror, loop=args.loop, box=box, drawn=args.drawn))
        _play(client, args, destinations)
    finally:
        client.stop()
    return 0


def _list() -> int:
    cameras = list_cameras()
    print("\n".join(f"{camera.index}  {camera.name}" for camera in cameras) or "There is no webcam here.")
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds")
    return seconds


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise argparse.ArgumentTypeError(f"'{text}' is not a host and a port such as 127.0.0.1:9000")
    return host.strip("[]") or "127.0.0.1", int(port)


def _address(source: str) -> str:
    """The source as the worker, which runs elsewhere, finds it too."""
    is_file = Path(source).exists() or not (source.isdigit() or "://" in source)
    return str(Path(source).expanduser().absolute()) if is_file else source


def _destinations(args: argparse.Namespace, profiles: dict[str, RigProfile]) -> list[Destination]:
    """What is to hear every update, too."""
    found: list[Destination] = []
    if args.vmc:
        found.append(_to_vmc(VmcOut(*args.vmc)))
    if args.osc:
        found.append(_to_osc(OscOut(*args.osc), profiles))
    return found


def _to_vmc(vmc: VmcOut) -> Destination:
    def send(update: Update) -> None:
        for seen in update.expressions.values():
            vmc.send(_expression(seen))

    return send


def _to_osc(osc: OscOut, profiles: dict[str, RigProfile]) -> Destination:
    def send(update: Update) -> None:
        for seen in update.expressions.values():
            osc.send(_expression(seen))
        for name, told in update.controls.items():
            osc.send_controls(name, ControlFrame(told.time_s, told.values), profiles[name].control_set)

    return send


def _expression(seen: ExpressionSeen) -> Expression:
    nothing = np.zeros(EMBEDDING_SIZE, np.float32)
    return Expression(seen.time_s, seen.coefficients, nothing, seen.gaze, seen.head, seen.confidence)


def _play(client: LiveClient, args: argparse.Namespace, destinations: list[Destination]) -> None:
    """Until the time is over, the source ends, or Ctrl-C; then the take is waited for.

    Raises:
        SemblanceError: if the source cannot be opened or the worker ends.
    """
    meter, recording, begin_s = Meter(), False, None
    try:
        while begin_s is None or args.seconds is None or time.monotonic() - begin_s < args.seconds:
            client.wait(_DRAW_S)
            update = client.poll()
            for destination in destinations:
                destination(update)
            if begin_s is None and update.status and (update.status.state, update.status.sentence) == ("idle", ""):
                update.status = None  # it has not yet heard what to open
            meter.show(update)
            if client.state == "ended":
                raise SemblanceError(client.sentence)
            if update.status is None:
                continue
            if update.status.state == "failed":
                raise SemblanceError(update.status.sentence)
            if begin_s is None and update.status.width + update.status.fps > 0:
                begin_s = time.monotonic()
                if args.record:
                    client.send(Record(str(args.record.absolute())))
                    recording = True
            if begin_s is not None and update.status.state not in _GOING:
                break
    except KeyboardInterrupt:
        pass
    finally:
        meter.close()
    if recording:
        _finish(client)


def _finish(client: LiveClient) -> None:
    """End the recording and say what became of it."""
    client.send(StopRecording())
    end_s, problem = time.monotonic() + _TAKE_S, ""
    while time.monotonic() < end_s and client.state != "ended":
        client.wait(_DRAW_S)
        update = client.poll()
        for take in update.takes:
            print(f"{take.frames} frames over {take.seconds:.1f} s.\nWrote '{take.path}'.")
            return
        if update.problems:
            problem, end_s = update.problems[-1], min(end_s, time.monotonic() + _SURE_S)
    raise SemblanceError(problem or client.sentence or "The take was not written in time.")


class Meter:
    """One line on stderr that shows how it goes; problems stay above it."""

    def __init__(self) -> None:
        self._status, self._face = Status("starting"), ""
        self._drawn_s, self._open = 0.0, False

    def show(self, update: Update) -> None:
        """Draw what has come, not more often than one can see."""
        for sentence in update.problems:
            self.close()
            print(f"Note: {sentence}", file=sys.stderr)
        self._status = update.status or self._status
        for seen in list(update.expressions.values())[:1]:
            self._face = " ".join(f"{name}{_bar(seen.coefficients[INDEX[of]])}" for name, of in _SHOWN.items())
        every_s = _DRAW_S if sys.stderr.isatty() else _LOG_S
        if time.monotonic() - self._drawn_s < every_s:
            return
        self._drawn_s, self._open = time.monotonic(), True
        self._draw(self.line())

    def line(self) -> str:
        """What stands in it."""
        now = self._status
        parts = [f"{now.state:<8}", f"{now.fps:5.1f}/s", f"{now.latency_ms:3.0f} ms", f"face {now.confidence:4.0%}"]
        parts += [self._face] if self._face else []
        parts += [f"rec {now.recorded_s:.1f} s"] if now.recorded_s else []
        return "  ".join(parts + ([now.sentence] if now.sentence else []))

    def close(self) -> None:
        """End the line."""
        if self._open and sys.stderr.isatty():
            print(file=sys.stderr)
        self._open = False

    def _draw(self, text: str) -> None:
        if not sys.stderr.isatty():
            print(text, file=sys.stderr, flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + text[:width].ljust(width))
        sys.stderr.flush()


def _bar(value: float) -> str:
    return _BAR[int(np.clip(value, 0, 1) * (len(_BAR) - 1) + 0.5)]
