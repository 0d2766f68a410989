from __future__ import annotations

import typing

import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.core.messages import Message, Unpacker, pack
from addon.robot.messages import Command, Report, Sent, Target, from_message, to_message

u = np.array([0.5, np.nan])
SAID = {
    "token": "abc", "name": "a test", "held": True, "reason": "why", "names": ("a", "b"), "time_s": 1.5, "sequence": 3,
    "values": u, "times_s": u, "actuator": "jaw", "u": 0.5, "port": 80, "character": "Pip", "face": 1, "state": "LIMP",
    "robot": "desk_head", "rate_hz": 50.0, "jitter_ms": 0.1, "accepted": 1, "refused": 2, "wanted": u, "shaped": u,
    "sent": u, "raw": u, "read": u,
}


@pytest.mark.parametrize("kind", [*typing.get_args(Command), *typing.get_args(Report)], ids=lambda k: k.__name__)
def test_everything_that_is_said_is_heard_as_it_was(kind):
    given = {key: SAID[key] for key in kind.__dataclass_fields__ if key in SAID}
    if kind.__name__ == "Play":
        given["values"] = np.zeros((2, 2), np.float32)
    said = kind(**given)
    heard, = map(from_message, Unpacker().feed(pack(to_message(said))))
    for key in kind.__dataclass_fields__:
        one, other = getattr(said, key), getattr(heard, key)
        assert np.array_equal(one, other, equal_nan=isinstance(one, np.ndarray)), key


def test_what_is_not_known_is_refused():
    for message in (Message("Dance"), Message("Stop", {"why": "x"}), Message("Arm", {"held": 1}), Message("Target"),
                    Message("Sent", {"time_s": 1.0}, {"wanted": np.zeros((2, 2), np.float32)})):
        with pytest.raises(SemblanceError, match="The other side says"):
            from_message(message)


def test_a_frame_for_a_hundred_motors_is_small():
    target = Target(tuple(f"control {i}" for i in range(100)), 0.0, 1, np.zeros(100))
    assert len(pack(to_message(target))) < 3000
    assert len(pack(to_message(Sent(0.0, *(np.zeros(100),) * 5)))) < 3000
