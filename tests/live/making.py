"""Performers made for tests: what they do is written as a function of time."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from addon.core.coefficients import COUNT, INDEX
from addon.core.frames import EMBEDDING_SIZE, Expression
from addon.expression.encoder import Encoder
from addon.live.live_performance import LivePerformance, Moment


@cache
def encoder() -> Encoder:
    """The shipped one, loaded once."""
    return Encoder()


def a_performance() -> LivePerformance:
    """A performer of whom only `hear` and `miss` are used."""
    return LivePerformance(encoder())


def an_expression(time_s: float, confidence: float = 1.0, head: float = 0.0, **values: float) -> Expression:
    """Zeros but for the coefficients that are named; the head's yaw."""
    coefficients = np.zeros(COUNT, np.float32)
    for name, value in values.items():
        coefficients[INDEX[name]] = value
    return Expression(
        time_s, coefficients, np.zeros(EMBEDDING_SIZE, np.float32), np.zeros((2, 2), np.float32),
        np.array([head, 0, 0], np.float32), confidence,
    )


def heard(performance: LivePerformance, times_s: Iterable[float], **values: Callable[[float], float] | float
          ) -> list[Moment]:
    """What becomes of coefficients (numbers or functions of time) at these times."""
    return [
        performance.hear(an_expression(t, **{name: v(t) if callable(v) else v for name, v in values.items()}))
        for t in times_s
    ]


def column(moments: Iterable[Moment], name: str) -> np.ndarray:
    """One coefficient of what is played, over time."""
    return np.array([moment.expression.coefficients[INDEX[name]] for moment in moments])
