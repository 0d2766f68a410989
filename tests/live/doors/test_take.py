"""A take straight from another tracker, as `semblance track livelink://... --end 20` records it."""
import threading
import time

import numpy as np
import pytest

from addon.core.coefficients import INDEX
from addon.core.errors import SemblanceError
from addon.live import performance
from addon.live.doors import open_door
from addon.live.performance import record_take

from .making import Phone, live_link_packet

FPS = 60


@pytest.fixture
def address():
    with open_door("livelink://:0") as door:
        return f"livelink://:{door.port}"


def sending(address: str, frames: int, faces: bool = True) -> threading.Thread:
    """A phone whose jaw opens steadily, five times as quickly as its clock says."""

    def send() -> None:
        values = np.zeros(61)
        with Phone(type("Door", (), {"port": int(address.rpartition(":")[2])})) as phone:
            time.sleep(0.2)
            for i in range(frames):
                values[17] = i / FPS
                phone.send(live_link_packet(values if faces else None, frame=i))
                time.sleep(0.2 / FPS)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def test_a_take_is_as_long_as_the_senders_clock_says(address):
    thread, told = sending(address, 90), []
    take = record_take(address, start_s=0.25, end_s=1.0, progress=lambda done, total: told.append((done, total)))
    thread.join(5)
    assert take.source["kind"] == "livelink" and len(take.landmarks) == 0 and told[-1][1] is None
    assert take.times_s[0] >= 0.25 and take.times_s[-1] <= 1.0 < take.times_s[-1] + 0.2
    slope = np.polyfit(take.times_s, take.raw.coefficients[:, INDEX["jawOpen"]], 1)[0]
    assert slope == pytest.approx(1, abs=0.02)


def test_a_sender_that_falls_silent_ends_the_take_with_a_note(address, monkeypatch):
    monkeypatch.setattr(performance, "_GONE_S", 0.3)
    sending(address, 30).join(0)
    take = record_take(address, end_s=60.0)
    assert len(take) > 3 and "fell silent after 0." in take.source["warnings"][0]


def test_nobody_no_face_and_no_end_are_a_sentence_each(address, monkeypatch):
    monkeypatch.setattr(performance, "_NOBODY_S", 0.3)
    monkeypatch.setattr(performance, "_GONE_S", 0.3)
    with pytest.raises(SemblanceError, match=r"Nothing came from 'livelink://127.0.0.1:\d+' for 0.3 s. Only programs"):
        record_take(address, end_s=2.0)
    monkeypatch.setattr(performance, "_NOBODY_S", 5.0)
    sending(address, 20, faces=False)
    with pytest.raises(SemblanceError, match="sent no face between 0 and 2 s"):
        record_take(address, end_s=2.0)
    for source in (address, "0"):
        with pytest.raises(SemblanceError, match=f"'{source}' has no end; .* semblance track {source} --end 20"):
            record_take(source)
