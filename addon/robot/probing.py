"""What answers on one port, in one protocol: only questions are sent, and nothing moves."""
from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from ..core.finding import Finding
from .links import ActuatorLimits, LinkSettings
from .links.maestro import TwoByteReader
from .links.serial_port import SerialPort
from .protocols import dynamixel, feetech, maestro, sketch, table

_SLOW_RETURN: Final = 20
"""Of a Dynamixel's return delay, 2 us each: above it, reading 25 motors takes longer than a tick."""
_ALL_S: Final = 0.9
"""To a ping of all, each Dynamixel waits for its turn, the highest ids for most of a second."""
_FEW_S: Final = 0.3
"""At other rates than the map's the low ids are enough."""
_STARTS_TRIES: Final = 12
"""Quarters of a second: opening the port restarts most Arduinos, which then keep quiet for two seconds."""
_ALL_SERVOS: Final = 254
_LOW_SERVOS: Final = 32
"""Feetech ids that are asked one by one, at the map's rate and at others."""
_EACH_S: Final = 0.006
_LATE_S: Final = 0.1
"""A servo answers within a millisecond, but many USB adapters gather what comes for 16 ms, and a computer is busy."""
_VALUE_S: Final = 0.3
"""For a servo that is known to be there: only a broken answer takes so long."""

Channels = Mapping[int, ActuatorLimits]


@contextlib.contextmanager
def _opened(settings: LinkSettings, baud: int) -> Iterator[SerialPort]:
    port = SerialPort(settings.port, baud)
    port.open()
    try:
        yield port
    finally:
        port.close()


def ask_maestro(settings: LinkSettings, channels: Channels) -> Iterator[Finding]:
    """Whether a Maestro answers, what it reports, which of the map's channels have pulses."""
    spoken = maestro.Maestro(settings.dialect or "pololu", settings.device, settings.crc)
    with _opened(settings, settings.baud) as port:
        answers = port.ask(spoken.get_errors(), TwoByteReader(), 1, 0.2)
        if not answers:
            yield Finding(
                "PROBLEM", f"No Maestro answers on '{settings.port}'.",
                f"In Maestro Control Center: serial mode 'USB Dual Port', device number {spoken.device}, CRC "
                f"{'on' if spoken.crc else 'off'}; take the Command Port, the lower number of its two.")
            return
        yield Finding("ok", f"a Maestro answers on '{settings.port}' to device number {spoken.device}")
        for words in maestro.errors_in_words(maestro.word(answers[0])):
            yield Finding("note", f"Since it was last asked it reported {words}.")
        awake = [channel for channel in channels
                 if any(maestro.word(each) for each in port.ask(spoken.get_position(channel), TwoByteReader(), 1, 0.1))]
    if channels:
        on = f"pulses are on for the channels {', '.join(map(str, awake))}"
        yield Finding("ok", on if awake else "no channel of the map has pulses")
    yield Finding("note", "Its watchdog is its serial timeout, which only Maestro Control Center sees and sets.",
                  "Make it 0.3 s, and every channel 'Off' on startup or error.")


def ask_sketch(settings: LinkSettings, channels: Channels) -> Iterator[Finding]:
    """Whether our sketch answers, which one, how it is."""
    reader = sketch.FrameReader()
    with _opened(settings, settings.baud) as port:
        tries = (port.ask(sketch.hello(), reader, 1, 0.25) for _ in range(_STARTS_TRIES))
        hello = next((each for answers in tries for each in answers), None)
        state = next(iter(port.ask(sketch.query(), reader, 1, 0.25)), None)
    if not isinstance(hello, sketch.Hello):
        yield Finding("PROBLEM", f"Semblance's sketch does not answer on '{settings.port}' at {settings.baud} baud.",
                      "Upload rigs/robots/firmware/semblance_head; its baud rate is 115200.")
        return
    yield Finding("ok", f"Semblance's sketch, version {hello.version}, {hello.servos} servos, lets go after "
                        f"{hello.watchdog_ms} ms of silence")
    if hello.version != sketch.VERSION:
        yield Finding("PROBLEM", f"This Semblance speaks version {sketch.VERSION}.", "Upload the sketch again.")
    if isinstance(state, sketch.State):
        yield Finding("ok", f"servos {'attached' if state.attached else 'detached'}; {state.wrong_frames} damaged "
                            f"frames and {state.clamped} clamped pulses since it started")
    for channel in (each for each in channels if each >= hello.servos):
        yield Finding("PROBLEM", f"The map's {_label(channel, channels)} is not in the sketch's table.")


