"""Move a robot head: play a take on it, let it follow a face live, stop it; the simulated head is the default.

Nothing moves by being connected: --arm, or a yes at the question, lets it move. 'stop' works from any other terminal.
A physical switch in the supply of the servos is the real emergency stop; a program is not.

examples:
  semblance robot maps                                      the robots that are known, each checked
  semblance robot play clip.take --robot maestro_head --arm       on simulated servos
  semblance robot play clip.csv --robot maestro_head --link /dev/ttyACM0
  semblance robot play clip.take --robot ameca_like --arm --film out.mp4 --video clip.mp4   what was sent, as a film
  semblance robot live --robot bus_head --source 0 --unit head-007 --link unit
  semblance robot rest                                      eased to rest, then limp: every head that runs here
  semblance robot stop                                      limp, now: every head that runs here
  semblance robot doctor --port /dev/ttyACM0 --protocol maestro   what is plugged in; asks, moves nothing
  semblance robot calibrate --robot maestro_head --unit head-007 --link /dev/ttyACM0   measure one head
"""
from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from ..core.errors import SemblanceError
from ..robot.actuator_map import RobotMap, with_links
from ..robot.client import RobotClient
from ..robot.links import PROTOCOLS
from ..robot.links.simulated import KINDS
from ..robot.map_reading import find_map, read_map, shipped_maps
from ..robot.messages import Disarm, Stop
from ..robot.one_writer import running
from ..robot.unit_file import find_unit, read_unit

_SIMULATED: Final = "simulated"
_UNIT: Final = "unit"
_STOP_S: Final = 2.0
_REST_S: Final = 8.0
"""To rest takes seconds; after five the head goes limp from wherever it is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance robot` takes."""
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    maps = jobs.add_parser("maps", help="list the robots, or check the map files that are named")
    maps.add_argument("maps", nargs="*", metavar="NAME", help="a robot, or an actuators.toml (default: all)")
    play = jobs.add_parser("play", help="play a take, or a Live Link Face CSV")
    play.add_argument("performance", type=Path, metavar="FILE", help=".take or Live Link .csv")
    play.add_argument("--film", type=Path, metavar="FILE.mp4",
                      help="then render performer, Pip and the head as it was sent, side by side")
    play.add_argument("--video", type=Path, metavar="FILE", help="the performer's video, for --film")
    live = jobs.add_parser("live", help="follow a face live")
    live.add_argument("--source", default="0", metavar="SOURCE", help="as `semblance live --source` (default: 0)")
    live.add_argument("--join", type=_worker, metavar="PORT:TOKEN", help="follow the face that another head follows")
    live.add_argument("--mirror", action="store_true", help="as in a mirror")
    live.add_argument("--face", type=int, default=0, metavar="N", help="which face, 0 = the largest")
    for job in (play, live):
        _add_head(job)
        job.add_argument("--arm", action="store_true", help="let it move without asking")
        job.add_argument("--seconds", type=_seconds, metavar="N", help="end after so long")
    jobs.add_parser("rest", help="ease every head that runs here to rest, then limp; a heavy one does not fall")
    jobs.add_parser("stop", help="limp, now: every head that runs here")
    doctor = jobs.add_parser("doctor", help="what is on the ports, and what it says of itself; nothing moves")
    doctor.add_argument("--robot", default="", metavar="NAME", help="a robot, whose links are asked")
    doctor.add_argument("--unit", default="", metavar="NAME", help="the unit file that knows its ports")
    doctor.add_argument("--port", default="", metavar="PORT", help="ask on this port (default: the unit's)")
    doctor.add_argument("--protocol", default="", choices=sorted(PROTOCOLS), metavar="NAME",
                        help=f"what to speak there: {', '.join(sorted(PROTOCOLS))}")
    doctor.add_argument("--baud", type=int, default=0, metavar="N", help="its rate (default: the map's, or the usual)")
    calibrate = jobs.add_parser("calibrate", help="measure the neutral and the ends of one head, into its unit file")
    calibrate.add_argument("--robot", required=True, metavar="NAME", help="a robot (see maps), or its actuators.toml")
    calibrate.add_argument("--unit", required=True, metavar="NAME", help="what this head is called, such as head-007")
    calibrate.add_argument("--link", default=_SIMULATED, metavar="PORT", help="as for play")
    serve = jobs.add_parser("serve", help="be the process that owns a head; other programs connect to it")
    _add_head(serve)


def run(args: argparse.Namespace) -> int:
    """Do the job; returns the exit code."""
    job: Callable[[argparse.Namespace], int] = {
        "maps": _maps, "play": _play, "live": _live, "rest": _rest, "stop": _stop, "doctor": _doctor,
        "calibrate": _calibrate, "serve": _serve,
    }[args.job]
    return job(args)


