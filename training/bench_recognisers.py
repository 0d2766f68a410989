"""The seven classes: whether the recognisers know them, and whether what is seen on a person is seen on the character.

The people of the test are rendered anew when they are not in out/recognisers: a good minute, the characters' faces two.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from addon.core.key_poses import CLASSES, read_key_poses
from addon.core.model_card import read_card
from addon.core.paths import ROOT
from training.figures import Row

if TYPE_CHECKING:
    from addon.core.rig_profile import RigProfile

OUT: Final = ROOT / "out" / "recognisers"
_PUBLISHED: Final = {"people": 0.8971, "characters": 0.9682}
"""ExprGen, ten-fold on its own sets (Aneja et al., WACV 2018)."""
_AGREEMENT_PEOPLE: Final = 5


def measure_classes() -> dict[str, Row]:
    """Both recognisers on people, variants and key poses that they were not trained on."""
    from training.class_faces import test_characters, test_faces
    from training.recognisers import CHARACTERS, PEOPLE

    people = test_faces(OUT)
    found = people["found"]
    return {
        "expression.class_people": _class_row("people", PEOPLE, people["crops"][found],
                                              people["expression_class"][found]),
        "expression.class_characters": _class_row("characters", CHARACTERS, *test_characters("poses", OUT)),
        "expression.class_driven": _class_row("characters", CHARACTERS, *test_characters("driven", OUT), "driven_"),
    }


def _class_row(whose: str, name: str, crops: np.ndarray, classes: np.ndarray, asked: str = "") -> Row:
    """`asked` is how the card calls the test set."""
    from training.evaluate_recognisers import accuracy
    from training.recognisers import MODELS, recognise

    ours = accuracy(recognise(crops, name)["classes"].argmax(1), classes)
    quality, simple = read_card(MODELS / name).data["quality"], ("hog_linear", "geometry_nearest")
    told = ", ".join(f"{key.replace('_', ' + ')} {quality[asked + key]:.3f}" for key in simple)
    return Row(ours, _PUBLISHED[whose], f"ExprGen on its own sets ({told} on ours)", "share right, 7 classes", "report")


def measure_agreement() -> dict[str, Row]:
    """Unseen people make class faces; the encoder and the decoder put them on all five characters."""
    from training.class_faces import test_faces
    from training.drawn_faces import CHARACTERS
    from training.evaluate import encode, mediapipe_blendshapes
    from training.recognisers import PEOPLE, recognise

    columns = first_people(test_faces(OUT), _AGREEMENT_PEOPLE)
    truth = columns["expression_class"]
    seen = recognise(columns["crops"], PEOPLE)["classes"].argmax(1)
    drivers = {"ours": encode(columns)[0], "MediaPipe": mediapipe_blendshapes(columns),
               "exact coefficients": columns["coefficients"]}
    shown: dict[str, list[np.ndarray]] = {name: [] for name in drivers}
    for character in CHARACTERS:
        classes = classes_on(character, np.concatenate(list(drivers.values())))
        for name, part in zip(drivers, np.split(classes, len(drivers)), strict=True):
            shown[name].append(part)
    agrees, meant = ({name: float(np.mean([part == wanted for part in parts])) for name, parts in shown.items()}
                     for wanted in (seen, truth))
    each = {name: float((part == seen).mean()) for name, part in zip(CHARACTERS, shown["ours"], strict=True)}
    told = (f"MediaPipe blendshapes (exact coefficients {agrees['exact coefficients']:.2f}; "
            f"ours on {_listed(each)})")
    return {"expression.class_agreement": Row(agrees["ours"], agrees["MediaPipe"], told, "share person = character",
                                              ">= 0.85"),
            "animator.class_kept": _kept_row(meant, "share meant = seen on the character")}


def measure_kept_by_pose() -> dict[str, Row]:
    """All unseen people, judged without a network that looks: which key pose do the controls come nearest?"""
    from training.class_faces import TEST_PEOPLE, test_faces
    from training.drawn_faces import CHARACTERS
    from training.evaluate import encode, mediapipe_blendshapes

    columns = first_people(test_faces(OUT), TEST_PEOPLE)
    drivers = {"ours": encode(columns)[0], "MediaPipe": mediapipe_blendshapes(columns),
               "exact coefficients": columns["coefficients"]}
    kept = {name: float(np.mean([nearest_pose_classes(character, values) == columns["expression_class"]
                                 for character in CHARACTERS])) for name, values in drivers.items()}
    return {"animator.class_kept_by_pose": _kept_row(kept, "share meant = class of the nearest key pose")}


def _kept_row(kept: dict[str, float], unit: str) -> Row:
    told = f"MediaPipe blendshapes (exact coefficients {kept['exact coefficients']:.2f})"
    return Row(kept["ours"], kept["MediaPipe"], told, unit, ">= 0.85")


def nearest_pose_classes(character: str, values: np.ndarray) -> np.ndarray:
    """Of coefficients [N, 54] on a character, the classes int [N] of the key poses that its controls come nearest."""
    from addon.core.rig_profile import find_profile
    from training.shown_coefficients import Shown

    profile = find_profile(character)
    return pose_classes(profile, Shown(profile).decode(values, np.zeros((len(values), 3), np.float32)))


def pose_classes(profile: RigProfile, values: np.ndarray) -> np.ndarray:
    """The classes int [N] of the key poses in whose direction controls [N, K] go from rest, the head's apart."""
    controls, poses = profile.control_set, read_key_poses(profile)
    face = np.array([control.group != "head" for control in controls.controls])
    ours, theirs = (controls.shares(each)[:, face] for each in (values, poses.values))
    ours, theirs = (each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-6) for each in (ours, theirs))
    return np.array([CLASSES.index(name) for name in poses.classes])[(ours @ theirs.T).argmax(1)]


def _listed(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in shares.items())


def first_people(columns: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """The rows of the first people, without those that our tracker misses; pictures go along."""
    return chosen_faces(columns, np.flatnonzero((columns["person"] < count) & columns["found"]))


def chosen_faces(columns: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Some rows of a test set; pictures go along."""
    pictures = np.split(columns["pictures"], columns["picture_ends"][:-1])
    kept = {name: values[rows] for name, values in columns.items() if not name.startswith("picture")}
    chosen = [pictures[row] for row in rows]
    return kept | {"pictures": np.concatenate(chosen), "picture_ends": np.cumsum([len(each) for each in chosen])}


def classes_on(character: str, values: np.ndarray) -> np.ndarray:
    """The classes int [N] that the recogniser sees on a character driven by coefficients [N, 54], from the front.

    Raises:
        SemblanceError: if it cannot be drawn here.
    """
    from addon.core.rig_profile import find_profile
    from training.drawn_stage import crops_from_front
    from training.recognisers import CHARACTERS, recognise
    from training.shown_coefficients import Shown

    profile = find_profile(character)
    controls = Shown(profile).decode(values, np.zeros((len(values), 3), np.float32))
    return recognise(crops_from_front(profile, controls), CHARACTERS)["classes"].argmax(1)


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("expression.class_people", "expression.class_characters", "expression.class_driven"): measure_classes,
    ("expression.class_agreement", "animator.class_kept"): measure_agreement,
    ("animator.class_kept_by_pose",): measure_kept_by_pose,
}
