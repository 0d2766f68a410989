"""The settings of the sidebar's Live panel, kept in the scene."""
from __future__ import annotations

from typing import Final

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

from ..core import coefficients
from ..live.live_settings import LiveSettings
from ..live.messages import Open
from ..live.performers import performers
from ..tracking.cameras import Camera, list_cameras
from .live_puppet import SEMBLANCE_PG_before

_DOORS: Final = {"LIVELINK": "livelink", "VMC": "vmc", "OSC": "osc"}
"""Kind of source → its scheme; the port is the setting port_<scheme>."""
REGIONS: Final = tuple(group for group in coefficients.GROUPS if group != "gaze")
_SIZES: Final = {"AUTO": (0, 0), "VGA": (640, 480), "HD": (1280, 720), "FULL": (1920, 1080)}
_NO_CAMERA: Final = ("0", "First Camera", "The first camera that the system has", "CAMERA_DATA", 0)
_cameras: list[tuple[str, str, str, str, int]] = [_NO_CAMERA]
"""As an EnumProperty wants them; Blender keeps no copy of their texts, so this list does."""


def find_cameras() -> list[Camera]:
    """Look which cameras there are; none is opened."""
    found = list_cameras()
    _cameras[:] = [
        (camera.address, camera.name, f"{camera.name} ({camera.address})", "CAMERA_DATA", camera.index)
        for camera in found
    ] or [_NO_CAMERA]
    return found


def _camera_items(live: SEMBLANCE_PG_live, context: bpy.types.Context) -> list[tuple[str, str, str, str, int]]:
    return _cameras


def _known_performers(live: SEMBLANCE_PG_live, context: bpy.types.Context, text: str) -> list[str]:
    return [name for name in performers() if text.lower() in name.lower()]


def _region(name: str, description: str) -> BoolProperty:
    return BoolProperty(name=name, default=True, description=description)


