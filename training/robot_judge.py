"""Judges what leaves for a robot head, from the map file's numbers alone: none of addon.robot is used here.

    python -m training.robot_judge rigs/robots/maestro_head/actuators.toml

plays the board of the map's link behind a pseudo-terminal and prints the port. It decodes every byte by the vendors'
documents (tests/robot/boards.py), and when its stdin ends it prints what it counted as JSON.
"""
from __future__ import annotations

import json
import sys
import tomllib
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

_WINDOWS = (1, 10)
"""Frames over which speed is judged."""
_EXACT = 1e-6


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
        self._past: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=max(_WINDOWS))
        """(u, what rounding may hide of it), NaN for channels that got nothing."""
        self.frames = 0
        self.wrong: Counter[str] = Counter()
        self.examples: list[str] = []

    @property
    def channels(self) -> list[int]:
        """All that the map knows."""
        return list(self._place)

    def forget(self, channels: Iterable[int]) -> None:
        """They are switched off: where they are put next is no movement."""
        for u, _ in self._past:
            u[[self._place[channel] for channel in channels]] = np.nan

    def frame(self, sent: Mapping[int, float]) -> None:
        """One frame as it was decoded."""
        self.frames += 1
        raw = np.full(len(self.names), np.nan)
        for channel, value in sent.items():
            if channel in self._place:
                raw[self._place[channel]] = value
            else:
                self._blame("channel", f"{channel} is none of the map's")
        outside = (raw < self._low - _EXACT) | (raw > self._high + _EXACT) | np.isinf(raw)
        for i in np.flatnonzero(outside) if outside.any() else ():
            self._blame("travel", f"{self.names[i]} {raw[i]} outside {self._low[i]}..{self._high[i]}")
        u, hidden = self._u(raw)
        for back in _WINDOWS:
            if len(self._past) >= back:
                before, before_hidden = self._past[-back]
                fast = np.abs(u - before) > self._step * back + hidden + before_hidden
                for i in np.flatnonzero(fast) if fast.any() else ():
                    self._blame("speed", f"{self.names[i]} {before[i]:.3f} to {u[i]:.3f} in {back} frames")
        self._past.append((u, hidden))
        for of, bound, when, xs, ys, steepest in self._caps:
            limit = np.interp(u[when], xs, ys)
            over = limit - u[of] if bound == "low" else u[of] - limit
            if over > hidden[of] + steepest * hidden[when]:
                self._blame("cap", f"{self.names[of]} at {u[of]:.3f}, {bound} bound {limit:.3f}")

    def _u(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u [N], and what rounding may hide of it; beside the neutral the other side's scale may be meant."""
        away = raw - self._neutral
        side = np.where(away > 0, self._above, self._below)
        least = np.where(np.abs(away) <= 1, self._lesser, side)
        return self._sign * away / side, self._half / least + _EXACT

    def _blame(self, kind: str, text: str) -> None:
        self.wrong[kind] += 1
        if len(self.examples) < 20:
            self.examples.append(f"frame {self.frames}: {kind}: {text}")

    def report(self) -> dict[str, object]:
        """What was counted."""
        return {"frames": self.frames, "violations": sum(self.wrong.values()), "kinds": dict(self.wrong),
                "examples": self.examples}


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
        board.settle()
    print(json.dumps(judge.report() | {"errors": getattr(board, "errors", 0)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
