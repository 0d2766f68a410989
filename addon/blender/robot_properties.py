"""The Robot panel's settings, kept in the scene, and the rows of its meters, which no file keeps."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..core.errors import SemblanceError
from ..robot.actuator_map import RobotMap, with_links
from ..robot.links import BY_NETWORK
from ..robot.links.serial_port import list_ports
from ..robot.map_reading import find_map
from ..robot.unit_file import find_unit, read_unit
from . import robot_designs
from .robot_designs import SIMULATED, Design

_OWN_COMPUTER = ("127.0.0.1:9000", "127.0.0.1:9000", "A program on this computer that listens")


def port_items(by_network: bool) -> list[tuple[str, str, str]]:
    """What a link can be reached through, as a menu wants it: path, words, explanation. No port is opened.

    Raises:
        SemblanceError: without pyserial.
    """
    if by_network:
        return [_OWN_COMPUTER]
    return [(port.path, f"{port.name}  {port.path}", port.serial or port.path) for port in list_ports()]


def _suggested(row: SEMBLANCE_PG_robot_port, context: bpy.types.Context, text: str) -> Iterator[tuple[str, str]]:
    """While one types."""
    try:
        for path, words, _ in port_items(row.by_network):
            if text.lower() in words.lower():
                yield path, words.removesuffix(path).strip()
    except SemblanceError:
        return  # Connect says it


def _head_chosen(settings: SEMBLANCE_PG_robot, context: bpy.types.Context) -> None:
    settings.list_ports()


class SEMBLANCE_PG_robot_port(bpy.types.PropertyGroup):
    """Where one link of the head is plugged in; the group's name is the link's."""

    port: StringProperty(
        name="Port", search=_suggested, search_options={"SUGGESTION", "SORT"},
        description="Where this link of the head is plugged in. Choosing it opens nothing; Connect does",
    )

    @property
    def by_network(self) -> bool:
        """Reached by network."""
        design = robot_designs.find(self.id_data.semblance_robot.design)
        return design is not None and design.links.get(self.name) in BY_NETWORK


class SEMBLANCE_PG_robot_part(bpy.types.PropertyGroup):
    """One object of the digital twin; the group's name is what it shows."""

    item: PointerProperty(type=bpy.types.Object, name="Object", description="What was made for the twin")


class SEMBLANCE_PG_robot(bpy.types.PropertyGroup):
    """Which head, and how it is reached."""

    design: StringProperty(name="Design", default="ameca_like", description="A shipped design, or your own map file")
    head: EnumProperty(
        name="Head", default="SIMULATED", update=_head_chosen, description="Which head is connected",
        items=(
            ("SIMULATED", "Simulated", "A head that exists only in this computer: try everything with it first"),
            ("REAL", "Real Head", "The head on a port of this computer or on the network"),
        ),
    )
    unit: StringProperty(name="Unit", description="The one head of this design that was calibrated; empty: none yet")
    ports: CollectionProperty(type=SEMBLANCE_PG_robot_port, description="Where each link of the head is plugged in")
    twin: PointerProperty(
        type=bpy.types.Collection, name="Digital Twin", description="Shows what was sent to the head",
    )
    parts: CollectionProperty(type=SEMBLANCE_PG_robot_part, description="All that was made for the twin")
    """Of the twin: what was made for it, so that nothing else is taken away with it."""

    def info(self) -> Design | None:
        """What is known of the design without reading a file."""
        return robot_designs.find(self.design)

    def list_ports(self) -> None:
        """A row for each link of the design, if that is known; what was typed stays."""
        design = self.info()
        if design is None:
            return
        wanted = tuple(design.links)
        for index in reversed(range(len(self.ports))):
            if self.ports[index].name not in wanted:
                self.ports.remove(index)
        for name in wanted:
            if name not in self.ports:
                self.ports.add().name = name

    def robot(self) -> RobotMap:
        """The map of this head with its ports, checked.

        Raises:
            SemblanceError: if the map or the unit file cannot be read, or a link of a real head has no port.
        """
        robot = find_map(bpy.path.abspath(self.design))
        if self.unit:
            robot = read_unit(find_unit(robot, bpy.path.abspath(self.unit)), robot)
        if self.head == "SIMULATED":
            return with_links(robot, SIMULATED)
        typed = {row.name: row.port.strip() for row in self.ports if row.port.strip()}
        links = {name: replace(link, port=typed.get(name, link.port)) for name, link in robot.links.items()}
        portless = next((name for name, link in links.items() if not link.port), None)
        if portless is not None:
            raise SemblanceError(f"Choose the port of '{portless}' first, or a unit whose file names it.")
        return replace(robot, links=links)

    def arguments(self, robot: RobotMap) -> list[str]:
        """How a robot process is told the same."""
        reached = SIMULATED
        if self.head == "REAL":
            reached = ",".join(f"{name}={link.port}" for name, link in robot.links.items())
        unit = ["--unit", bpy.path.abspath(self.unit)] if self.unit else []
        return ["--robot", str(robot.path), *unit, "--link", reached]


class SEMBLANCE_PG_robot_row(bpy.types.PropertyGroup):
    """One line of the meters; the group's name is the actuator's."""


class SEMBLANCE_PG_robot_view(bpy.types.PropertyGroup):
    """What only this window knows."""

    rows: CollectionProperty(
        type=SEMBLANCE_PG_robot_row, options={"SKIP_SAVE"}, description="One for each actuator",
    )
    row: IntProperty(name="Actuator", options={"SKIP_SAVE"}, description="The actuator whose numbers are shown below")
    jog: FloatProperty(
        name="Position", min=-1, max=1, step=1, precision=3, options={"SKIP_SAVE"},
        description="Where the actuator shall stand: 0 its neutral, -1 and 1 the ends that the design allows",
    )
    unit: StringProperty(name="Unit", default="head-001", description="What this one head is called")

    def fill(self, names: tuple[str, ...]) -> None:
        """One row for each actuator."""
        self.rows.clear()
        for name in names:
            self.rows.add().name = name
        self.row = 0


def register() -> None:
    """Called after the classes are registered."""
    robot_designs.refresh()
    bpy.types.Scene.semblance_robot = PointerProperty(type=SEMBLANCE_PG_robot)
    bpy.types.WindowManager.semblance_robot = PointerProperty(type=SEMBLANCE_PG_robot_view)
    bpy.types.Object.semblance_is_twin = BoolProperty(
        name="Twin of a Robot", description="Shows what was sent to a robot head; takes are not applied to it",
    )


def unregister() -> None:
    """Called before the classes are unregistered."""
    for owner, name in (
        (bpy.types.Scene, "semblance_robot"), (bpy.types.WindowManager, "semblance_robot"),
        (bpy.types.Object, "semblance_is_twin"),
    ):
        if hasattr(owner, name):
            delattr(owner, name)
