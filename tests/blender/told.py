"""A client of a child process without the process: it remembers what it is told, and says what it is given."""
from __future__ import annotations


class Told:
    """What the live worker's client and that of a robot head have in common."""

    def __init__(self, update: type) -> None:
        self.state, self.sentence = "connected", ""
        self.told: list[object] = []
        self._update = update
        self.next = update()

    def send(self, command: object) -> None:
        self.told.append(command)

    def poll(self) -> object:
        found, self.next = self.next, self._update()
        return found

    def kinds(self) -> list[str]:
        return [type(each).__name__ for each in self.told]

    def last(self, kind: str) -> object:
        return next(each for each in reversed(self.told) if type(each).__name__ == kind)
