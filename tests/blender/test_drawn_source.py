"""A character drives another: Gus and Uno are drawn, tracked and read, and Mora is keyed."""
from __future__ import annotations

from pathlib import Path

import bpy
import cv2
import numpy as np
import pytest

from addon.blender.apply import add_character, apply_take
from addon.blender.portrait import Portrait
from addon.characters.decoder import load_decoder
from addon.core import coefficients
from addon.core.frames import ExpressionTrack
from addon.core.rig_profile import find_profile
from addon.live.performance import record_take

FRAMES = 12


def performance() -> ExpressionTrack:
    """The mouth opens twice, the eyes close once, the head turns a little."""
    phase = np.linspace(0, 1, FRAMES)
    shapes, head = np.zeros((FRAMES, coefficients.COUNT), np.float32), np.zeros((FRAMES, 3), np.float32)
    shapes[:, coefficients.INDEX["jawOpen"]] = 0.5 - 0.5 * np.cos(4 * np.pi * phase)
    shapes[:, coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])] = np.exp(-((phase - 0.5) / 0.1) ** 2)[:, None]
    head[:, 0] = 0.15 * np.sin(2 * np.pi * phase)
    return ExpressionTrack(
        np.arange(FRAMES) / 25, shapes, np.zeros((FRAMES, 128), np.float32), np.zeros((FRAMES, 2, 2), np.float32), head,
        np.ones(FRAMES, np.float32),
    )


@pytest.mark.parametrize("name", ["Gus", "Uno"])
def test_a_character_drives_another(name: str, tmp_path: Path) -> None:
    actor, truth = find_profile(name), performance()
    with Portrait(actor, 256) as portrait:
        for i, values in enumerate(load_decoder(actor).decode(truth).values):
            cv2.imwrite(str(tmp_path / f"frame_{i:03d}.png"), portrait.take(values)[..., ::-1])
    take = record_take(str(tmp_path))
    assert len(take) == FRAMES and take.found.mean() > 0.9 and take.source["drawn"] == (name == "Uno")
    assert np.isfinite(take.landmarks[take.found]).all() == (name == "Gus")
    assert np.isfinite(take.smoothed.coefficients).all() and np.ptp(take.raw.coefficients, axis=0).max() > 0.05

    bpy.ops.wm.read_homefile(use_empty=True)
    mora = find_profile("Mora")
    root = add_character(mora, bpy.context.scene)
    applied = apply_take(take, mora, bpy.context.scene, name, armature=root)
    assert applied.keyed.controls > 20 and np.ptp(applied.keyed.frames) >= 8
