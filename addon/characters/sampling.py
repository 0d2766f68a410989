"""Faces that a rig can make: values for all controls, singly, in groups, in plausible mixes, near given faces.

Values are drawn as shares: the way from a control's neutral to its maximum (+1) or minimum (-1), so that rigs with
other units and rest poses are drawn alike. What no face does is avoided: eyes look the same way, a lid is not wide and
shut at once, heads turn only so far that the face stays in sight.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.control_set import BoneChannel, Control, ControlSet

VERSION: Final = 1
"""Rises when the same seed gives other values than before."""
KINDS: Final = ("neutral", "single", "group", "mix", "pose", "take")
_SHARES: Final = (0.06, 0.16, 0.20, 0.28, 0.18, 0.12)
"""How often each kind is drawn; without key poses or takes these become mixes."""
_HEAD: Final = ("head", "neck")
_GAZE: Final = ("gaze", "eyes")
_HEAD_SHARE: Final = 0.6
_HEAD_RAD: Final = 0.45
"""A head turned farther hides half of the face."""
_EXCLUSIVE: Final = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("mouthPucker", "mouthStretchLeft"),
    ("mouthPucker", "mouthStretchRight"), ("eyeBlinkLeft", "eyeWideLeft"), ("eyeBlinkRight", "eyeWideRight"),
    ("mouthSmileLeft", "mouthFrownLeft"), ("mouthSmileRight", "mouthFrownRight"),
)
"""Movements of which a face makes one or the other."""
_OTHER: Final = {"In": "Out", "Out": "In", "Left": "Right", "Right": "Left"}


@dataclass(frozen=True)
class Sampler:
    """Draws faces of one character."""

    controls: ControlSet
    poses: np.ndarray
    """float32 [P, K], rig units: key poses, none if P is 0."""
    performance: np.ndarray
    """float32 [T, K], rig units: frames of takes decoded for this character, none if T is 0."""

    def draw(self, rng: np.random.Generator) -> tuple[str, np.ndarray]:
        """A kind of KINDS and the values float32 [K] of one face, in rig units and inside the limits."""
        kind = str(rng.choice(KINDS, p=self._kind_shares))
        shares = {
            "neutral": self._neutral, "single": self._single, "group": self._group, "mix": self._mix,
            "pose": self._near_pose, "take": self._near_take,
        }[kind](rng)
        if kind != "single" and (kind != "neutral" or rng.random() < 0.3):
            self._turn(rng, shares)
        shares[~self._enabled] = 0
        return kind, self.controls.from_shares(shares)

    @cached_property
    def _kind_shares(self) -> np.ndarray:
        found = np.array(_SHARES)
        for kind, source in (("pose", self.poses), ("take", self.performance)):
            if not len(source):
                found[KINDS.index("mix")] += found[KINDS.index(kind)]
                found[KINDS.index(kind)] = 0
        return found / found.sum()

    @cached_property
    def _enabled(self) -> np.ndarray:
        return np.array([control.enabled for control in self.controls.controls])

    @cached_property
    def _follower(self) -> np.ndarray:
        """int [K]: the column that moves along: the partner; for an eye that looks in, the other eye's look out."""
        found = self.controls.partner.copy()
        for signal, column in self._movements.items():
            if signal.startswith("eyeLook"):
                other = re.sub("In|Out|Left|Right", lambda word: _OTHER[word[0]], signal)
                found[column] = self._movements.get(other, column)
        return found

    @cached_property
    def _head(self) -> list[int]:
        """Columns that turn the head."""
        return [i for i, control in enumerate(self.controls.controls) if control.group.lower() in _HEAD]

    @cached_property
    def _gaze(self) -> list[int]:
        """Columns that turn the eyes; not what else is called gaze, such as a pupil's size, where the meaning tells."""
        return [
            i for i, control in enumerate(self.controls.controls) if control.group.lower() in _GAZE
            and (not control.meaning or any(signal.startswith("eyeLook") for signal in control.meaning))
        ]

    @cached_property
    def _face(self) -> np.ndarray:
        """Columns of what turns neither head nor eyes (all where nothing else is)."""
        found = [i for i in range(len(self.controls)) if i not in self._head + self._gaze]
        return np.array(found or range(len(self.controls)))

    @cached_property
    def _movements(self) -> dict[str, int]:
        """Coefficient → the column that carries it and nothing else, by meaning or by name."""
        return {signal: i for i, control in enumerate(self.controls.controls) if (signal := _signal(control))}

    def _neutral(self, _: np.random.Generator) -> np.ndarray:
        return np.zeros(len(self.controls))

    def _single(self, rng: np.random.Generator) -> np.ndarray:
        """One control, mostly with its other side; also head and gaze, moderately."""
        enabled = np.flatnonzero(self._enabled)
        return self._moved(rng, rng.choice(enabled, min(1, len(enabled)), replace=False))

    def _group(self, rng: np.random.Generator) -> np.ndarray:
        """About half of one or two groups."""
        groups = np.array([control.group for control in self.controls.controls])[self._face]
        chosen = rng.choice(np.unique(groups), min(len(np.unique(groups)), int(rng.integers(1, 3))), replace=False)
        return self._moved(rng, self._face[np.isin(groups, chosen) & (rng.random(len(groups)) < 0.5)])

    def _mix(self, rng: np.random.Generator) -> np.ndarray:
        """A few controls from anywhere in the face."""
        return self._moved(rng, rng.choice(self._face, min(len(self._face), int(rng.integers(1, 10))), replace=False))

    def _near_pose(self, rng: np.random.Generator) -> np.ndarray:
        """A key pose or its mirror image, weaker or stronger, sometimes on the way to another one."""
        shares = self.controls.shares(self.poses[rng.integers(len(self.poses))])
        if rng.random() < 0.3:
            share = rng.uniform(0.3, 0.7)
            shares = share * shares + (1 - share) * self.controls.shares(self.poses[rng.integers(len(self.poses))])
        if rng.random() < 0.5:
            shares = shares[self.controls.partner] * self.controls.mirror_sign
        return self._loosened(rng, shares * rng.uniform(0.4, 1.1))

    def _near_take(self, rng: np.random.Generator) -> np.ndarray:
        """A frame of a performance, weaker or stronger, sometimes with half of another one."""
        shares = self.controls.shares(self.performance[rng.integers(len(self.performance))]) * rng.uniform(0.7, 1.4)
        if rng.random() < 0.25:
            shares = shares + 0.5 * self.controls.shares(self.performance[rng.integers(len(self.performance))])
        return self._loosened(rng, shares)

    def _loosened(self, rng: np.random.Generator, shares: np.ndarray) -> np.ndarray:
        """Some controls of the face a little elsewhere; none on the wrong side of a one-sided range."""
        some = self._face[rng.random(len(self._face)) < 0.15]
        shares[some] += rng.normal(0, 0.1, len(some))
        return np.clip(shares, -1, 1)

    def _moved(self, rng: np.random.Generator, columns: np.ndarray) -> np.ndarray:
        """Strengths on `columns` and mostly on their other sides: alike, on one side more, or each its own."""
        shares = np.zeros(len(self.controls))
        sides = rng.choice(["alike", "one", "own"], p=[0.65, 0.2, 0.15])
        loose, weaker = rng.choice([0.0, 0.1]), rng.choice([0.0, rng.uniform(0, 0.5)])
        for i in rng.permutation(columns):
            if shares[i] and sides != "own":
                continue        # it followed its other side
            shares[i] = self._strength(rng, i)
            j = self._follower[i]
            if j != i and sides != "own":
                alike = shares[i] * (1 if i in self._gaze else self.controls.mirror_sign[i])
                shares[j] = alike * weaker if sides == "one" else alike + rng.uniform(-loose, loose)
        self._settle(rng, shares)
        return np.clip(shares, -1, 1)

    def _strength(self, rng: np.random.Generator, column: int) -> float:
        """A share in a direction that the control has: now and then full, often faint."""
        how = rng.random()
        strength = 1.0 if how < 0.15 else rng.uniform(0.03, 0.3) if how < 0.35 else rng.beta(1.2, 1.2)
        control = self.controls.controls[column]
        if column in self._head:
            strength *= self._head_reach(control)
        up, down = control.maximum > control.neutral, control.minimum < control.neutral
        return strength * (rng.choice([-1, 1]) if up and down else 1 if up else -1)

    def _settle(self, rng: np.random.Generator, shares: np.ndarray) -> None:
        """Take out what a face does not do at once, where the controls' meaning is known."""
        for one, other in _EXCLUSIVE:
            i, j = self._movements.get(one), self._movements.get(other)
            if i is not None and j is not None and shares[i] and shares[j]:
                shares[rng.choice([i, j])] = 0
        close, jaw = self._movements.get("mouthClose"), self._movements.get("jawOpen")
        if close is not None and jaw is not None and shares[close]:
            # lips only close over a jaw that is open
            opens = 1 if self.controls.maximum[jaw] > self.controls.neutral[jaw] else -1
            shares[jaw] = opens * max(abs(shares[jaw]), abs(shares[close]))

    def _turn(self, rng: np.random.Generator, shares: np.ndarray) -> None:
        """Turn head and eyes a little, each in half of the faces, where the face does not say it already."""
        head = self._head
        reach = np.array([self._head_reach(self.controls.controls[i]) for i in head])
        if rng.random() < 0.5 and not shares[head].any():
            shares[head] = rng.normal(0, 0.45, len(head)) * reach
        shares[head] = np.clip(shares[head], -reach, reach)
        if rng.random() < 0.5 and not shares[self._gaze].any():
            self._look(rng, shares)

    def _head_reach(self, control: Control) -> float:
        """The largest share of a head control that keeps the face in sight."""
        if not (isinstance(control.target, BoneChannel) and control.target.channel == "rotation_euler"):
            return _HEAD_SHARE
        farthest = max(control.maximum - control.neutral, control.neutral - control.minimum)
        return min(_HEAD_SHARE, _HEAD_RAD / farthest)

    def _look(self, rng: np.random.Generator, shares: np.ndarray) -> None:
        """Both eyes somewhere: by the controls' meaning where they have one, else the same share on both sides."""
        yaw, pitch = np.clip(rng.normal(0, 0.4, 2), -1, 1)
        signals = {
            "eyeLookOutLeft": yaw, "eyeLookInRight": yaw, "eyeLookInLeft": -yaw, "eyeLookOutRight": -yaw,
            "eyeLookUpLeft": pitch, "eyeLookUpRight": pitch, "eyeLookDownLeft": -pitch, "eyeLookDownRight": -pitch,
        }
        for i in self._gaze:
            control = self.controls.controls[i]
            if control.meaning:
                moved = sum(amount * max(0.0, signals.get(name, 0.0)) for name, amount in control.meaning.items())
                shares[i] = self.controls.shares(self.controls.neutral + np.eye(len(self.controls))[i] * moved)[i]
            elif i <= self.controls.partner[i]:
                shares[i] = shares[self.controls.partner[i]] = np.clip(rng.normal(0, 0.4), -1, 1)
        shares[self._gaze] += rng.normal(0, 0.02, len(self._gaze)) * (shares[self._gaze] != 0)


def _signal(control: Control) -> str:
    """The one coefficient that the control carries, by its meaning or else its name ("mouth_close"); "" if none."""
    if len(control.meaning) == 1:
        return next(iter(control.meaning))
    words = re.sub(r"_(\w)", lambda match: match[1].upper(), control.name)
    return words if words in coefficients.NAMES else ""
