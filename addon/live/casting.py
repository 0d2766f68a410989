"""Who plays: several characters at once, each with its own decoder, style, mirror and face."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..characters.acting import act
from ..characters.decoder import load_decoder
from ..characters.style import Style
from ..core.errors import SemblanceError
from ..core.frames import ControlFrame, Expression, stack
from ..core.rig_profile import RigProfile


@dataclass(frozen=True)
class CastMember:
    """One character and how it plays."""

    id: str
    profile: RigProfile
    style: Style = field(default_factory=Style)
    mirror: bool = False
    face: int = 0
    """Which performer it plays: 0 is the largest face."""


class Cast:
    """The characters of a scene, each ready to play."""

    def __init__(self, characters: Sequence[CastMember]) -> None:
        self._frames: dict[str, ControlFrame] = {}
        self._decoders = {}
        self.problems: list[str] = []
        """A sentence for each character that cannot play; the others do."""
        self.characters = tuple(characters)
        for member in characters:
            try:
                self._decoders[member.id] = load_decoder(member.profile)
            except SemblanceError as error:
                self.problems.append(str(error))

    def play(self, expressions: Mapping[int, Expression]) -> dict[str, ControlFrame]:
        """The controls of each character; one whose face is not among the expressions stays as it was.

        Args:
            expressions: face → what it means now, calibrated and smoothed.
        """
        for member in self.characters:
            decoder, expression = self._decoders.get(member.id), expressions.get(member.face)
            if decoder is not None and expression is not None:
                controls = member.profile.control_set
                track = act(stack([expression]), decoder, controls, member.style, member.mirror)
                self._frames[member.id] = ControlFrame(expression.time_s, track.values[0])
        return dict(self._frames)
