"""What characters are made with: the solid is where its rays say, faces are closed and mirrored, tables become rows."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("bpy")

from rigs.building import face as faces
from rigs.building.cut import cut
from rigs.building.fields import Fields, lid_keys, mirror_partners, turned
from rigs.building.parts import grid_faces
from rigs.building.rig import other_side, profile_text, read_rows
from rigs.building.solid import angles, directions
from rigs.pip import markers, rig
from rigs.pip.form import FORM

TABLE = """
[[control]]
name = "corner_x"
sided = true
slider = ["CTRL-corner", "X"]
range = [-0.1, 0.05]
mirror_sign = -1
group = "mouth"
meaning = { mouthStretchLeft = 0.1, mouthPucker = -0.1 }

[[control]]
name = "puff"
property = "puff"
range = [0.0, 2.0]
neutral = 0.5
group = "cheeks"
"""


@pytest.fixture(scope="module")
def face():
    return faces.build(FORM)


def test_rays_end_on_the_solid():
    random = np.random.default_rng(0)
    theta, phi = np.append(random.uniform((-3.1, -1.5), (3.1, 1.5), (500, 2)), [[0, 0], [3.1, 1.5], [-3.1, -1.5]], 0).T
    points = FORM.solid.cast(theta, phi)
    assert np.abs(FORM.solid.distance(points)).max() < 1e-5
    assert np.allclose(directions(*angles(points)), directions(theta, phi), atol=1e-9)
    assert ((FORM.solid.normals(points) * points).sum(1) > 0).all(), "the surface looks outwards"


def test_a_face_has_no_holes_but_its_slits(face):
    """Every edge has two faces, but those of freckles and of what is anchored to a slit and ends inside the head."""
    edges = np.array([sorted(pair) for f in face.faces for pair in zip(f, (*f[1:], f[0]), strict=True)])
    found, count = np.unique(edges, axis=0, return_counts=True)
    assert count.max() == 2
    # the corners of the eyes are vertices of the skin at which a lid's rim ends
    anchored = face.anchor != np.arange(len(face.anchor))
    assert (face.free | anchored)[found[count == 1]].any(axis=1).all()
    assert np.isfinite(face.points).all()


def test_a_face_is_its_own_mirror_image(face):
    partner = mirror_partners(face)
    assert (partner[partner] == np.arange(len(partner))).all()


def test_lids_close_on_each_other(face):
    shut = face.points + lid_keys(face)["lid_close"]
    gap = shut[face.rims["lid_upper.L"]][1:-1, 2] - shut[face.rims["lid_lower.L"]][1:-1, 2]
    assert gap.max() < 0.005, "the upper lid reaches the lower one"
    rest = face.points[face.rims["lid_upper.L"]][1:-1, 2] - face.points[face.rims["lid_lower.L"]][1:-1, 2]
    assert rest.max() > 0.3, "and was open before"


def test_fields_know_lips_and_sides(face):
    fields = Fields(face)
    upper, lower = face.rims["lip_upper"][1:-1], face.rims["lip_lower"][1:-1]
    assert (fields.sine[upper] > 0).all() and (fields.sine[lower] < 0).all()
    weight = fields.jaw_weight()
    assert weight[upper].max() < 0.5 < weight[lower].min(), "the lower lip goes with the jaw"
    assert np.abs(fields.slide(rise=0.0)).max() < 1e-9


def test_a_jaw_opens_downwards():
    chin = turned(np.array([[0.0, -1.0, -1.0]]), np.zeros(3), 0.3)
    assert chin[0, 2] < 0 < chin[0, 1]


def test_tables_become_sided_rows(tmp_path):
    (tmp_path / "controls.toml").write_text(TABLE)
    left, right, puff = read_rows(tmp_path / "controls.toml", "CTRL-face")
    assert (left.bone, right.bone, puff.bone) == ("CTRL-corner.L", "CTRL-corner.R", "CTRL-face")
    assert (left.minimum, left.maximum, right.minimum, right.maximum) == (-0.1, 0.05, -0.05, 0.1)
    assert (left.pair, right.pair, puff.pair) == ("corner_x.R", "corner_x.L", "puff")
    assert right.meaning == {"mouthStretchRight": -0.1, "mouthPucker": 0.1}
    assert (left.outward, right.outward, puff.neutral) == (1, -1, 0.5)


@pytest.mark.parametrize("name, other", [
    ("brow.L", "brow.R"), ("mouthSmileLeft", "mouthSmileRight"), ("lip.T.R.001", "lip.T.L.001"), ("Lips", "Lips"),
    ("L_brow", "L_brow"), ("CTRL_L_brow", "CTRL_R_brow"),
])
def test_other_sides(name, other):
    assert other_side(name) == other


def test_pips_files_are_what_his_tables_give(face):
    folder = rig.HERE
    stored = (folder / "profile.toml").read_text(encoding="utf-8")
    description = next(line for line in stored.splitlines() if line.startswith("description")).split('"')[1]
    assert profile_text(rig.ROWS, "Pip", description) == stored
    assert markers.markers_text(face) == (folder / "markers.toml").read_text(encoding="utf-8")


def test_a_cut_leaves_what_is_inside_with_a_closed_edge():
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21)))
    places, quads = np.stack([x, y], axis=1), grid_faces(21, 21)
    left = cut(0.7 - np.hypot(x, y), quads)
    mixed = left.mix(places)
    used = sorted({v for face in left.faces for v in face})
    assert np.hypot(*mixed[used].T).max() < 0.701
    (loop,) = left.loops()
    assert np.hypot(*mixed[loop].T) == pytest.approx(0.7, abs=0.01)
    rings = [mixed[list(face)].T for face in left.faces]
    area = sum(across @ np.roll(up, -1) - up @ np.roll(across, -1) for across, up in rings) / 2
    assert abs(area) == pytest.approx(np.pi * 0.7**2, rel=0.01)
    assert len(left.faces) == len(left.sources) and all(len(set(face)) == len(face) >= 3 for face in left.faces)


def test_a_cut_far_away_changes_nothing():
    quads = grid_faces(4, 4)
    left = cut(np.ones(16), quads)
    assert left.faces == quads and not left.moves and not left.splits and not left.loops()


def test_a_mask_is_mirrored_and_ends_at_its_edge():
    def edge(theta, phi):
        return 1.2 - np.hypot(theta, phi)
    face = faces.build(replace(FORM, edge=edge))
    mirror_partners(face)
    assert np.hypot(face.theta, face.phi)[~face.free].max() < 1.21
    assert faces.points_with_lids(face, 1, 0).shape == face.points.shape
