"""Who plays: several characters at once, each with its own decoder or C-MLP link, style, mirror and face."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..characters.acting import Decodes, act, adjusted
from ..characters.decoder import load_decoder
from ..characters.kept_transfer import kept_transfer
from ..characters.learned_rig import learned_path
from ..characters.style import Style
from ..characters.transfer import Transfer, read_transfer
from ..core.errors import SemblanceError
from ..core.frames import ControlFrame, ControlTrack, Expression, stack
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
    leader: str = ""
    """The id of another character whose performance this one takes over by a C-MLP; "" = it has its own decoder."""
    transfer: Path | None = None
    """The C-MLP's file, for one with a leader; None = the one kept of both, learned in seconds the first time."""


class Cast:
    """The characters of a scene, each ready to play."""

    def __init__(self, characters: Sequence[CastMember], earlier: Cast | None = None) -> None:
        """Load what each needs, unless an `earlier` cast has it; who is in both goes on from where it was."""
        self.characters = tuple(characters)
        self.problems: list[str] = []
        """A sentence for each character that cannot play; the others do."""
        self._parts: dict[str, tuple[object, Decodes | Transfer]] = {}
        known = earlier._parts if earlier else {}
        for member in characters:
            try:
                needs = self._needs(member)
                needed, part = known.get(member.id, (None, None))
                self._parts[member.id] = needs, part if part and needed == needs else self._learned(member)
            except SemblanceError as error:
                self.problems.append(str(error))
        frames: dict[str, ControlFrame] = earlier._frames if earlier else {}
        self._frames: dict[str, ControlFrame] = {name: frame for name, frame in frames.items() if name in self._parts}

    @property
    def faces(self) -> set[int]:
        """The performers whom somebody plays."""
        return {member.face for member in self.characters if not member.leader}

    def play(self, expressions: Mapping[int, Expression]) -> dict[str, ControlFrame]:
        """The controls of each character; one whose face is not among the expressions stays as it was.

        Args:
            expressions: face → what it means now, calibrated and smoothed.
        """
        for member in self.characters:
            part, expression = self._part(member), expressions.get(member.face)
            if part is not None and not isinstance(part, Transfer) and expression is not None:
                controls = member.profile.control_set
                track = act(stack([expression]), part, controls, member.style, member.mirror)
                self._frames[member.id] = ControlFrame(expression.time_s, track.values[0])
        for member in self.characters:
            part, lead = self._part(member), self._frames.get(member.leader)
            if isinstance(part, Transfer) and lead is not None:
                self._frames[member.id] = _following(part, lead, member)
        return dict(self._frames)

    def _part(self, member: CastMember) -> Decodes | Transfer | None:
        return self._parts.get(member.id, (None, None))[1]

    def _needs(self, member: CastMember) -> tuple[object, ...]:
        """What must be the same for a decoder or a C-MLP to be used again."""
        profiles = [member.profile, *([self._leader(member).profile] if member.leader else [])]
        files = [learned_path(profile.path) for profile in profiles]
        files += [member.transfer] if member.transfer else []
        return profiles, [(file, file.stat().st_mtime if file.is_file() else None) for file in files]

    def _leader(self, member: CastMember) -> CastMember:
        for each in self.characters:
            if each.id == member.leader and not each.leader:
                return each
        raise SemblanceError(
            f"'{member.profile.name}' is to follow '{member.leader}', which is no character with a decoder of its own "
            "here; choose another leader."
        )

    def _learned(self, member: CastMember) -> Decodes | Transfer:
        """The decoder, or what carries the leader's controls to this character."""
        if not member.leader:
            return load_decoder(member.profile)
        one, other = self._leader(member).profile, member.profile
        if member.transfer:
            return read_transfer(member.transfer, one, other)
        return kept_transfer(one, other)


def _following(transfer: Transfer, lead: ControlFrame, member: CastMember) -> ControlFrame:
    """What the leader plays, on this character."""
    frame = transfer.transfer_one(lead)
    track = ControlTrack(np.array([frame.time_s]), frame.values[None])
    return ControlFrame(frame.time_s, adjusted(track, member.profile.control_set, member.mirror).values[0])
