"""The geometry that Pip's decoder learns from, and the network that it trains."""
from __future__ import annotations

import numpy as np
import pytest

from addon.core import coefficients
from addon.core.rig_profile import find_profile

torch = pytest.importorskip("torch")


def network():
    from training.train_decoder import DecoderNetwork

    torch.manual_seed(1)
    made = DecoderNetwork(find_profile("pip").control_set)
    torch.nn.init.normal_(made.bent[-1].weight, 0, 0.05)
    return made.eval()


def test_the_exported_network_is_the_trained_one(tmp_path):
    """torch and onnxruntime agree on random faces, and the card fits the profile."""
    pytest.importorskip("onnx")
    from addon.characters.decoder import Decoder
    from training.pip_pairs import INPUTS, as_track
    from training.train_decoder import export

    profile, made = find_profile("pip"), network()
    measured = {"mae": 0.1, "mae_ridge": 0.2, "mae_ratio": 0.5}
    export(made, profile.control_set, measured, tmp_path)
    inputs = np.random.default_rng(0).random((50, INPUTS)).astype(np.float32)
    with torch.no_grad():
        expected = made(torch.tensor(inputs)).numpy()
    expected = profile.control_set.clamped(profile.control_set.unscaled(expected))
    found = Decoder(tmp_path, profile).decode(as_track(inputs)).values
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_untrained_network_already_keeps_neutral_and_mirror():
    from training.train_decoder import _MIRROR_SIGN, _mirror_order

    controls = find_profile("pip").control_set
    made = network()
    inputs = torch.rand(20, 61)
    with torch.no_grad():
        rest = made(torch.zeros(1, 61)).numpy()[0]
        plain, mirrored = (made(x).numpy() for x in (inputs, inputs[:, _mirror_order()] * torch.tensor(_MIRROR_SIGN)))
    np.testing.assert_allclose(rest, controls.scaled(controls.neutral), atol=1e-6)
    np.testing.assert_allclose(controls.mirrored(controls.unscaled(plain)), controls.unscaled(mirrored), atol=1e-5)


def test_the_trivial_rivals_are_the_textbook_ones():
    from training.train_decoder import trivial_rivals

    rng = np.random.default_rng(4)
    x, weights = rng.random((300, 6)).astype(np.float32), rng.normal(size=(6, 3)).astype(np.float32)
    y = x @ weights
    found = trivial_rivals(x, y, x[:7])
    np.testing.assert_allclose(found["nearest"], y[:7], atol=1e-6)
    np.testing.assert_allclose(found["mean"], np.broadcast_to(y.mean(axis=0), (7, 3)), atol=1e-6)
    assert np.abs(found["ridge"] - y[:7]).max() < 0.2


@pytest.fixture(scope="module")
def pairing(shared):
    pytest.importorskip("bpy")
    from training.face_pairing import pair_faces

    return pair_faces(find_profile("pip"), shared / "data/ict_facekit/ict_facekit.npz")


@pytest.fixture(scope="module")
def poses(pairing):
    from training.face_pairing import match_shapes

    return match_shapes(pairing)


def test_driven_shapes_are_what_blender_evaluates(pairing):
    """Random poses: the drivers run in torch give the vertices that Blender gives."""
    import bpy

    from addon.core.control_set import BoneChannel

    shapes, controls = pairing.shapes, pairing.profile.control_set
    values = controls.unscaled(np.random.default_rng(3).uniform(-1, 1, (6, len(controls))))
    keys = shapes.key_values(torch.tensor(values)).numpy()
    bpy.ops.wm.open_mainfile(filepath=str(pairing.profile.blend))
    rig, head = bpy.data.objects["Pip"], bpy.data.objects["Pip-head"]
    for modifier in head.modifiers:
        modifier.show_viewport = False
    for row, key in zip(values, keys, strict=True):
        for control, value in zip(controls.controls, row, strict=True):
            bone = rig.pose.bones[control.target.bone]
            if isinstance(control.target, BoneChannel):
                getattr(bone, control.target.channel)[control.target.axis] = float(value)
            else:
                bone[control.target.property] = float(value)
        rig.update_tag()
        bpy.context.view_layer.update()
        mesh = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        points = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", points)
        assert np.abs(points.reshape(-1, 3) - shapes.rest - np.tensordot(key, shapes.deltas, 1)).max() < 1e-5


def test_geometry_alone_names_the_controls(pairing, poses):
    """Nobody told the pairing that browInnerUpLeft is brow_inner.L."""
    poses = poses.numpy()
    names = pairing.profile.control_set.names
    for shape, control, sign in (("browInnerUpLeft", "brow_inner.L", 1), ("eyeBlinkRight", "lid_upper.R", -1),
                                 ("jawOpen", "jaw_open", -1), ("mouthSmileLeft", "corner_y.L", 1),
                                 ("mouthClose", "mouth_close", 1), ("mouthLeft", "mouth_x", 1)):
        pose = poses[coefficients.INDEX[shape]]
        assert pose[names.index(control)] * sign > 0.9, shape
    mirrored = pairing.profile.control_set.mirrored(poses)[coefficients.MIRROR]
    np.testing.assert_allclose(mirrored, poses, atol=1e-6)


def test_fitted_controls_give_the_coefficients_back(pairing, poses):
    """Coefficients → controls → coefficients, on plain faces."""
    from training.face_pairing import fit_coefficients, fit_controls, matched_looks

    matched = matched_looks(pairing, poses)
    wanted = torch.zeros(3, coefficients.COUNT)
    wanted[0, coefficients.indices(["mouthSmileLeft", "mouthSmileRight"])] = 0.8
    wanted[1, coefficients.INDEX["jawOpen"]] = 0.6
    wanted[2, coefficients.indices(["browInnerUpLeft", "eyeBlinkLeft"])] = 0.9
    found, missed = fit_coefficients(pairing, matched, fit_controls(pairing, poses, matched, wanted))
    assert float((found - wanted).abs().max()) < 0.25
    assert float((found - wanted).abs().mean()) < 0.01
    assert float(missed.max()) < 0.2
