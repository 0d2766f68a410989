"""Unit files: what was measured on one copy of a head, in the user's own folder; its port and each servo's travel.

A unit file may only narrow the travel of the design (`rigs/robots/<robot>/actuators.toml`), which is the same for every
copy. `<user's folder>/calibration/<robot>/<unit>.toml`, schema 1::

    schema = 1
    robot = "desk_head"
    unit = "head-007"
    measured = 2026-11-18

    [links.face]
    port = "/dev/serial/by-id/usb-Pololu_Corporation_Maestro_00123456-if00"

    [travel.eyelid_upper_left]       # in the design's unit; those that are not named keep the design's travel
    low = 1070
    neutral = 1405
    high = 1880
"""
from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..core.errors import SemblanceError
from ..core.files import write_bytes
from ..core.toml_text import quoted
from .actuator_map import WHOLE_UNITS, Actuator, RobotMap, Travel
from .folders import calibration_folder, calibration_folders
from .toml_table import Table, read_table

SCHEMA: Final = 1
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML wants no quotes around."""


def unit_names(robot: str) -> list[str]:
    """The units of this design that have been measured here, in a terminal or in any Blender."""
    return sorted({path.stem for folder in calibration_folders(robot) for path in folder.glob("*.toml")})


def unit_path(robot: RobotMap, unit: str) -> Path:
    """Where the unit file of that name is or will be.

    Raises:
        SemblanceError: for a name that cannot be a file's.
    """
    if not _NAME.fullmatch(unit):
        raise SemblanceError(f"'{unit}' cannot name a head; use letters, digits, '-', '_' and '.', such as head-007.")
    return calibration_folder(robot.name) / f"{unit}.toml"


def find_unit(robot: RobotMap, unit: str) -> Path:
    """The unit file called `unit`, or the file itself if that is what `unit` names.

    Raises:
        SemblanceError: if there is none; the sentence lists those there are.
    """
    if unit.endswith(".toml"):
        return Path(unit)
    own = unit_path(robot, unit)
    for folder in calibration_folders(robot.name):
        if (path := folder / own.name).is_file():
            return path
    known = ", ".join(unit_names(robot.name)) or "none yet"
    raise SemblanceError(
        f"No unit '{unit}' of the robot '{robot.name}' is calibrated here; there are: {known} "
        f"('semblance robot calibrate --robot {robot.name} --unit {unit}' makes it)."
    )


def read_unit(path: Path, robot: RobotMap, allow_wider: bool = False) -> RobotMap:
    """The design `robot` as this one copy of it: narrower travel, and the ports of its links.

    Raises:
        SemblanceError: naming file, line, actuator and numbers of whatever is wrong or wider than the design.
    """
    top = read_table(Path(path), "unit file")
    if top.whole("schema") != SCHEMA:
        top.refuse("schema", f"must be {SCHEMA}, which is what this Semblance reads; update Semblance for a newer one.")
    top.only("schema", "robot", "unit", "measured", "links", "travel")
    if top.text("robot") != robot.name:
        top.refuse("robot", f"is '{top.text('robot')}', but the design is '{robot.name}'; take this head's own file.")
    top.text("unit")
    top.day("measured")
    ports = _ports(top.table("links"), robot) if "links" in top else {}
    travel = _travels(top.table("travel"), robot, allow_wider) if "travel" in top else {}
    return replace(
        robot,
        links={name: replace(link, port=ports.get(name, link.port)) for name, link in robot.links.items()},
        actuators=tuple(replace(a, travel=travel.get(a.name, a.travel)) for a in robot.actuators),
    )


def write_unit(path: Path, robot: RobotMap, unit: str, ports: Mapping[str, str], travel: Mapping[str, Travel]) -> None:
    """Write what was measured on the head `unit`, dated today; whole or not at all.

    Raises:
        SemblanceError: if a travel is wider than the design's, or the file cannot be written.
    """
    designs = {actuator.name: actuator for actuator in robot.actuators}
    for name, measured in travel.items():
        if sentence := misfit(designs[name], measured):
            raise SemblanceError(f"Actuator '{name}' {sentence}")
    lines = [f"schema = {SCHEMA}", f"robot = {quoted(robot.name)}", f"unit = {quoted(unit)}",
             f"measured = {datetime.date.today().isoformat()}"]
    for link, port in ports.items():
        lines += ["", f"[links.{_key(link)}]", f"port = {quoted(port)}"]
    for name, measured in travel.items():
        lines += ["", f"[travel.{_key(name)}]  # {measured.unit}"]
        lines += [f"{key} = {_shown(getattr(measured, key))}" for key in ("low", "neutral", "high")]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def misfit(design: Actuator, measured: Travel) -> str:
    """What is wrong with a travel that was measured for `design`; empty if nothing is."""
    low, neutral, high = measured.low, measured.neutral, measured.high
    if not low <= neutral <= high or low == high:
        return (f"must have its neutral from low to high, and low below high (found low {low:g}, neutral {neutral:g}, "
                f"high {high:g}).")
    allowed = design.travel
    if low < allowed.low or high > allowed.high:
        return (f"goes from {low:g} to {high:g} {allowed.unit}, but the design allows {allowed.low:g} to "
                f"{allowed.high:g}; a unit file may only narrow it.")
    return ""


def _ports(table: Table, robot: RobotMap) -> dict[str, str]:
    ports: dict[str, str] = {}
    for name in table:
        if name not in robot.links:
            table.refuse(name, f"is no link of the robot '{robot.name}'; it has {', '.join(robot.links)}.")
        row = table.table(name, f"link '{name}'")
        row.only("port")
        port = row.text("port")
        other = next((link for link, taken in ports.items() if taken == port), None)
        if other:
            row.refuse("port", f"is '{port}', which link '{other}' already has; each link needs its own.")
        ports[name] = port
    return ports


def _travels(table: Table, robot: RobotMap, allow_wider: bool) -> dict[str, Travel]:
    table.only(*robot.index)
    travels = {}
    for name in table:
        row, design = table.table(name, f"actuator '{name}'"), robot.actuators[robot.index[name]]
        row.only("low", "neutral", "high")
        measured = Travel(design.travel.unit, *(row.number(key) for key in ("low", "neutral", "high")))
        for key in ("low", "neutral", "high"):
            value = getattr(measured, key)
            if design.travel.unit in WHOLE_UNITS and value != int(value):
                row.refuse(key, f"must be a whole number in {design.travel.unit} (found {value:g}).")
        wide = replace(design, travel=measured) if allow_wider else design
        if sentence := misfit(wide, measured):
            row.refuse("", sentence)
        travels[name] = measured
    return travels


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else quoted(name)


def _shown(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