def chosen_robot(args: argparse.Namespace) -> RobotMap:
    """The map that the command line names, narrowed to its unit and with its links.

    Raises:
        SemblanceError: as find_map, read_unit and with_links.
    """
    robot = find_map(args.robot)
    if args.link == _UNIT and not args.unit:
        raise SemblanceError("--link unit takes the ports from a unit file; name it with --unit.")
    if args.fault and args.link != _SIMULATED:
        raise SemblanceError("Faults can be simulated on the simulated link only.")
    if args.unit:
        robot = read_unit(find_unit(robot, args.unit), robot)
    if args.link == _UNIT:
        return robot
    return with_links(robot, args.link, args.fault)


def _add_head(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--robot", required=True, metavar="NAME", help="a robot (see maps), or its actuators.toml")
    parser.add_argument("--unit", default="", metavar="NAME", help="the calibration of one head, or its .toml")
    parser.add_argument(
        "--link", default=_SIMULATED, metavar="PORT",
        help="simulated (default), a serial port or address, name=port,name=port, or unit: the ports of the unit file",
    )
    parser.add_argument(
        "--fault", default="", metavar="KIND[:CHANNEL][@SECONDS]",
        help=f"what the simulated servos suffer from, with commas: {', '.join(KINDS)}",
    )


def _maps(args: argparse.Namespace) -> int:
    wrong = 0
    for path in [Path(name) if name.endswith(".toml") else find_map(name).path for name in args.maps] or shipped_maps():
        try:
            robot = read_map(path)
        except SemblanceError as error:
            wrong += 1
            print(f"{path.parent.name:<16} {error}")
            continue
        links = ", ".join(f"{link.name} ({link.protocol})" for link in robot.links.values())
        print(f"{robot.name:<16} {robot.description or 'no description'}\n{'':<16} {len(robot)} actuators on {links}, "
              f"driven by {'a face' if robot.controls == 'expression' else robot.controls}, {robot.loop.rate_hz:g} Hz")
        for warning in robot.warnings if args.maps else ():
            print(f"{'':<16} Note: {warning}")
    return int(wrong > 0)


def _play(args: argparse.Namespace) -> int:
    from .robot_session import play

    return play(chosen_robot(args), args)


def _live(args: argparse.Namespace) -> int:
    from .robot_session import live

    return live(chosen_robot(args), args)


def _doctor(args: argparse.Namespace) -> int:
    from .robot_measure import doctor

    robot = find_map(args.robot) if args.robot else None
    if args.unit:
        if robot is None:
            raise SemblanceError("A unit belongs to a robot; name that too: --robot.")
        robot = read_unit(find_unit(robot, args.unit), robot)
    return doctor(robot, args.port, args.protocol, args.baud)


def _calibrate(args: argparse.Namespace) -> int:
    from .robot_measure import calibrate

    return calibrate(find_map(args.robot), args.unit, args.link)


def _serve(args: argparse.Namespace) -> int:
    from ..robot.process import serve
    from .robot_feed import follow

    try:
        robot = chosen_robot(args)
    except SemblanceError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    return serve(robot, follow)


def _stop(args: argparse.Namespace) -> int:
    return _tell_all(Stop("Stopped from a terminal."), ("STOPPED",), _STOP_S)


def _rest(args: argparse.Namespace) -> int:
    return _tell_all(Disarm(), ("LIMP", "STOPPED"), _REST_S)


def _tell_all(command: Disarm | Stop, ends: Collection[str], within_s: float) -> int:
    """Say it to every head at once and tell how each ended; 1 if one did not."""
    heads = [(head, RobotClient.join(head.port, head.token, "a terminal")) for head in running()]
    if not heads:
        print("No robot process runs here.")
    for _, client in heads:
        client.send(command)
    until_s, missed = time.monotonic() + within_s, 0
    for head, client in heads:
        state = _wait_for(client, ends, until_s)
        missed += state not in ends
        print(f"{head.robot} on {head.link} (process {head.pid}): {state or 'does not answer; use the switch'}")
    return int(missed > 0)


def _wait_for(client: RobotClient, ends: Collection[str], until_s: float) -> str:
    """The state that a head says it is in, at the latest at `until_s` of time.monotonic(); then leave it."""
    state = ""
    while state not in ends and client.state == "connected" and time.monotonic() < until_s:
        status = client.poll().status
        state = status.state if status else state
        time.sleep(0.02)
    client.stop()
    return state


def _worker(text: str) -> tuple[int, str]:
    port, _, token = text.partition(":")
    if not port.isdigit() or not token:
        raise argparse.ArgumentTypeError(f"'{text}' is not PORT:TOKEN, as the first head's terminal says it")
    return int(port), token


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return seconds

