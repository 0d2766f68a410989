"""The body-to-face set, its networks and its bench, on tiny ones."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from addon.core import coefficients  # noqa: E402
from addon.core.body_motion import JOINT  # noqa: E402
from addon.core.errors import SemblanceError  # noqa: E402
from addon.core.network import Network  # noqa: E402
from addon.expression.body_features import COUNT, beats, features  # noqa: E402
from addon.expression.flame import read_conversion  # noqa: E402
from addon.expression.from_body import CHANNELS, WINDOW, with_blinks  # noqa: E402
from training import bench_body_to_face, body_to_face  # noqa: E402
from training.body_face_formats import coefficients_of, read_beat2, read_motion_x  # noqa: E402
from training.body_motion_sets import (  # noqa: E402
    NAMES,
    STYLES,
    draw_style,
    made_motion,
    make_face,
    mirrored,
    read_styles,
)
from training.body_to_face_model import BodyToFace, ContentEncoder, choice  # noqa: E402
from training.recorded_clips import joined, recorded_clips  # noqa: E402


@pytest.fixture(scope="module")
def clips():
    return body_to_face.make_clips(np.random.default_rng(0), 8, None, free=0.25)


def test_styles_differ_and_keep_faces_for_the_test():
    random = np.random.default_rng(0)
    assert len(NAMES) == 8 and NAMES[0] == "calm"
    for row in STYLES.values():
        assert [out for _, out in row["faces"]].count(True) == 1
        assert not any((one == other).all() for one, o in row["faces"] if o for other, p in row["faces"] if not p)
    bases = {name: np.mean([draw_style(random, name).base for _ in range(8)], 0) for name in NAMES}
    assert all(np.abs(bases[a] - bases[b]).max() > 0.2 for a in NAMES for b in NAMES if a < b)


def test_accents_and_blinks_fall_on_the_bodys_beats():
    random = np.random.default_rng(1)
    heard = features(made_motion(random, 120.0))
    frames, weights = beats(heard[:, -1].astype(float))
    style = draw_style(random, "tense")
    face = make_face(random, style, heard)
    wide = face.coefficients[:, coefficients.INDEX["eyeWideLeft"]]
    strong = frames[weights > 0.5]
    strong = strong[strong < len(wide) - 5]
    assert wide[strong + 1].mean() > wide.mean() + 0.05
    rate = face.blinks.sum() / 2
    assert style.blinks_a_minute * 0.5 < rate < style.blinks_a_minute * 1.9


def test_the_mirror_image_of_a_body_is_one():
    motion = made_motion(np.random.default_rng(2), 3.0)
    twice = mirrored(mirrored(motion))
    np.testing.assert_allclose(twice.joints, motion.joints)
    left, right = JOINT["left_wrist"], JOINT["right_wrist"]
    np.testing.assert_allclose(mirrored(motion).joints[:, left] * (-1, 1, 1), motion.joints[:, right], atol=1e-6)


def test_attention_goes_over_time_and_never_over_the_batch():
    """The released code of B2F attends over the batch: another clip in it changed the answer."""
    torch.manual_seed(0)
    network = ContentEncoder(COUNT, 16, 1).eval()
    body = torch.randn(3, WINDOW, COUNT)
    alone, together = network(body[:1]), network(body)[:1]
    torch.testing.assert_close(alone, together)
    other = body[:1].clone()
    other[0, 10] += 5
    moved = (network(other) - alone).abs().sum(-1)[0] > 1e-6
    assert moved[10] and moved[14:40].any()


def test_styles_are_learned_first_and_all_losses_count(clips, monkeypatch):
    torch.manual_seed(0)
    network, told = BodyToFace(16), []
    monkeypatch.setattr("builtins.print", lambda text, flush: told.append(float(text.split()[3])))
    body_to_face.warm_up(network, clips, 60, batch=8)
    assert told[-1] < 0.5 * told[0]
    parts = body_to_face.losses(network, body_to_face.draw_batch(np.random.default_rng(0), clips, 4), 0.5)
    assert set(parts) == set(body_to_face._WEIGHTS) and all(torch.isfinite(part) for part in parts.values())
    sum(parts.values()).backward()
    assert all(each.grad is not None for each in network.parameters())


def test_the_export_agrees_with_what_was_trained(clips, tmp_path):
    made = body_to_face.train(clips, 2, batch=4, size=16)
    body_to_face.export(made, tmp_path, "a test")
    body = torch.randn(5, WINDOW, COUNT)
    code = choice(torch.randn(5, 12, 16), None)
    with torch.no_grad():
        expected = [each.numpy() for each in made(body, code)]
    found = Network(tmp_path / "body_to_face", "x").run(["face", "blink"], body=body.numpy(), style=code.numpy())
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    face = torch.randn(3, WINDOW, CHANNELS)
    logits = Network(tmp_path / "face_style", "x").run(["logits"], face=face.numpy())[0]
    np.testing.assert_allclose(logits, made.style(face).detach().numpy(), atol=1e-4)
    assert (tmp_path / "body_to_face" / "styles.toml").read_text().count("choices = [") == len(NAMES)


def test_the_judge_knows_authored_faces_and_rivals_answer(clips):
    known = body_to_face.make_clips(np.random.default_rng(5), 24, None, free=0.0)
    judge = bench_body_to_face.Judge(known)
    right = [judge(known.face[i, 0]) == NAMES.index(name) for i, name in enumerate(known.names)]
    assert np.mean(right) > 0.9
    answer = bench_body_to_face.nearest(known, known.heard[3, 1], known.shown[3, 1])
    np.testing.assert_allclose(np.delete(answer, bench_body_to_face._LIDS, 1),
                               np.delete(known.face[3, 1], bench_body_to_face._LIDS, 1))


def test_beat2_and_motion_x_files_are_read(tmp_path):
    random = np.random.default_rng(0)
    poses = np.zeros((12, 165))
    poses[:, 47] = 0.3      # the head about its own z: roll
    np.savez(tmp_path / "talk.npz", poses=poses, expressions=random.normal(size=(12, 100)), trans=np.zeros((12, 3)),
             mocap_frame_rate=30)
    talk = read_beat2(tmp_path / "talk.npz")
    np.testing.assert_allclose(talk.motion.head, np.tile((0, 0, 0.3), (12, 1)), atol=1e-6)
    assert talk.motion.times_s[-1] == pytest.approx(11 / 30) and talk.expression.shape == (12, 100)
    values = random.normal(0, 0.1, (9, 322)).astype(np.float32)
    np.save(tmp_path / "walk.npy", values)
    walk = read_motion_x(tmp_path / "walk.npy")
    np.testing.assert_array_equal(walk.jaw, values[:, 156:159])
    np.testing.assert_array_equal(walk.expression, values[:, 159:209])
    values = np.zeros((12, coefficients.COUNT), np.float32)
    values[:, coefficients.indices(["browDownLeft", "jawOpen"])] = 0.6, 0.4
    numbers = read_conversion()(values)
    known = replace(talk, jaw=numbers[:, :3], expression=np.pad(numbers[:, 3:], ((0, 0), (0, 50))))
    np.testing.assert_allclose(coefficients_of(known), values, atol=0.06)
    with pytest.raises(SemblanceError, match="50 expression parameters are needed"):
        coefficients_of(replace(talk, expression=talk.expression[:, :10]))


def test_recorded_faces_become_clips_with_their_blinks(clips, tmp_path):
    values = np.zeros((30 * 25, coefficients.COUNT), np.float32)
    values[:, coefficients.INDEX["jawOpen"]] = 0.3
    blinks = np.zeros(len(values), bool)
    blinks[[30, 300, 600]] = True
    numbers = read_conversion()(with_blinks(values, blinks, 0.3))
    poses = np.zeros((len(values), 165))
    poses[:, 66:69], poses[:, 16 * 3] = numbers[:, :3], np.sin(np.arange(len(values)) / 9)
    expressions = np.pad(numbers[:, 3:], ((0, 0), (0, 50)))
    files = {"poses": poses, "expressions": expressions, "trans": np.zeros((len(values), 3))}
    np.savez(tmp_path / "talk.npz", **files)
    found = recorded_clips([tmp_path / "talk.npz"])
    assert found.heard.shape == (1, *clips.heard.shape[1:]) and found.face.shape == (1, *clips.face.shape[1:])
    assert found.blinks.sum() == 3
    lids = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
    assert found.face[..., lids].max() < 0.15 and found.shown[..., lids].max() > 0.7
    np.testing.assert_allclose(found.face[..., coefficients.INDEX["jawOpen"]], 0.3, atol=0.05)
    both = joined(clips, found)
    assert len(both.names) == len(clips.names) + 1 == len(both.heard)
    np.savez(tmp_path / "talk.npz", **{key: value[:90] for key, value in files.items()})
    with pytest.raises(SemblanceError, match="None of 1 files lasts 24 s"):
        recorded_clips([tmp_path / "talk.npz"])
    with pytest.raises(SemblanceError, match="neither BEAT2"):
        recorded_clips([tmp_path / "talk.bvh"])


@pytest.mark.parametrize(("name", "values", "words"), [
    ("a.npz", {"poses": np.zeros((3, 9))}, "is no BEAT2 file"),
    ("b.npz", {"poses": np.zeros((3, 165)), "expressions": np.zeros((2, 100)), "trans": np.zeros((3, 3))}, "BEAT2"),
    ("c.npy", np.zeros((4, 9)), "is no Motion-X file"),
    ("d.npy", np.full((4, 322), np.nan), "not finite numbers"),
    ("e.npy", None, "damaged or no numpy file"),
])
def test_what_is_no_such_file_is_one_sentence(name, values, words, tmp_path):
    path = tmp_path / name
    if isinstance(values, dict):
        np.savez(path, **values)
    elif values is None:
        path.write_bytes(b"\x93NUMPY")
    else:
        np.save(path, values)
    with pytest.raises(SemblanceError, match=words):
        (read_beat2 if path.suffix == ".npz" else read_motion_x)(path)


def test_a_wrong_style_table_is_told(tmp_path):
    path = tmp_path / "styles.toml"
    path.write_text('[odd]\nfaces = [{ mouthSmirk = 0.5 }]\naccent = {}\n')
    with pytest.raises(SemblanceError, match="'odd'"):
        read_styles(path)
