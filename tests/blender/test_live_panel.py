"""What the Live panel shows in each state, and its keys; drawn onto a layout that looks up everything it is given."""
from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from .test_control_panel import PREFERENCES
from .test_live_session import live, pip, pose  # noqa: F401 - fixtures
from .test_panels import Sidebar


class Panel(Sidebar):
    """With the parts that only Live uses."""

    def prop(self, holder, name, expand=False, **options):
        super().prop(holder, name)

    def progress(self, factor=0.0, text=""):
        assert 0 <= factor <= 1
        self.texts.append(text)

    def separator(self, factor=1.0):
        pass

    def template_icon(self, icon, scale=1.0):
        self.texts.append("(picture)")


@pytest.fixture
def draw(live, extension):  # noqa: F811
    """Draws a Live panel; gives its texts, buttons in brackets."""
    module = extension("blender.live_panel")

    def shown(name: str = "live") -> list[str]:
        layout = Panel(module)
        context = SimpleNamespace(region=SimpleNamespace(width=300), preferences=PREFERENCES, scene=bpy.context.scene)
        getattr(module, f"SEMBLANCE_PT_{name}").draw(SimpleNamespace(layout=layout), context)
        return layout.texts

    return shown


def say(live, state: str = "running", **told: object) -> None:  # noqa: F811
    live.worker.next.status = live.messages.Status(state, **told)
    live.module.tick()


def test_before_start_there_is_a_source_and_one_button(draw, live):  # noqa: F811
    for kind in ("CAMERA", "STREAM", "VIDEO", "LIVELINK", "IFACIALMOCAP", "VMC", "OSC"):
        live.settings.kind = kind
        assert "[Start Live]" in draw() and "[Stop Live]" not in draw()
    assert any("port" in text for text in draw())


def test_meters_words_and_buttons_follow_the_worker(draw, live, pip):  # noqa: F811
    live.start()
    assert "Starting ..." in draw() and "[Record at Frame 1]" in draw()
    say(live, fps=29.6, width=640, height=480, latency_ms=21.4, confidence=0.983)
    assert {"30 fps", "21 ms", "Face 98%", "Pip", "[Stop Live]"} <= set(draw())
    say(live, "lost", width=640, height=480)
    assert "No face is seen." in draw()
    say(live, "failed", sentence="Camera 0 is in use by 'zoom'")
    assert {"Camera 0 is in use by 'zoom'", "[Try Again]"} <= set(draw())
    live.worker.next.problems.append("Something else.")
    live.module.tick()
    assert "Something else." in draw()
    live.module.LIVE.current._problem_s -= 60
    assert "Something else." not in draw()


def test_a_recording_counts_down_runs_and_is_written(draw, live, pip, monkeypatch):  # noqa: F811
    live.settings.countdown, live.settings.beep = 3, False
    live.start()
    say(live)
    bpy.ops.semblance.live_record()
    assert "[Recording in 3 ...]" in draw()
    live.module.LIVE.current.recording._begin_s -= 5
    assert [text for text in draw() if text.startswith("[Stop  2.0")]
    bpy.ops.semblance.live_mark()
    assert live.worker.last("Mark").text == "mark"
    bpy.ops.semblance.live_record()
    assert "Writing the take ..." in draw()


def test_neutral_and_range_are_said(draw, live, pip):  # noqa: F811
    live.start()
    say(live)
    assert "[Set Neutral]" in draw("live_performer")
    bpy.ops.semblance.live_neutral()
    say(live, neutral="taking")
    assert live.worker.last("SetNeutral").seconds == 1 and "[Rest Your Face ...]*" in draw("live_performer")
    bpy.ops.semblance.live_range()
    assert live.worker.last("RangeOfMotion").begin
    assert "Look at the camera and rest your face." in " ".join(draw("live_performer"))
    bpy.ops.semblance.live_range()
    assert not live.worker.last("RangeOfMotion").begin and "[Range of Motion]" in draw("live_performer")


def test_several_have_a_face_each_and_nobody_is_told(draw, live, extension):  # noqa: F811
    live.start()
    assert "Nobody to move yet" in draw()
    for name in ("Pip", "Gus"):
        bpy.ops.semblance.character_add(character=name)
    for actor in bpy.context.scene.semblance.actors:
        actor.use = True
    live.module.LIVE.current.look(bpy.context.scene)
    assert "Pip, Gus" in draw() and {"Pip", "Gus"} <= set(draw("live_cast"))