class SEMBLANCE_PG_live(bpy.types.PropertyGroup):
    """Where the face comes from, what of it counts, and how it is recorded."""

    kind: EnumProperty(
        name="Source", default="CAMERA", description="Where the performer's face comes from",
        items=(
            ("CAMERA", "Webcam", "A camera of this computer", "CAMERA_DATA", 0),
            ("STREAM", "Phone or Network Camera", "Pictures from an address: http://… or rtsp://…", "URL", 1),
            ("VIDEO", "Video in a Loop", "A video file at its own speed, again and again", "FILE_MOVIE", 2),
            ("LIVELINK", "Live Link Face", "The iPhone app sends what its depth camera measures", "LINK_BLEND", 3),
            ("IFACIALMOCAP", "iFacialMocap", "The iPhone app, or MeowFace on Android, sends when it is asked to",
             "LINK_BLEND", 6),
            ("VMC", "VMC", "Another tracker sends VMC (VSeeFace, XR Animator, Warudo ...)", "PLUGIN", 4),
            ("OSC", "OSC", "Another program sends coefficients by OSC (Face Cap ...)", "PLUGIN", 5),
        ),
    )
    camera: EnumProperty(name="Camera", items=_camera_items, description="Which camera of this computer")
    size: EnumProperty(
        name="Picture", default="AUTO", description="Larger pictures help with faces that are far away, and cost time",
        items=(
            ("AUTO", "Automatic", "As the camera likes"), ("VGA", "640 × 480", "The quickest"),
            ("HD", "1280 × 720", "For a face farther away"), ("FULL", "1920 × 1080", "For a whole room"),
        ),
    )
    rate: IntProperty(
        name="Rate", default=0, min=0, max=240,
        description="Pictures a second that the camera is asked for; 0 = its own",
    )
    stream: StringProperty(
        name="Address", default="http://", description="As the phone's camera app shows it, such as "
        "http://192.168.1.20:8080/video or rtsp://…",
    )
    phone: StringProperty(
        name="Phone", description="The address that the app shows, such as 192.168.1.20",
    )
    video: StringProperty(
        name="Video", subtype="FILE_PATH", options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="A video that stands in for a camera",
    )
    loop: BoolProperty(name="Loop", default=True, description="Start the video again at its end")
    port_livelink: IntProperty(name="Port", default=11111, min=1, max=65535, description="As set in Live Link Face")
    port_vmc: IntProperty(name="Port", default=39539, min=1, max=65535, description="As set in the other tracker")
    port_osc: IntProperty(name="Port", default=9000, min=1, max=65535, description="As set in the other program")
    from_network: BoolProperty(
        name="From Other Devices", default=False,
        description="Listen to phones and computers of your network too, not only to programs on this computer",
    )
    mirror: BoolProperty(
        name="Mirror", default=False,
        description="The character moves like your image in a mirror: your left is its right",
    )
    performer: StringProperty(
        name="Performer", search=_known_performers,
        description="Whose face it is; the neutral face and the range are kept under this name",
    )
    brows: _region("Brows", "The performer moves the brows")
    eyelids: _region("Eyelids", "The performer moves the eyelids")
    cheeks: _region("Cheeks", "The performer moves cheeks and nose")
    mouth: _region("Mouth", "The performer moves mouth and tongue")
    jaw: _region("Jaw", "The performer moves the jaw")
    head: _region("Head", "The performer turns the head")
    gaze: _region("Gaze", "The performer turns the eyes")
    smoothing: FloatProperty(
        name="Smoothing", default=1, min=0, soft_max=3, max=10, step=5, precision=2,
        description="0 follows every tremble at once, 1 is calm at rest and quick in motion, 2 is calmer still",
    )
    when_lost: EnumProperty(
        name="Face Lost", default="ease", description="What the characters do while no face is seen",
        items=(("ease", "Ease to Neutral", "Go back to the resting face"), ("hold", "Hold", "Stay as last seen")),
    )
    show: EnumProperty(
        name="Characters Show", default="LIVE", description="What moves the characters",
        items=(
            ("LIVE", "Performer", "They follow the performer's face", "HIDE_OFF", 0),
            ("TAKE", "Animation", "They play their keys, such as the take just recorded; the performer waits",
             "ACTION", 1),
        ),
    )
    countdown: IntProperty(
        name="Countdown", default=3, min=0, max=30, description="Seconds before a take begins",
    )
    play: BoolProperty(
        name="Play Timeline", default=True,
        description="Play the scene from the current frame on while a take is recorded; the take ends with the scene",
    )
    beep: BoolProperty(
        name="Beep", default=True,
        description="Beep each second of the countdown, and higher on the take's first frame, to find that frame in a "
        "sound recording",
    )
    punch_first: IntProperty(name="From", default=1, description="First scene frame of the part that is played again")
    punch_last: IntProperty(name="To", default=50, description="Last scene frame of the part that is played again")
    take: StringProperty(name="Take", subtype="FILE_PATH", description="The take that was recorded last")
    take_frame: IntProperty(name="Take Begins", description="Scene frame of the last take's first sample")
    mark: StringProperty(name="Marker", default="mark", description="What a marker in the take is called")
    before: CollectionProperty(type=SEMBLANCE_PG_before, description="What the characters had before they were moved")

    def open(self) -> Open:
        """The source, as the worker is asked for it."""
        width, height = _SIZES[self.size] if self.kind == "CAMERA" else (0, 0)
        rate = float(self.rate) if self.kind == "CAMERA" else 0.0
        return Open(self.address(), width, height, rate, self.mirror, self.kind == "VIDEO" and self.loop)

    def address(self) -> str:
        """What is opened; empty while it is not said yet."""
        if self.kind == "CAMERA":
            return self.camera or "0"
        if self.kind == "STREAM":
            return self.stream.strip() if self.stream.strip() != "http://" else ""
        if self.kind == "VIDEO":
            return bpy.path.abspath(self.video) if self.video else ""
        if self.kind == "IFACIALMOCAP":
            phone = self.phone.strip().rpartition("//")[2]
            return f"ifacialmocap://{phone}" if phone else ""
        scheme = _DOORS[self.kind]
        return f"{scheme}://{'0.0.0.0' if self.from_network else ''}:{getattr(self, f'port_{scheme}')}"

    def port_name(self) -> str:
        """The setting that has the port of a door."""
        return f"port_{_DOORS[self.kind]}"

    def settings(self) -> LiveSettings:
        """What of the face counts."""
        regions = {region: getattr(self, region) for region in REGIONS}
        return LiveSettings(regions, self.head, self.gaze, self.smoothing, self.when_lost)

    def resting(self) -> frozenset[str]:
        """Groups of controls that the performer leaves alone."""
        return frozenset(group for group in (*REGIONS, "head", "gaze") if not getattr(self, group))


def register() -> None:
    """Called after the classes are registered."""
    bpy.types.Scene.semblance_live = PointerProperty(type=SEMBLANCE_PG_live)
    find_cameras()


def unregister() -> None:
    """Called before the classes are unregistered."""
    if hasattr(bpy.types.Scene, "semblance_live"):
        del bpy.types.Scene.semblance_live
