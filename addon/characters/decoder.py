"""The rig decoder: Expression → the controls of one character, by the small network of models/decoder_<name>."""
from __future__ import annotations

import numpy as np

from ..core.control_set import ControlSet
from ..core.errors import SemblanceError, require
from ..core.frames import ControlFrame, ControlTrack, Expression, ExpressionTrack, stack
from ..core.model_card import ModelCard, load_network
from ..core.rig_profile import RigProfile


class Decoder:
    """Turns expressions into values of a character's controls, in rig units and inside the limits."""

    def __init__(self, network: bytes, card: ModelCard, controls: ControlSet) -> None:
        onnxruntime = require("onnxruntime", "Decoding expressions to a character")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1     # 0.1 ms of work: threads would cost more than they save
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self.controls = controls
        self.stamp = card.stamp
        """What a take records about this decoder."""

    def decode(self, track: ExpressionTrack) -> ControlTrack:
        """Controls of every frame; values float32 [T, K] in profile order."""
        inputs = np.concatenate(
            [track.coefficients, track.gaze.reshape(len(track), 4), track.head], axis=1
        ).astype(np.float32)
        scaled = self._session.run(["controls"], {"expression": inputs})[0]
        return ControlTrack(track.times_s, self.controls.clamped(self.controls.unscaled(scaled)))

    def decode_one(self, expression: Expression) -> ControlFrame:
        """Controls of a single expression."""
        return ControlFrame(expression.time_s, self.decode(stack([expression])).values[0])


def load_decoder(profile: RigProfile) -> Decoder:
    """The shipped decoder of a character.

    Raises:
        SemblanceError: if there is none, or if the profile's controls are not the ones that it was trained for.
        MissingWheel: if onnxruntime is not there.
    """
    network, card = load_network(f"decoder_{profile.name.lower()}")
    return Decoder(network, check_controls(card, profile), profile.control_set)


def check_controls(card: ModelCard, profile: RigProfile) -> ModelCard:
    """The card again, if it was made for exactly this profile's controls and limits.

    Raises:
        SemblanceError: naming the first control that differs.
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
    return card


def _differs(card: ModelCard, profile: RigProfile, reason: str) -> SemblanceError:
    return SemblanceError(
        f"The decoder '{card.name}' was trained for other controls than '{profile.path}' names ({reason}); "
        "train it again for this rig or restore the profile."
    )