def ask_dynamixel(settings: LinkSettings, channels: Channels) -> Iterator[Finding]:
    """Every motor at the map's rate; if none is there, at which rate they answer."""
    reader, motors = dynamixel.StatusReader(), {}
    for baud in dict.fromkeys((settings.baud, *table("dynamixel")["baud_rates"])):
        with _opened(settings, baud) as port:
            answers = port.ask(dynamixel.ping(), reader, 253, _ALL_S if baud == settings.baud else _FEW_S)
            motors = {answer.ident: answer for answer in answers if len(answer.params) == 3}
            if motors and baud == settings.baud:
                for ident, answer in sorted(motors.items()):
                    yield from _motor(port, reader, ident, answer, channels)
        if motors:
            break
    yield from _who_is_missing(settings, baud, set(motors), channels)


def _motor(
    port: SerialPort, reader: dynamixel.StatusReader, ident: int, pong: dynamixel.Status, channels: Channels
) -> Iterator[Finding]:
    def value(name: str) -> int | None:
        place = dynamixel.register(name)
        for answer in port.ask(dynamixel.read(ident, place), reader, 1, _VALUE_S):
            if answer.ident == ident and len(answer.params) == place.size:
                return answer.number(signed=name == "present_position")
        return None

    model, label = int.from_bytes(pong.params[:2], "little"), _label(ident, channels)
    name = dynamixel.model_name(model)
    text = f"{label}: {name or 'no X-series motor'} ({model}), firmware {pong.params[2]}"
    if name is None:
        yield Finding("PROBLEM", f"{text}.", "Its registers are elsewhere; Semblance drives the X series.")
        return
    yield _standing(text, value)
    wanted = channels[ident].model if ident in channels else None
    if wanted is not None and wanted != model:
        yield Finding("PROBLEM", f"{label} should be {dynamixel.model_name(wanted) or 'model'} ({wanted}) by the map.")
    for words in dynamixel.hardware_errors_in_words(value("hardware_error") or 0):
        yield Finding("PROBLEM", f"{label} reports: {words}.", "Find the cause, then switch its supply off and on.")
    if value("operating_mode") not in (None, table("dynamixel")["position_mode"]):
        yield Finding("PROBLEM", f"{label} is not in position mode.", "Set it in Dynamixel Wizard.")
    if (value("return_delay") or 0) > _SLOW_RETURN:
        yield Finding("note", f"{label} waits before it answers.", "Set its return delay to 0 in Dynamixel Wizard.")


def ask_feetech(settings: LinkSettings, channels: Channels) -> Iterator[Finding]:
    """Every servo at the map's rate; if none is there, at which rate they answer."""
    reader, found = feetech.AnswerReader(), set()
    for baud in dict.fromkeys((settings.baud, *table("feetech")["baud_rates"])):
        usual = baud == settings.baud
        with _opened(settings, baud) as port:
            asked = sorted({*range(_ALL_SERVOS if usual else _LOW_SERVOS), *channels})
            found = _who_answers(port, reader, asked)
            for ident in sorted(found) if usual else ():
                yield from _servo(port, reader, settings.protocol, ident, channels)
        if found:
            break
    yield from _who_is_missing(settings, baud, found, channels)
    if found:
        yield Finding("note", "These servos have no watchdog: when the program is killed, they hold.",
                      "Keep the switch of their supply in reach.")


