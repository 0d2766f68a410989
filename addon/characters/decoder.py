"""The rig decoder: Expression → the controls of one character, by the small network of models/decoder_<name>.

A character without a network is decoded by what was learned of its controls (`learned_rig`) or by what its profile says
that they mean (`meaning_decoder`).
"""
from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.frames import ControlFrame, ControlTrack, Expression, ExpressionTrack, stack
from ..core.model_card import ModelCard
from ..core.network import Network
from ..core.paths import MODELS
from ..core.rig_profile import RigProfile
from .learned_rig import LearnedDecoder, learned_path, read_learned
from .meaning_decoder import MeaningDecoder
from .rig_lips import FILE as LIPS_FILE
from .rig_lips import RigLips, read_lips

_INPUTS = coefficients.COUNT + 4 + 3
"""Coefficients, gaze of both eyes, head."""


class Decoder:
    """Turns expressions into values of a character's controls, in rig units and inside the limits.

    What a user sets on single controls comes later (`acting`).
    """

    def __init__(self, model: str | Path, profile: RigProfile) -> None:
        """Load a shipped network by its name or one in a folder.

        Raises:
            SemblanceError: if it or onnxruntime cannot be loaded, or it was made for other controls.
        """
        self.lips = _lips_of(profile)
        self._network = Network(model, "Decoding expressions to a character")
        check_controls(self._network.card, profile)
        controls = self.controls = profile.control_set
        self._network.expect("decoder", {"expression": (-1, _INPUTS)}, {"controls": (-1, len(controls))})
        self.stamp = self._network.card.stamp
        """What a take records about this decoder."""

    def decode(self, track: ExpressionTrack) -> ControlTrack:
        """Controls of every frame; values float32 [T, K] in profile order."""
        inputs = np.concatenate(
            [track.coefficients, track.gaze.reshape(len(track), 4), track.head], axis=1
        ).astype(np.float32)
        scaled, = self._network.run(["controls"], expression=inputs)
        return ControlTrack(track.times_s, self.controls.clamped(self.controls.unscaled(scaled)))

    def decode_one(self, expression: Expression) -> ControlFrame:
        """Controls of a single expression."""
        return ControlFrame(expression.time_s, self.decode(stack([expression])).values[0])


def load_decoder(profile: RigProfile) -> Decoder | LearnedDecoder | MeaningDecoder:
    """What was learned of the character, else its network, else what its profile says that the controls mean.

    Learning is asked for by the user, so it comes first.

    Raises:
        SemblanceError: if there is none of these, or it was made for other controls.
        MissingWheel: if the network needs onnxruntime, which is not there.
    """
    learned = learned_path(profile.path)
    if learned.is_file():
        return LearnedDecoder(profile.control_set, read_learned(learned, profile.control_set))
    folder = MODELS / f"decoder_{profile.name.lower()}"
    # A user's own rig may have any name, also that of a character of ours or one that is no file name.
    shipped = folder.parent == MODELS and folder.is_dir()
    if not shipped or profile.blend is None:
        if any(control.meaning and control.enabled for control in profile.control_set.controls):
            return MeaningDecoder(profile.control_set, _lips_of(profile))
        raise SemblanceError(
            f"The character '{profile.name}' has no decoder ('{folder.name}') and none of its controls that are "
            "switched on has a meaning; switch controls with a meaning on, or give them one in its profile."
        )
    return Decoder(folder, profile)


def _lips_of(profile: RigProfile) -> RigLips | None:
    """The lips of a character of ours; None if nobody measured them."""
    if profile.blend is None:  # beside a user's presets a file of that name would be another preset
        return None
    path = profile.path.with_name(LIPS_FILE)
    return read_lips(path, profile.control_set) if path.is_file() else None


def check_controls(card: ModelCard, profile: RigProfile) -> None:
    """Raise SemblanceError, naming the first control that differs, unless the network was made for exactly this
    profile's controls and limits.
    """
    controls = profile.control_set
    names = card.data.get("controls", [])
    for trained, own in zip([*names, *[None] * len(controls)], controls.names, strict=False):
        if trained != own:
            found = f"has '{trained}'" if trained else "has no control"
            raise _differs(card, profile, f"where '{own}' belongs it {found}")
    if len(names) > len(controls):
        raise _differs(card, profile, f"it also has '{names[len(controls)]}'")
    for key in ("minimum", "maximum", "neutral"):
        trained = np.asarray(card.data.get(key, []), np.float32)
        if trained.shape != (len(controls),):
            raise _differs(card, profile, f"its card lacks '{key}'")
        wrong = np.flatnonzero(np.abs(trained - getattr(controls, key)) > 1e-5)
        if len(wrong):
            raise _differs(card, profile, f"'{key}' of '{controls.names[wrong[0]]}' is {trained[wrong[0]]:g} there")


def _differs(card: ModelCard, profile: RigProfile, reason: str) -> SemblanceError:
    return SemblanceError(
        f"The decoder '{card.name}' was trained for other controls than '{profile.path}' names ({reason}); "
        "train it again for this rig or restore the profile."
    )
