"""The settings of the sidebar, kept in the scene."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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

from ..core.frames import ExpressionTrack
from ..core.smoothing import Smoothing
from ..core.take import SUFFIX
from ..expression.calibration import Calibration, find_neutral, neutral_from
from ..tracking.region import FaceBox
from . import tracking_job
from .actors import SEMBLANCE_PG_actor, cast
from .character_choice import is_known
from .control_list import SEMBLANCE_PG_rig
from .keying import Placement
from .transfer_panel import SEMBLANCE_PG_transfer

# What is opened as it is; everything else is tracked first.
_PERFORMANCES = (SUFFIX, ".csv")
# Slider → the groups of coefficients that it scales.
_GAINS = {"brows": ("brows",), "eyes": ("eyelids",), "mouth": ("mouth", "cheeks"), "jaw": ("jaw",)}


def _source_changed(settings: SEMBLANCE_PG_settings, context: bpy.types.Context) -> None:
    settings.take = settings.found = ""
    tracking_job.failures.clear()


def _character_chosen(settings: SEMBLANCE_PG_settings, context: bpy.types.Context) -> None:
    if not settings.quiet:
        cast(settings.id_data, settings.character)


def _actor_shown(settings: SEMBLANCE_PG_settings, context: bpy.types.Context) -> None:
    """A click on a row shows that character's settings; who is keyed says the row's tick."""
    root = settings.actors[settings.actor].root if 0 <= settings.actor < len(settings.actors) else None
    if root is not None and root != settings.character:
        settings.quiet = True
        settings.character = root
        settings.quiet = False


def _is_any_character(settings: SEMBLANCE_PG_settings, item: bpy.types.Object) -> bool:
    return is_known(item, settings.id_data)


class SEMBLANCE_PG_settings(bpy.types.PropertyGroup):
    """What to track, whom to animate and how."""

    source: StringProperty(
        name="Source", subtype="FILE_PATH", options={"PATH_SUPPORTS_BLEND_RELATIVE"}, update=_source_changed,
        description="A video, a folder of pictures, a saved .take, or a Live Link Face .csv",
    )
    take: StringProperty(
        name="Take", subtype="FILE_PATH", options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="The performance that Track made from the source",
    )
    found: StringProperty(name="Found", options={"HIDDEN"}, description="What Track saw in the source")
    use_body: BoolProperty(
        name="Body and Hands", default=False,
        description="Follow the body and both hands with the face, which may then be missing. The take keeps them",
    )
    use_drawn: BoolProperty(
        name="Drawn Face", default=False,
        description="The source shows a drawn or rendered face, which is read from the picture without landmarks. "
        "Track notices most of them by itself",
    )
    use_box: BoolProperty(
        name="Face Box", default=False,
        description="Say where the head is in the picture, where it is not found or is one of several",
    )
    box_left: IntProperty(name="Left", subtype="PERCENTAGE", default=30, min=0, max=99, description="Left edge")
    box_top: IntProperty(name="Top", subtype="PERCENTAGE", default=20, min=0, max=99, description="Upper edge")
    box_width: IntProperty(name="Width", subtype="PERCENTAGE", default=40, min=1, max=100, description="Of the head")
    box_height: IntProperty(name="Height", subtype="PERCENTAGE", default=60, min=1, max=100, description="Of the head")
    character: PointerProperty(
        type=bpy.types.Object, name="Character", poll=_is_any_character, update=_character_chosen,
        description="The character's armature, or its mesh without one; empty takes the first one of the scene",
    )
    actors: CollectionProperty(type=SEMBLANCE_PG_actor, description="The characters that Apply may key")
    actor: IntProperty(name="Shown Character", update=_actor_shown, description="Click to see this one's settings")
    home: StringProperty(
        name="Home", options={"HIDDEN"}, description="In the scene of Try It: the scene that its button was pressed in",
    )
    quiet: BoolProperty(name="Quiet", options={"SKIP_SAVE"}, description="The character is shown, not chosen")
    transfer: PointerProperty(type=SEMBLANCE_PG_transfer, description="From whom to whom a performance is carried")
    rigs: CollectionProperty(type=SEMBLANCE_PG_rig, description="Lists of controls, of the user's own rigs and others")
    strength: FloatProperty(
        name="Smoothing", default=1, min=0, soft_max=3, max=10,
        description="0 keeps every tremble of the camera, 1 is calm at rest and quick in motion, 2 is calmer still",
    )
    neutral: EnumProperty(
        name="Neutral", default="AUTO", description="The performer's resting face, which becomes the character's rest",
        items=(
            ("AUTO", "Automatic", "Find the resting face in the take"),
            ("FRAME", "From a Frame", "Use the face at a time that you choose"),
            ("NONE", "None", "Take the expressions as they were measured"),
        ),
    )
    neutral_s: FloatProperty(
        name="At", default=0, min=0, unit="TIME_ABSOLUTE", description="Time in the take at which the face rests",
    )
    gain_brows: FloatProperty(name="Brows", default=1, min=0, soft_max=2, max=5, description="How strongly brows move")
    gain_eyes: FloatProperty(
        name="Eyes", default=1, min=0, soft_max=2, max=5, description="How strongly the eyes widen and squint",
    )
    gain_mouth: FloatProperty(
        name="Mouth", default=1, min=0, soft_max=2, max=5, description="How strongly mouth and cheeks move",
    )
    gain_jaw: FloatProperty(name="Jaw", default=1, min=0, soft_max=2, max=5, description="How strongly the jaw moves")
    start_frame: IntProperty(
        name="Start Frame", default=1, description="The scene frame on which the take begins",
    )
    use_range: BoolProperty(
        name="Only Part", default=False, description="Write keys only between two scene frames",
    )
    first_frame: IntProperty(name="First", default=1, description="First scene frame that gets keys")
    last_frame: IntProperty(name="Last", default=250, description="Last scene frame that gets keys")
    use_head: BoolProperty(name="Head Motion", default=True, description="Key the controls that turn the head")
    use_gaze: BoolProperty(name="Gaze", default=True, description="Key the controls that turn the eyes")
    use_body_keys: BoolProperty(
        name="Body", default=True,
        description="Key the body too, where the take has one and the character's bones are known; it turns the head",
    )
    use_nla: BoolProperty(
        name="NLA Strip", default=False,
        description="Put the take on a new NLA track and leave the active Action as it is",
    )
    use_extend: BoolProperty(
        name="Extend Scene", default=True,
        description="Move the scene's end frame to the last key if the take is longer than the scene",
    )

    @property
    def is_performance(self) -> bool:
        """The source needs no tracking."""
        return self.source.lower().endswith(_PERFORMANCES)

    def performance(self) -> Path | None:
        """The take or Live Link file to apply; None while there is only something to track."""
        chosen = self.source if self.is_performance else self.take
        return Path(bpy.path.abspath(chosen)) if chosen else None

    def box(self) -> FaceBox | None:
        """Where the head is; None = find it.

        Raises:
            SemblanceError: if the box reaches out of the picture.
        """
        numbers = (self.box_left, self.box_top, self.box_width, self.box_height)
        return FaceBox(*(number / 100 for number in numbers)) if self.use_box else None

    def calibration(self, raw: ExpressionTrack) -> Calibration:
        """The resting face as the sidebar wants it found in `raw`, and the gains.

        Raises:
            SemblanceError: if no face was seen at the chosen time.
        """
        if self.neutral == "AUTO":
            found = find_neutral(raw)
        elif self.neutral == "FRAME":
            found = neutral_from(raw, float(raw.times_s[0]) + self.neutral_s)
        else:
            found = Calibration()
        gains = {group: getattr(self, f"gain_{slider}") for slider, groups in _GAINS.items() for group in groups}
        return replace(found, gains=gains)

    def smoothing(self) -> Smoothing:
        """The smoothing of the sidebar."""
        return Smoothing(strength=self.strength)

    def placement(self) -> Placement:
        """Where the keys go."""
        without = [group for group, wanted in (("head", self.use_head), ("gaze", self.use_gaze)) if not wanted]
        first, last = (self.first_frame, self.last_frame) if self.use_range else (None, None)
        return Placement(self.start_frame, first, last, without, self.use_nla, self.use_body_keys)