def _who_answers(port: SerialPort, reader: feetech.AnswerReader, asked: Iterable[int]) -> set[int]:
    """The Feetech ids that answer a ping; an answer may come while the next ids are already being asked."""
    found: set[int] = set()

    def listen(within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            found.update(answer.ident for answer in reader.feed(port.read()))

    reader.clear()
    port.discard_input()
    for ident in asked:
        port.write(feetech.ping(ident))
        listen(_EACH_S)
    listen(_LATE_S)
    return found


def _servo(
    port: SerialPort, reader: feetech.AnswerReader, series_name: str, ident: int, channels: Channels
) -> Iterator[Finding]:
    def bytes_of(place: feetech.Register) -> bytes:
        for answer in port.ask(feetech.read(ident, place), reader, 1, _VALUE_S):
            if answer.ident == ident and len(answer.params) == place.size:
                errors.update(feetech.errors_in_words(answer.errors))
                return answer.params
        return b""

    errors: set[str] = set()
    label, model = _label(ident, channels), bytes_of(feetech.Series(series_name).register("model_number"))
    series = feetech.series_of(model)
    if series is None:
        yield Finding("PROBLEM", f"{label}: {feetech.model_name(model) if model else 'no model number'}.",
                      "Semblance does not know this series; nothing will be written to it.")
        return
    own = feetech.Series(series)

    def value(name: str) -> int | None:
        place = own.register(name)
        return place.decode(read) if (read := bytes_of(place)) else None

    firmware = ".".join(map(str, bytes_of(own.register("firmware")))) or "?"
    yield _standing(f"{label}: {feetech.model_name(model)}, firmware {firmware}", value)
    if series != series_name:
        yield Finding("PROBLEM", f"{label} is of the series {series}, the map says {series_name}.",
                      "Correct the protocol in the map: the two store their numbers the other way round.")
    wanted = channels[ident].model if ident in channels else None
    if wanted is not None and wanted != int.from_bytes(model, "little"):
        yield Finding("PROBLEM", f"{label} should be {feetech.model_name(wanted)} by the map.")
    for words in sorted(errors):
        yield Finding("PROBLEM", f"{label} reports: {words}.")


def _who_is_missing(settings: LinkSettings, baud: int, found: set[int], channels: Channels) -> Iterator[Finding]:
    """Nobody, all at another rate, or some of the map's."""
    if not found:
        rates = ", ".join(map(str, table("feetech" if "feetech" in settings.protocol else "dynamixel")["baud_rates"]))
        yield Finding("PROBLEM", f"No servo answers on '{settings.port}', at {settings.baud} baud or any of {rates}.",
                      "Is their supply on, the data cable in, the adapter the right one?")
    elif baud != settings.baud:
        yield Finding("PROBLEM", f"Servos {', '.join(map(str, sorted(found)))} answer at {baud} baud, not at "
                                 f"{settings.baud}.", f"Set baud = {baud} in the map, or change it in the servos.")
    else:
        for ident in (each for each in channels if each not in found):
            yield Finding("PROBLEM", f"{_label(ident, channels)} of the map does not answer.", "Its cable, or its id?")
        if channels and (more := sorted(found - channels.keys())):
            yield Finding("note", f"Servos {', '.join(map(str, more))} answer, but the map does not use them.")


def _standing(text: str, value: Callable[[str], int | None]) -> Finding:
    """How a bus servo is; both kinds say tenths of a volt and degrees."""
    torque = {None: "?", 0: "off"}.get(value("torque_enable"), "on")
    return Finding("ok", f"{text}, {_number(value('voltage'), 0.1)} V, {_number(value('temperature'))} °C, stands at "
                         f"{_number(value('present_position'))}, torque {torque}")


def _label(ident: int, channels: Channels) -> str:
    name = channels[ident].name if ident in channels else ""
    return f"servo {ident} ('{name}')" if name else f"servo {ident}"


def _number(value: int | None, scale: float = 1) -> str:
    return "?" if value is None else f"{value * scale:g}"