def test_every_live_panel_draws(draw, live, pip):  # noqa: F811
    live.start()
    for name in ("live_source", "live_performer", "live_face", "live_recording", "live_keys"):
        draw(name)
    assert "[Open Again]" in draw("live_source")
    live.settings.mirror = True
    assert "[Use This Source]" in draw("live_source")
    bpy.ops.semblance.live_reopen()
    assert live.worker.last("Open").mirror and "[Open Again]" in draw("live_source")


def test_buttons_wait_for_start(live, pip):  # noqa: F811
    for name in ("neutral", "range", "record", "mark", "show", "reopen"):
        assert not getattr(bpy.ops.semblance, f"live_{name}").poll()
    live.start()
    assert not bpy.ops.semblance.live_record.poll()
    say(live)
    assert bpy.ops.semblance.live_record.poll()
    with pytest.raises(RuntimeError, match="press Record first"):
        bpy.ops.semblance.live_mark()
    with pytest.raises(RuntimeError, match="no take yet"):
        bpy.ops.semblance.live_record(what="RETAKE")


def test_shortcuts_come_and_go(extension):
    config = bpy.context.window_manager.keyconfigs.addon
    keys = extension("blender.live_keys")

    def ours() -> list[str]:
        keymap = config.keymaps.get("Frames")
        items = keymap.keymap_items if keymap else ()
        return [item.idname for item in items if item.idname.startswith("semblance.live")]

    assert len(ours()) == 5
    keys.unregister()
    assert ours() == []
    keys.register()
    assert len(set(ours())) == 5


def test_the_picture_is_a_square_around_the_face_with_its_landmarks(extension):
    module, messages = extension("blender.live_picture"), extension("live.messages")
    image = np.zeros((240, 320, 3), np.uint8)
    image[:, 200:] = (10, 20, 30)  # blue, green, red
    points = np.full((478, 2), np.nan, np.float32)
    module.clear()
    plain = module.drawn(messages.Picture(0.0, 320, 240, image, points)).view(np.uint8).reshape(240, 240, 4)
    assert plain[0, 0].tolist() == [0, 0, 0, 255] and plain[0, -1].tolist() == [30, 20, 10, 255]
    module.clear()
    points[:] = (300, 120)
    face = module.drawn(messages.Picture(0.0, 320, 240, image, points)).view(np.uint8).reshape(240, 240, 4)
    assert face[0, 120].tolist() == [30, 20, 10, 255]  # moved as far to the face as there is picture
    assert face[239 - 120, 220].tolist()[1] > 200
    for height, width in ((16, 9), (1, 1), (568, 320)):
        module.clear()
        tall = messages.Picture(0.0, width, height, np.zeros((height, width, 3), np.uint8), points * 100)
        assert module.drawn(tall).shape == (min(height, width),) * 2
        module.show(tall)
    module.clear()
    assert not bpy.data.images


def test_a_door_listens_here_until_the_user_says_otherwise(live):  # noqa: F811
    live.settings.kind = "LIVELINK"
    assert live.settings.address() == "livelink://:11111"
    live.settings.from_network = True
    assert live.settings.address() == "livelink://0.0.0.0:11111"
    live.settings.kind, live.settings.port_osc, live.settings.from_network = "OSC", 9001, False
    assert live.settings.address() == "osc://:9001"
    live.settings.kind = "IFACIALMOCAP"
    assert live.settings.address() == ""
    for phone in ("192.168.0.9", " ifacialmocap://192.168.0.9 "):
        live.settings.phone = phone
        assert live.settings.address() == "ifacialmocap://192.168.0.9"
    live.settings.kind = "STREAM"
    assert live.settings.address() == ""
    live.settings.stream = " http://192.168.1.2:8080/video "
    assert live.settings.open() == live.messages.Open("http://192.168.1.2:8080/video")
    live.settings.kind, live.settings.size, live.settings.rate = "CAMERA", "HD", 60
    assert (live.settings.open().width, live.settings.open().height, live.settings.open().fps) == (1280, 720, 60)
