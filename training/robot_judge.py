"""Judges what leaves for a robot head, from the map file's numbers alone: none of addon.robot is used here.

    python -m training.robot_judge rigs/robots/maestro_head/actuators.toml

plays the board of the map's link behind a pseudo-terminal and prints the port. It decodes every byte by the vendors'
documents (tests/robot/boards.py), and when its stdin ends it prints what it counted as JSON.
"""
from __future__ import annotations

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

_WINDOWS = (1, 10)
"""Frames over which speed is judged."""
_EXACT = 1e-6
_TOGETHER = 500
"""Frames that are judged at once, which is faster."""


class Judge:
    """Counts what is outside travel, speed or caps, frame by frame."""

    def __init__(self, path: Path) -> None:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        rate, rows = data.get("loop", {}).get("rate_hz", 50), data["actuator"]
        self.link = next(iter(data["links"].values()))
        self.names = [row["name"] for row in rows]
        self._place = {row["channel"]: i for i, row in enumerate(rows)}
        self._low, self._neutral, self._high = (
            np.array([row["travel"][key] for row in rows], float) for key in ("low", "neutral", "high")
        )
        # A side without travel is never used: whatever is there is outside.
        self._above, self._below = (np.where(side > 0, side, np.inf) for side in (self._high - self._neutral,
                                                                                  self._neutral - self._low))
        self._lesser = np.minimum(self._above, self._below)
        self._sign = np.array([-1.0 if row.get("reversed") else 1.0 for row in rows])
        self._step = np.array([data["groups"][row["group"]]["speed"] / rate for row in rows])
        # What rounding to whole numbers may hide.
        self._half = np.array([0.5 if row["travel"]["unit"] in ("us", "tick") else 0.0 for row in rows])
        self._caps = []
        for rule in (rule for rule in data.get("rule", []) if rule["kind"] == "cap"):
            xs, ys = np.array(rule["curve"], float).T
            steepest = float(np.abs(np.diff(ys) / np.diff(xs)).max())
            self._caps.append((self.names.index(rule["of"]), rule["bound"], self.names.index(rule["when"]), xs, ys,
                               steepest))
        self._past = np.full((max(_WINDOWS), len(rows)), np.nan)
        """Raw values of the last frames; NaN where nothing was sent, or it was switched off since."""
        self._waiting: list[np.ndarray] = []
        self.frames = 0
        self.wrong: Counter[str] = Counter()
        self.examples: list[str] = []

    @property
    def channels(self) -> list[int]:
        """All that the map knows."""
        return list(self._place)

    def forget(self, channels: Iterable[int]) -> None:
        """They are switched off: where they are put next is no movement."""
        self._judge()
        self._past[:, [self._place[channel] for channel in channels]] = np.nan

    def frame(self, sent: Mapping[int, float]) -> None:
        """One frame as it was decoded; judged together with the next ones."""
        self.frames += 1
        raw = np.full(len(self.names), np.nan)
        for channel, value in sent.items():
            if channel in self._place:
                raw[self._place[channel]] = value
            else:
                self._blame("channel", f"{channel} is none of the map's")
        self._waiting.append(raw)
        if len(self._waiting) >= _TOGETHER:
            self._judge()

    def report(self) -> dict[str, object]:
        """What was counted."""
        self._judge()
        return {"frames": self.frames, "violations": sum(self.wrong.values()), "kinds": dict(self.wrong),
                "examples": self.examples}

    def _judge(self) -> None:
        if not self._waiting:
            return
        raw, new = np.stack([*self._past, *self._waiting]), len(self._waiting)
        self._past, self._waiting = raw[-max(_WINDOWS):].copy(), []
        u, hidden = self._u(raw)
        first = self.frames - len(raw) + 1
        outside = (raw < self._low - _EXACT) | (raw > self._high + _EXACT) | np.isinf(raw)
        self._blame_each("travel", outside, new, first, raw)
        for back in _WINDOWS:
            allowed = self._step * back + hidden[back:] + hidden[:-back]
            fast = np.zeros_like(outside)
            fast[back:] = np.abs(u[back:] - u[:-back]) > allowed
            self._blame_each("speed", fast, new, first, u)
        for of, bound, when, xs, ys, steepest in self._caps:
            limit = np.interp(u[:, when], xs, ys)
            over = limit - u[:, of] if bound == "low" else u[:, of] - limit
            broken = np.zeros_like(outside)
            broken[:, of] = over > hidden[:, of] + steepest * hidden[:, when]
            self._blame_each("cap", broken, new, first, u)

    def _u(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u [N], and what rounding may hide of it; beside the neutral the other side's scale may be meant."""
        away = raw - self._neutral
        side = np.where(away > 0, self._above, self._below)
        least = np.where(np.abs(away) <= 1, self._lesser, side)
        return self._sign * away / side, self._half / least + _EXACT

    def _blame_each(self, kind: str, where: np.ndarray, new: int, first: int, values: np.ndarray) -> None:
        """All that is true in the last `new` rows."""
        for row, i in np.argwhere(where[-new:]) + (len(where) - new, 0):
            before, now = values[row - 1, i], values[row, i]
            self._blame(kind, f"frame {first + row}: {self.names[i]} from {before:.3f} to {now:.3f}")

    def _blame(self, kind: str, text: str) -> None:
        self.wrong[kind] += 1
        if len(self.examples) < 20:
            self.examples.append(f"{kind}: {text}")


def main() -> int:
    """Play the board until stdin ends."""
    from tests.robot.boards import FeetechBoard, MaestroBoard

    judge = Judge(Path(sys.argv[1]))
    if judge.link["protocol"] == "maestro":
        board = MaestroBoard(24, judge.link.get("device", 12), judge.link.get("crc", False))

        def heard(frame: dict[int, int]) -> None:
            judge.forget([number for number, target in frame.items() if target == 0])
            if moving := {number: target / 4 for number, target in frame.items() if target}:
                judge.frame(moving)
    else:
        board = FeetechBoard(judge.channels)

        def heard(frame: dict[int, int]) -> None:
            for motor in board.motors.values():
                motor.moved.clear()
            # A goal switches the torque on, so even after a time without it the first one must be where it stood.
            judge.frame({number: float(goal) for number, goal in frame.items()})

    board.on_frame = heard
    with board:
        print(board.path, flush=True)
        sys.stdin.read()
        board.settle(30.0)
    print(json.dumps(judge.report() | {"errors": getattr(board, "errors", 0)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
