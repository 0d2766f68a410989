"""How often the recognisers are right about faces that they never saw, beside simple rivals; writes their cards."""
from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from addon.core.files import write_bytes
from addon.core.key_poses import CLASSES
from addon.core.model_card import read_card
from training import class_faces
from training.expression_data import COLUMNS, GREY, ROWS
from training.face_inputs import OrientedGradients
from training.recognisers import CHARACTERS, FEATURES, MODELS, PEOPLE, SIMILARITY, recognise, similarity
from training.train_recognisers import Labelled, character_faces, labelled, people_faces, read_labelled


def confusion(seen: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """float [7, 7]: the share of the faces of each true class (row) that is seen as each class (column)."""
    table = np.zeros((len(CLASSES), len(CLASSES)))
    np.add.at(table, (classes, seen), 1)
    return table / np.maximum(table.sum(1, keepdims=True), 1)


def accuracy(seen: np.ndarray, classes: np.ndarray) -> float:
    """The share of faces whose class [N] is seen, every class that comes up counting the same."""
    return float(np.diag(confusion(seen, classes))[np.unique(classes)].mean())


def rivals(known: Labelled, asked: Labelled) -> dict[str, float]:
    """Accuracy of simple methods that learn from `known`: oriented gradients with a linear map, nearest geometry (on
    the faces whose landmarks are known), always the same class."""
    linear, classes = accuracy(_linear(known, asked), asked.classes), len(np.unique(asked.classes))
    found = {"hog_linear": linear, "majority": 1 / classes}
    here, there = (np.isfinite(faces.geometry[:, 0]) for faces in (known, asked))
    if here.any() and there.any():
        apart = ((known.geometry[here][None] - asked.geometry[there][:, None]) ** 2).sum(2)
        found["geometry_nearest"] = accuracy(known.classes[here][apart.argmin(1)], asked.classes[there])
    return found


def _gradients(crops: np.ndarray) -> np.ndarray:
    """Oriented gradients float32 [N, G]."""
    make = OrientedGradients()
    with torch.no_grad():
        parts = [make((part[:, ROWS, COLUMNS].float() @ GREY)[:, None]) for part in torch.from_numpy(crops).split(128)]
    return torch.cat(parts).numpy()


def _linear(known: Labelled, asked: Labelled) -> np.ndarray:
    """The classes [N] that ridge regression onto the seven sees."""
    inputs, questions = _gradients(known.crops), _gradients(asked.crops)
    middle = inputs.mean(0)
    inputs, questions = inputs - middle, questions - middle
    kernel = inputs @ inputs.T
    kernel += 0.1 * np.trace(kernel) / len(kernel) * np.eye(len(kernel), dtype=np.float32)
    weights = np.linalg.solve(kernel, np.eye(len(CLASSES), dtype=np.float32)[known.classes] - 1 / len(CLASSES))
    return (questions @ (inputs.T @ weights)).argmax(1)


def retrieval(people: Labelled, characters: Labelled, models: Path = MODELS) -> dict[str, float]:
    """What the f-CNN is for: for each person the face that looks most alike, on every character in turn.

    The share of these that show the person's true class, for the f-CNN and for its rivals.
    """
    seen, shown = recognise(people.crops, PEOPLE, models), recognise(characters.crops, CHARACTERS, models)
    found: dict[str, list[float]] = {}
    for one in np.unique(characters.character):
        rows = np.flatnonzero((characters.character == one) & np.isfinite(characters.geometry[:, 0]))
        if not len(rows):
            continue
        who = np.repeat(np.arange(len(people)), len(rows))
        alike = similarity(seen["features"][who], shown["features"][np.tile(rows, len(people))], models)
        tables = {
            "class_right": -alike.reshape(len(people), -1),
            "geometry": np.linalg.norm(people.geometry[:, None] - characters.geometry[rows], axis=2),
            "perception": np.linalg.norm(seen["perception"][:, None] - shown["perception"][rows], axis=2),
        }
        same = people.classes[:, None] == characters.classes[rows]
        for name, apart in tables.items():
            found.setdefault(name, []).append(float(np.take_along_axis(same, apart.argmin(1)[:, None], 1).mean()))
        found.setdefault("chance", []).append(float(same.mean()))
    return {name: float(np.mean(shares)) for name, shares in found.items()}


def write_cards(stages: list[str], size: str, data: Path, more: Path, models: Path = MODELS) -> None:
    """Measure the networks of the stages and write their cards."""
    test_people = labelled(class_faces.test_faces(data))
    test_people = test_people[np.flatnonzero(np.isfinite(test_people.geometry[:, 0]))]
    test_poses = read_labelled(sorted(data.glob("test_poses_*.npz")))
    if "people" in stages:
        _class_card(PEOPLE, people_faces(data, more), test_people, _PEOPLE_DATA, size, models)
    if "characters" in stages:
        driven = read_labelled(sorted(data.glob("test_driven_*.npz")))
        _class_card(CHARACTERS, character_faces(data, more), test_poses, _DRAWN_DATA, size, models, driven)
    if "similarity" in stages:
        _write(SIMILARITY, {"quality": {}}, _SIMILARITY, _DRAWN_DATA, models)
        measured = retrieval(test_people, test_poses, models)
        print(SIMILARITY, measured)
        _write(SIMILARITY, {"quality": measured}, _SIMILARITY, _DRAWN_DATA, models)


def _class_card(
    name: str, known: Labelled, asked: Labelled, data: str, size: str, models: Path, driven: Labelled | None = None
) -> None:
    """Measure a recogniser and write its card; one of characters also on those that people drive."""
    _write(name, {"quality": {}}, _CLASSES, data, models)
    seen = recognise(asked.crops, name, models)["classes"].argmax(1)
    table = confusion(seen, asked.classes)
    quality = {"faces_trained": len(known), "faces_asked": len(asked), "size": size,
               "accuracy": accuracy(seen, asked.classes), **rivals(known, asked)}
    if driven is not None:
        played = recognise(driven.crops, name, models)["classes"].argmax(1)
        quality |= {"driven_accuracy": accuracy(played, driven.classes), **{
            f"driven_{rival}": share for rival, share in rivals(known, driven).items()}}
    print(name, quality)
    rows = {CLASSES[klass]: [round(float(share), 3) for share in table[klass]] for klass in np.unique(asked.classes)}
    _write(name, {"quality": quality, "confusion": rows}, _CLASSES, data, models)


def _write(name: str, tables: dict[str, dict[str, Any]], shapes: str, data: str, models: Path) -> None:
    sha256 = hashlib.sha256((models / name / "model.onnx").read_bytes()).hexdigest()
    text = _CARD.format(name=name, sha256=sha256, version=time.strftime("%Y.%m.%d"), data=data) + shapes
    for title, values in tables.items():
        text += f"\n[{title}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
    write_bytes(models / name / "card.toml", text.encode())
    read_card(models / name)


def _toml(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f'"{value}"' if isinstance(value, str) else str(value)


_PEOPLE_DATA: Final = """
People rendered from ICT-FaceKit (USC ICT, MIT) by training/class_faces.py who show the variants of
training/expression_classes.toml; measured on other people and on variants that were held out"""
_DRAWN_DATA: Final = """
Pictures of our own five characters by training/class_faces.py and training/drawn_faces.py: near the key poses of their
rigs, and driven by the faces that recogniser_people learned from, which it starts from; measured on key poses that were
held out (every fifth of a class), "driven" on people's variants that were"""
_CARD: Final = '''# Written by training/evaluate_recognisers.py together with the network it measured.
schema = 1
name = "{name}"
version = "{version}"
licence = "GPL-3.0-or-later"
sha256 = "{sha256}"
data = """{data}."""
limits = """
A yardstick for synthetic and drawn faces, not for judging what real people feel. "accuracy" counts every class the
same; in [confusion] a row is a true class, its columns what it is seen as, in the order anger, disgust, fear, joy,
neutral, sadness, surprise."""

'''
_CLASSES: Final = f'''[[input]]
name = "crop"
shape = [-1, 128, 128, 3]
meaning = "uint8 BGR, the aligned crop of addon/tracking/crop.py"

[[output]]
name = "classes"
shape = [-1, {len(CLASSES)}]
meaning = "probabilities in the order of addon/core/key_poses.CLASSES"

[[output]]
name = "features"
shape = [-1, {FEATURES}]
meaning = "what the classes are read from, input of expression_similarity"

[[output]]
name = "perception"
shape = [-1, {len(CLASSES)}]
meaning = "the last layer weighted by the probabilities: their distance is ExprGen's d_perception"
'''
_SIMILARITY: Final = f'''[[input]]
name = "person"
shape = [-1, {FEATURES}]
meaning = "features of recogniser_people"

[[input]]
name = "character"
shape = [-1, {FEATURES}]
meaning = "features of recogniser_characters"

[[output]]
name = "similarity"
shape = [-1]
meaning = "above 0 = they match"
'''
