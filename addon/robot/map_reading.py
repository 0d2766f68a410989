"""Reads `rigs/robots/<name>/actuators.toml`, schema 1, and refuses whatever is not surely meant.

The keys, all of them::

    schema = 1
    name = "desk_head"               # also the folder's name
    description = "one line"
    controls = "expression"          # the 54 coefficients and angles (signals.NAMES), or a character such as "pip"

    [loop]                           # all have defaults: LoopSettings
    rate_hz = 50

    [links.face]                     # no port here: ports belong to the unit file
    protocol = "maestro"             # maestro, dynamixel2, feetech_sts, feetech_scs, arduino, osc, zeromq, simulated
    dialect = "pololu"               # compact or pololu (maestro only)
    device = 12
    crc = true
    baud = 115200

    [groups]
    mouth = { speed = 16.0, accel = 160.0, jerk = 4000.0 }      # u/s, u/s², u/s³

    [[actuator]]
    name = "jaw_open"
    link = "face"
    channel = 3
    group = "mouth"
    reversed = false                 # true: +u goes towards `low`
    rest = 0.0                       # u where it is laid down before its torque goes, such as a chin on the chest
    model = 1060                     # what the motor must answer to the handshake; absent: anything
    travel = { unit = "us", low = 1480, neutral = 1500, high = 1820 }
    inputs = [
      { control = "jawOpen", curve = [[0, 0.0], [0.5, 0.62], [1, 1.0]] },
      { actuator = "gaze_pitch", gain = 0.35 },                 # an earlier one: coupling
    ]
    override = { control = "eyeBlinkLeft", toward = -1.0 }

    [[rule]]
    kind = "cap"                     # `of` is bounded by a curve of `when`
    of = "lip_lower"
    bound = "low"
    when = "jaw_open"
    curve = [[0.0, -1.0], [1.0, -0.2]]

    [[rule]]
    kind = "tire"                    # a held extreme eases back
    of = "jaw_open"
    beyond = 0.85
    after_s = 4.0
    ease_to = 0.6
    over_s = 1.0
    recover_s = 5.0
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ..core.control_set import ControlSet
from ..core.errors import SemblanceError
from ..core.paths import RIGS
from ..core.rig_profile import find_profile
from . import signals
from .actuator_map import (
    UNITS,
    WHOLE_UNITS,
    Actuator,
    Cap,
    Curve,
    Group,
    Input,
    LoopSettings,
    Override,
    RobotMap,
    Tire,
    Travel,
)
from .links import PROTOCOLS, LinkSettings
from .rules import excess
from .toml_table import Table, read_table

SCHEMA: Final = 1
ROBOTS: Final = RIGS / "robots"
# A hobby servo's pulse; a number outside is a slip of the keyboard.
_PULSE_US: Final = (400.0, 2600.0)
_AT_REST: Final = 0.02


def shipped_maps() -> list[Path]:
    """The map file of each robot design that comes with Semblance, by name."""
    return sorted(ROBOTS.glob("*/actuators.toml"))


def find_map(robot: str) -> RobotMap:
    """The shipped design named `robot`, or the map file that it names.

    Raises:
        SemblanceError: if there is none (the sentence lists those there are) or it is not valid.
    """
    if robot.endswith(".toml"):
        return read_map(Path(robot))
    path = ROBOTS / robot.lower() / "actuators.toml"
    if robot.isidentifier() and path.is_file():
        return read_map(path)
    known = ", ".join(p.parent.name for p in shipped_maps()) or "none"
    raise SemblanceError(
        f"There is no robot '{robot}'; the designs here are: {known}. Name one of them, or the actuators.toml of yours."
    )


def read_map(path: Path) -> RobotMap:
    """Read a map file.

    Raises:
        SemblanceError: naming the file, the line, the actuator and the key that is wrong.
    """
    top = read_table(Path(path), "robot map")
    if top.whole("schema") != SCHEMA:
        top.refuse("schema", f"must be {SCHEMA}, which is what this Semblance reads; update Semblance for a newer one.")
    top.only("schema", "name", "description", "controls", "loop", "links", "groups", "actuator", "rule")
    controls = top.text("controls")
    character = None if controls == signals.EXPRESSION else _character(top, controls)
    names = character.names if character else signals.NAMES
    links = _links(top.table("links", "links"))
    groups = _groups(top.table("groups", "groups"))
    loop = _loop(top.table("loop", "loop")) if "loop" in top else LoopSettings()
    actuators: list[Actuator] = []
    for row in top.tables("actuator"):
        actuators.append(_actuator(row, actuators, names, tuple(links), tuple(groups)))
    if not actuators:
        top.refuse("actuator", "needs one [[actuator]] or more.")
    rest = [actuator.rest for actuator in actuators]
    caps, tires = _rules(top.tables("rule", needed=False), tuple(a.name for a in actuators), rest)
    robot = RobotMap(
        top.text("name"), top.text("description", ""), controls, names, loop, links, groups, tuple(actuators), caps,
        tires, Path(path),
    )
    return replace(robot, warnings=tuple(_warnings(robot, character)))


def _character(top: Table, name: str) -> ControlSet:
    try:
        return find_profile(name).control_set
    except SemblanceError as error:
        top.refuse("controls", f"must be '{signals.EXPRESSION}' or a character: {error}")


def _loop(table: Table) -> LoopSettings:
    default = LoopSettings()
    table.only(*LoopSettings.__dataclass_fields__)
    bounds = {
        "rate_hz": (10, 200), "stale_after_s": (0.02, 1), "rest_after_s": (0.1, 30), "arm_blend_s": (0.3, 30),
        "return_blend_s": (0.1, 30), "limp_after_s": (0, 3600), "poll_errors_hz": (0.1, 10),
    }
    loop = LoopSettings(**{
        key: table.number(key, getattr(default, key), *bounds[key]) for key in bounds
    })
    if loop.rest_after_s <= loop.stale_after_s:
        table.refuse("rest_after_s", f"must be more than stale_after_s ({loop.stale_after_s:g}).")
    return loop


def _links(table: Table) -> dict[str, LinkSettings]:
    default = LinkSettings("")
    links = {}
    for name in table:
        row = table.table(name, f"link '{name}'")
        if "port" in row:
            row.refuse("port", "does not belong into the design, which is the same for every copy of the head: put it "
                               "into the unit file, or name it when you connect.")
        row.only("protocol", "dialect", "device", "crc", "baud")
        protocol = row.choice("protocol", tuple(PROTOCOLS))
        dialect = row.choice("dialect", ("compact", "pololu"), "compact") if protocol == "maestro" else ""
        if not dialect and "dialect" in row:
            row.refuse("dialect", "is for the protocol maestro only.")
        links[name] = LinkSettings(
            name, protocol, "", row.whole("baud", default.baud, 1200, 6_000_000), dialect,
            row.whole("device", default.device, 0, 127), row.truth("crc", False),
        )
    if not links:
        table.refuse("", "needs one [links.NAME] or more.")
    return links


def _groups(table: Table) -> dict[str, Group]:
    groups = {}
    for name in table:
        row = table.table(name, f"group '{name}'")
        row.only("speed", "accel", "jerk")
        groups[name] = Group(*(row.number(key, None, 1e-3, 1e6) for key in ("speed", "accel", "jerk")))
    return groups


def _actuator(
    row: Table, before: list[Actuator], names: tuple[str, ...], links: tuple[str, ...], groups: tuple[str, ...]
) -> Actuator:
    row.label = "an actuator"
    name = row.text("name")
    row.label = f"actuator '{name}'"
    row.only("name", "link", "channel", "group", "reversed", "rest", "model", "travel", "inputs", "override")
    if any(a.name == name for a in before):
        row.refuse("name", "is there twice; give each actuator its own name.")
    link, channel = row.choice("link", links), row.whole("channel", None, 0, 252)
    taken = next((a.name for a in before if (a.link, a.channel) == (link, channel)), None)
    if taken:
        row.refuse("channel", f"is {channel} on link '{link}', which '{taken}' already has.")
    inputs = tuple(_input(each, before, names) for each in row.tables("inputs"))
    override = None
    if "override" in row:
        over = row.table("override", row.label)
        over.only("control", "toward")
        override = Override(names.index(over.choice("control", names)), over.number("toward", None, -1, 1))
    return Actuator(
        name, link, channel, row.choice("group", groups), row.truth("reversed", False), _travel(row.table("travel")),
        inputs, override, row.whole("model") if "model" in row else None,
        row.number("rest", 0.0, -1, 1),
    )


def _travel(table: Table) -> Travel:
    table.only("unit", "low", "neutral", "high")
    unit = table.choice("unit", UNITS)
    least, most = _PULSE_US if unit == "us" else (0.0, 1e7) if unit == "tick" else (-1e6, 1e6)
    low, neutral, high = (table.number(key, None, least, most) for key in ("low", "neutral", "high"))
    if not low <= neutral <= high or low == high:
        table.refuse("neutral", f"must stand from low to high, and low below high (found {low:g}, {neutral:g}, "
                                f"{high:g}); for the other direction say reversed = true.")
    for key, value in (("low", low), ("neutral", neutral), ("high", high)):
        if unit in WHOLE_UNITS and value != int(value):
            table.refuse(key, f"must be a whole number in {unit} (found {value:g}).")
    return Travel(unit, low, neutral, high)


def _input(row: Table, before: list[Actuator], names: tuple[str, ...]) -> Input:
    row.only("control", "actuator", "gain", "curve")
    if ("control" in row) == ("actuator" in row):
        row.refuse("", "each of its inputs names one control or one earlier actuator.")
    if "gain" in row and "curve" in row:
        row.refuse("gain", "stands beside a curve; multiply the curve's second numbers instead.")
    earlier = tuple(a.name for a in before)
    coupled = "actuator" in row
    if coupled and row.text("actuator") not in earlier:
        row.refuse("actuator", f"names '{row.text('actuator')}', which does not stand above it in the file: an "
                               "actuator can follow only earlier ones.")
    known = earlier if coupled else names
    source = row.choice("actuator" if coupled else "control", known)
    return Input(source, known.index(source), coupled, _curve(row) if "curve" in row else None,
                 row.number("gain", 1.0, -1e6, 1e6))


def _curve(row: Table) -> Curve:
    points = row.points("curve")
    return Curve(tuple(x for x, _ in points), tuple(y for _, y in points))


def _rules(
    rows: list[Table], names: tuple[str, ...], rest: Sequence[float]
) -> tuple[tuple[Cap, ...], tuple[Tire, ...]]:
    caps, tires = [], []
    for row in rows:
        row.label = "a rule"
        kind = row.choice("kind", ("cap", "tire"))
        of = row.choice("of", names)
        row.label = f"rule '{kind}' of actuator '{of}'"
        if kind == "cap":
            caps.append(_cap(row, names.index(of), names))
            if excess(caps[-1], rest) > 0:
                row.refuse("curve", "forbids where the head rests (key 'rest' of both actuators).")
            continue
        row.only("kind", "of", "beyond", "after_s", "ease_to", "over_s", "recover_s")
        beyond = row.number("beyond", None, 0.05, 1)
        tires.append(Tire(names.index(of), beyond, row.number("after_s", None, 0.1, 3600),
                          row.number("ease_to", None, 0, beyond), row.number("over_s", None, 0.05, 60),
                          row.number("recover_s", None, 0.1, 3600)))
    return tuple(caps), tuple(tires)


def _cap(row: Table, of: int, names: tuple[str, ...]) -> Cap:
    row.only("kind", "of", "bound", "when", "curve")
    when = names.index(row.choice("when", names))
    if when == of:
        row.refuse("when", "is the actuator itself; name another one.")
    bound, curve = row.choice("bound", ("low", "high")), _curve(row)
    rest = curve(0.0)
    if rest > 0 if bound == "low" else rest < 0:
        row.refuse("curve", f"forbids the neutral pose: at 0 it is {rest:g}, but both actuators must be able to rest "
                            "at 0.")
    return Cap(of, "low" if bound == "low" else "high", when, curve)


def _warnings(robot: RobotMap, character: ControlSet | None) -> list[str]:
    """What a builder may not have meant: controls that move nothing, and a head that does not rest at neutral."""
    used = {each.index for a in robot.actuators for each in a.inputs if not each.coupled}
    used |= {a.override.index for a in robot.actuators if a.override}
    # Who follows the gaze does not need what it is made of.
    doubled = "eyeLook" if used & {i for i, name in enumerate(robot.control_names) if name in signals.GAZE} else "-"
    unused = [name for i, name in enumerate(robot.control_names) if i not in used and not name.startswith(doubled)]
    found = []
    if unused:
        found.append(f"{len(unused)} of {len(robot.control_names)} controls move nothing: {', '.join(unused)}.")
    neutral = character.neutral if character else np.zeros(len(robot.control_names))
    resting = robot.evaluate([float(v) for v in neutral])
    found += [
        f"At the neutral of '{robot.controls}' actuator '{robot.actuators[i].name}' stands at u = {resting[i]:.2f}, "
        "not at 0; a curve through that point would rest it." for i in np.flatnonzero(np.abs(resting) > _AT_REST)
    ]
    return found
