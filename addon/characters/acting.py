"""From an expression to a character's controls: what all decoders share, before and after they decode."""
from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from ..core.control_set import ControlSet
from ..core.frames import ControlTrack, ExpressionTrack
from .lid_contact import shutting
from .lip_contact import parted, touching
from .rig_lips import RigLips
from .style import Style, styled


class Decodes(Protocol):
    """A decoder of one character."""

    lips: RigLips | None
    """The character's own lips, where they were measured."""

    def decode(self, track: ExpressionTrack) -> ControlTrack:
        """Controls of every frame; values float32 [T, K] in rig units."""


def act(
    track: ExpressionTrack, decoder: Decodes, controls: ControlSet, style: Style = Style(), mirror: bool = False
) -> ControlTrack:
    """Let lips and lids that nearly touch touch, give the performance its style, decode it, and adjust each control.

    Args:
        track: calibrated and smoothed.
        mirror: the whole performance as seen in a mirror.
    """
    shut = shutting(track.coefficients)
    played = decoder.decode(styled(replace(track, coefficients=touching(shut)), style))
    if decoder.lips is not None:
        played = replace(played, values=decoder.lips.held(played.values, parted(shut), controls))
    return adjusted(played, controls, mirror)


def adjusted(track: ControlTrack, controls: ControlSet, mirror: bool = False) -> ControlTrack:
    """What the user has set on each control: mirrored or not, then its gain, its offset, its limits; or muted.

    In a performance that is mirrored as a whole, a control that is mirrored by itself keeps its own side.
    """
    each = controls.controls
    swapped = np.array([control.mirrored for control in each]) != mirror
    values = np.where(swapped, controls.mirrored(track.values), track.values)
    gain = np.array([control.gain for control in each], np.float32)
    offset = np.array([control.offset for control in each], np.float32)
    values = controls.clamped(controls.neutral + gain * (values - controls.neutral) + offset)
    muted = np.array([control.muted for control in each])
    return replace(track, values=np.where(muted, controls.neutral, values).astype(np.float32))
