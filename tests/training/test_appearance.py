"""What makes performers look like real footage: it is drawn, it is whole, and it leaves the plain pictures alone."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from addon.core import coefficients
from training.appearance import (
    GLASSES,
    HAIR_STYLES,
    HEAD_WEAR,
    HELD,
    SHADOWS,
    Appearance,
    Hair,
    random_appearance,
    varied_shot,
)
from training.performers import Person, random_mix, random_person, random_shot
from training.tongue import TONGUE, tongue_out

JAW_OPEN, TONGUE_OUT = coefficients.INDEX["jawOpen"], coefficients.INDEX["tongueOut"]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(6)


@pytest.fixture(scope="module")
def renderer(shared: Path) -> Iterator[Any]:
    pytest.importorskip("moderngl")
    from training.render_performers import FaceModel, FaceRenderer

    try:
        yield FaceRenderer(128, FaceModel(shared / "data" / "ict_facekit" / "ict_facekit.npz"))
    except Exception as error:
        pytest.skip(f"no OpenGL here: {error}")


def bare(random: np.random.Generator, **change: object) -> Appearance:
    """An appearance with nothing worn or held and a sharp camera, changed by `change`."""
    drawn = random_appearance(random)
    camera = replace(drawn.camera, motion_px=0.0, darkness=0.0, coarse=1.0, white_balance=np.ones(3), saturation=1.0)
    plain = replace(drawn, hair=None, head_wear="", glasses=None, held="", camera=camera, seed=3,
                    light=replace(drawn.light, shadow="none", second_colour=np.zeros(3)))
    return replace(plain, **change)  # type: ignore[arg-type]


def test_all_kinds_are_drawn_and_most_pictures_are_uncovered(random: np.random.Generator) -> None:
    drawn = [random_appearance(random) for _ in range(1500)]
    assert {a.hair.style for a in drawn if a.hair} == set(HAIR_STYLES)
    assert {a.head_wear for a in drawn} == {*HEAD_WEAR, ""} and {a.held for a in drawn} == {*HELD, ""}
    assert {a.glasses.shape for a in drawn if a.glasses} == set(GLASSES)
    assert {a.light.shadow for a in drawn} == set(SHADOWS)
    assert 0.08 < np.mean([a.held != "" for a in drawn]) < 0.2
    assert 0.1 < np.mean([a.paint.beard.any() for a in drawn]) < 0.4
    assert not any(a.head_wear == "headscarf" and a.hair for a in drawn)


def test_a_seed_names_an_appearance_and_a_shot() -> None:
    def drawn(seed: int) -> str:
        random = np.random.default_rng(seed)
        return repr((random_appearance(random), varied_shot(random, np.zeros(54))))

    assert drawn(1) == drawn(1) != drawn(2)


def test_varied_heads_turn_to_fifty_degrees_and_keep_the_expression(random: np.random.Generator) -> None:
    values = random_mix(random)
    shots = [varied_shot(random, values) for _ in range(800)]
    turned = np.degrees([shot.head for shot in shots])
    assert abs(turned[:, 0]).max() <= 50.001 and (abs(turned[:, 0]) > 40).mean() > 0.05
    assert abs(turned[:, 1:]).max() <= 35.001
    assert all((shot.coefficients == values).all() for shot in shots)
    faces = np.array([shot.face_px for shot in shots])
    assert faces.min() < 50 and faces.max() > 150


def test_the_tongue_comes_out_and_nothing_else_moves(shared: Path) -> None:
    from training.render_performers import FaceModel

    model = FaceModel(shared / "data" / "ict_facekit" / "ict_facekit.npz")
    out = tongue_out(model.neutral)
    still = np.ones(len(out), bool)
    still[TONGUE] = False
    assert not out[still].any() and out[TONGUE, 2].min() >= 0
    values = np.zeros(54, np.float32)
    values[JAW_OPEN] = 0.3
    open_mouth = model.neutral + model.expression(values)
    values[TONGUE_OUT] = 1
    licking = model.neutral + model.expression(values)
    lower_lip = open_mouth[model.landmarks[57]]
    tip = licking[TONGUE][licking[TONGUE, 2].argmax()]
    assert open_mouth[TONGUE, 2].max() < lower_lip[2] < tip[2] - 0.5, "in front of the lips only if it is put out"
    # Where it passes the lower lip it lies above it, and on both sides alike.
    passing = licking[TONGUE][abs(licking[TONGUE, 2] - lower_lip[2]) < 0.4]
    assert passing[:, 1].max() > lower_lip[1]
    assert abs(licking[TONGUE, 0].max() + licking[TONGUE, 0].min()) < 0.05


def picture(renderer: Any, person: Person, appearance: Appearance | None, **change: object) -> np.ndarray:
    shot = replace(random_shot(np.random.default_rng(4), np.zeros(54)), face_px=120, head=np.zeros(3), noise=0.0,
                   offset=np.zeros(2), jpeg=0, blur_px=0.0, distance_cm=80.0, **change)  # type: ignore[arg-type]
    return renderer.render(person, shot, appearance)


def test_plain_pictures_do_not_know_of_appearances(renderer: Any, random: np.random.Generator) -> None:
    person = random_person(random)
    before = picture(renderer, person, None)
    for appearance in [random_appearance(random) for _ in range(3)]:
        varied = picture(renderer, person, appearance)
        assert varied.shape == (128, 128, 3) and varied.dtype == np.uint8
        assert (picture(renderer, person, appearance) == varied).all(), "the same again"
        assert (varied != before).mean() > 0.3
        assert (picture(renderer, person, None) == before).all()


def changed(renderer: Any, person: Person, with_it: Appearance, without: Appearance, middle: tuple[int, int]) -> float:
    """Share of the 21 px around (right, down) px that differ clearly."""
    x, y = middle
    a, b = (picture(renderer, person, look)[y - 10:y + 11, x - 10:x + 11].astype(int) for look in (with_it, without))
    return float((abs(a - b).max(-1) > 12).mean())


def test_each_thing_is_where_it_belongs(renderer: Any, random: np.random.Generator) -> None:
    person = Person(np.zeros(100, np.float32), replace(random_person(random).look, skin=np.array([0.7, 0.45, 0.35])))
    without = bare(random)
    mouth, eyes, forehead, crown = (64, 82), (53, 54), (64, 34), (64, 14)
    for held in ("hand", "fist", "microphone", "cup"):
        covered = replace(without, held=held, held_shift_cm=np.array([0, 0.8, 0]))
        assert changed(renderer, person, covered, without, mouth) > 0.25, held
        assert changed(renderer, person, covered, without, forehead) < 0.1, held
    for wear in ("cap", "beanie", "headscarf"):
        worn = replace(without, head_wear=wear, wear_colour=np.array([0.02, 0.3, 0.6]))
        assert changed(renderer, person, worn, without, crown) > 0.6, wear
        assert changed(renderer, person, worn, without, mouth) < 0.1, wear
    fringe = Hair("fringe", np.array([0.6, 0.3, 0.1]), 1.0, -3.0, 1.0, 0.0, 0.0)
    assert changed(renderer, person, replace(without, hair=fringe), without, forehead) > 0.5
    sun = next(a.glasses for a in iter(lambda: random_appearance(random), None) if a.glasses)
    sun = replace(sun, tint=np.array([0.01, 0.01, 0.02, 0.8]))
    assert changed(renderer, person, replace(without, glasses=sun), without, eyes) > 0.5
    assert changed(renderer, person, replace(without, glasses=sun), without, mouth) < 0.1
    beard = replace(without.paint, beard=np.ones(4))
    look = replace(person.look, brows=np.array([0.02, 0.01, 0.01]))
    bearded = Person(person.identity, look)
    assert changed(renderer, bearded, replace(without, paint=beard), without, (64, 106)) > 0.4
    assert changed(renderer, bearded, replace(without, paint=beard), without, forehead) < 0.05


def test_every_kind_fits_the_buffers_and_is_whole(renderer: Any, random: np.random.Generator) -> None:
    from training.wardrobe import ROOM
    from training.worn_shapes import joined

    wardrobe, person = renderer._wardrobe, random_person(random)
    shot = varied_shot(random, np.zeros(54))
    looks = [replace(random_appearance(random), held=held) for held in HELD]
    looks += [replace(random_appearance(random), head_wear=wear) for wear in HEAD_WEAR]
    while len(looks) < 30:
        looks.append(random_appearance(random))
    wardrobe.fit(renderer.model.person(person.identity))
    for appearance in looks:
        mesh = joined(wardrobe.meshes(appearance, person, shot, random))
        assert len(mesh.place) < ROOM * 0.7 and mesh.triangles.max() < len(mesh.place)
        assert all(np.isfinite(getattr(mesh, name)).all() for name in ("place", "normal", "rest", "paint", "marks"))
        assert abs(mesh.place).max() < 80 and mesh.paint[:, :3].min() >= 0 and mesh.paint[:, :3].max() <= 1


def test_our_tracker_finds_varied_faces(renderer: Any, random: np.random.Generator) -> None:
    from addon.core.frames import Frame
    from addon.tracking.tracker import FaceTracker

    tracker, found = FaceTracker(), []
    for index in range(8):
        appearance = replace(random_appearance(random), held="")
        image = picture(renderer, random_person(random), appearance)
        tracker.reset()
        found.append(tracker.track(Frame(image, float(index), index)).found)
    assert sum(found) >= 7


def test_places_are_projected_to_where_they_are_drawn(renderer: Any, random: np.random.Generator) -> None:
    from addon.core.frames import Frame
    from addon.tracking.tracker import FaceTracker

    person = random_person(random)
    shot = replace(random_shot(random, np.zeros(54)), head=np.radians([15.0, 5, 12]), face_px=130, noise=0.0)
    tracker = FaceTracker()
    seen = tracker.track(Frame(renderer.render(person, shot), 0.0, 0)).landmarks
    model = renderer.model
    rest = model.person(person.identity)[model.landmarks]
    places = renderer.project(rest, shot)
    # The corners of the eyes in MediaPipe's and Multi-PIE's numbers.
    error = np.linalg.norm(seen[[33, 133, 362, 263], :2] - places[[36, 39, 42, 45], :2], axis=1)
    assert error.max() < 3
    assert places[30, 2] < places[36, 2] < places[0, 2], "the nose is nearer than an eye, an eye than an ear"
