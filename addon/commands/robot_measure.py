"""The parts of `semblance robot` that look at a head and measure it: doctor and calibrate."""
from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

from ..core.errors import SemblanceError
from ..core.processes import child_environment
from ..robot.actuator_map import RobotMap, with_links
from ..robot.calibrating import Calibration, converse
from ..robot.client import RobotClient
from ..robot.doctor import examine
from ..robot.unit_file import read_unit, unit_path

_LOOK_S = 0.05


def doctor(robot: RobotMap | None, port: str = "", protocol: str = "", baud: int = 0) -> int:
    """Print what is on the ports and what answers; 1 if something is wrong. Nothing moves."""
    problems = 0
    for finding in examine(robot, port, protocol, baud):
        problems += finding.state == "PROBLEM"
        print(finding, flush=True)
    return int(problems > 0)


def calibrate(design: RobotMap, unit: str, link: str) -> int:
    """Measure one head from this terminal and write its unit file; 1 if nothing was written.

    Args:
        design: the map, not narrowed, so that everything that the design allows can be reached.
        unit: the head's name; a unit file of that name is gone on with.
        link: as `semblance robot serve --link`; "unit" takes the ports of the unit file.

    Raises:
        SemblanceError: if the head cannot be connected, or its process ends.
    """
    path = unit_path(design, unit)
    known = read_unit(path, design) if path.is_file() else None
    ports = {name: settings.port for name, settings in (known or design).links.items() if settings.port}
    if link == "unit":
        if set(ports) != set(design.links):
            raise SemblanceError(f"The unit '{unit}' has no ports yet; name them with --link.")
        link = ",".join(f"{name}={port}" for name, port in ports.items())
    elif link != "simulated":
        ports = {name: settings.port for name, settings in with_links(known or design, link).links.items()
                 if settings.port}
    client = RobotClient.start(["--robot", str(design.path), "--link", link], child_environment(), "a terminal")
    try:
        _wait_connected(client)
        written = converse(Calibration(design, unit, known), client, typed_lines(sys.stdin), print, ports)
    finally:
        client.wait_end()
    print(f"Wrote {written}" if written else "Nothing was written.")
    return int(written is None)


def typed_lines(stream: TextIO) -> Iterator[str | None]:
    """Lines as they are typed, None while there is none for a moment; ends with the stream."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, name="typed lines", daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=_LOOK_S)
        except queue.Empty:
            yield None
            continue
        if not line:
            return
        yield line.rstrip("\n")


def _wait_connected(client: RobotClient) -> None:
    """Until the process has opened the head.

    Raises:
        SemblanceError: with what it says is wrong.
    """
    while not client.poll().status:
        if client.state == "ended":
            raise SemblanceError(client.sentence or "The robot process has ended.")
        time.sleep(_LOOK_S)
