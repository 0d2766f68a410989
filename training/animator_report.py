"""What the animators that were taught say of faces that they were not taught by, beside the trivial rivals, the
decoders that go by meaning and X2CNet; the best is kept in training/models/animator with its card."""
from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from addon.core.files import write_bytes
from addon.core.model_card import read_card
from addon.core.rig_profile import RigProfile
from addon.expression.encoder import Encoder
from training.animator import OUT, OWN, PAIRS, Lessons
from training.animator_data import Reading, meant, people_of, read_own, read_people
from training.animator_model import CHARACTERS, Animator, export
from training.make_expression_data import test_set
from training.pip_pairs import INPUTS
from training.recognisers import MODELS
from training.train_decoder import trivial_rivals
from training.x2c_metric import x2c_mae

MODEL: Final = MODELS / "animator"
KINDS: Final = ("own pictures", "random mixes", "performances")
MEANING: Final = "by meaning"
TRIVIAL: Final = ("mean", "nearest", "ridge")
Errors = dict[str, dict[str, list[float]]]
"""Kind → who → mean error of the controls, -1..1, of each character."""


@dataclass(frozen=True)
class Asked:
    """Faces that nobody was taught by, of one kind: what is read of them, and the controls of each character."""

    inputs: list[np.ndarray]
    """Per character float32 [N, INPUTS]."""
    truth: list[np.ndarray]
    """Per character float32 [N, K], rig units."""


def report(made: dict[str, Animator], profiles: list[RigProfile], given: Lessons, table: Path) -> None:
    """Measure, print and write the table; keep the network that errs least on people who were put aside for that."""
    asked = {"own pictures": own_pictures(profiles), **{
        kind: people(profiles, name) for kind, name in zip(KINDS[1:], ("random", "performance"), strict=True)}}
    errors = {kind: measured(made, profiles, given, kind, each) for kind, each in asked.items()}
    text = "\n\n".join(f"{kind}\n\n{as_table(each)}" for kind, each in errors.items())
    ada = CHARACTERS.index("ada")
    text += "\n\n" + ada_beside_x2c(made, profiles[ada], asked["own pictures"])
    best = chosen(made, profiles)
    text += f"\n\nKept: {best}."
    print(text)
    write_bytes(table, (text + "\n").encode())
    keep(made[best], best, errors)


def own_pictures(profiles: list[RigProfile]) -> Asked:
    """The characters' test sets."""
    encoder = Encoder()
    read = [read_own(encoder, profile, PAIRS, "test", OUT, OWN) for profile in profiles]
    return Asked([each.inputs for each in read], [each.truth for each in read])


def people(profiles: list[RigProfile], kind: str) -> Asked:
    """Unseen people of a test set, with what their exact coefficients mean on each character."""
    encoder = Encoder()
    columns = test_set(kind, OUT.parent / "expression")
    return _meant_of(profiles, people_of(columns, encoder, OUT / f"test_{kind}_{encoder.card.sha256[:8]}.npz"))


def _meant_of(profiles: list[RigProfile], read: Reading) -> Asked:
    return Asked([read.inputs] * len(profiles), [meant(profile, read.truth) for profile in profiles])


def measured(made: dict[str, Animator], profiles: list[RigProfile], given: Lessons, kind: str, asked: Asked
             ) -> dict[str, list[float]]:
    """Who → the error on each character, NaN where somebody knows only others."""
    found: dict[str, list[float]] = {}
    for number, profile in enumerate(profiles):
        ways = {MEANING: meant(profile, asked.inputs[number])} | _trivial(given, number, profile, kind, asked)
        ways |= {name: values for name, network in made.items()
                 if (values := played(network, name, number, profile, asked.inputs[number])) is not None}
        for name, values in ways.items():
            wrong = profile.control_set.scaled(values) - profile.control_set.scaled(asked.truth[number])
            found.setdefault(name, [float("nan")] * len(profiles))[number] = float(np.abs(wrong).mean())
    return found


def played(network: Animator, name: str, number: int, profile: RigProfile, inputs: np.ndarray) -> np.ndarray | None:
    """Controls [N, K] of a character by number, rig units; None if the network is another one's alone."""
    if name.endswith("alone") and name != f"{CHARACTERS[number]} alone":
        return None
    character = torch.full((len(inputs),), 0 if name.endswith("alone") else number)
    with torch.no_grad():
        shares = network.cpu().eval()(torch.from_numpy(inputs), character).numpy()
    return profile.control_set.from_shares(shares[:, :len(profile.control_set)])


def _trivial(given: Lessons, number: int, profile: RigProfile, kind: str, asked: Asked) -> dict[str, np.ndarray]:
    """What mean, nearest and ridge make of the same lessons."""
    if kind == KINDS[0]:
        rows = given.own.character == number
        known, shares = given.own_read[rows], given.own.shares[rows]
    else:
        known, shares = given.read, given.meant[:, number]
    controls = profile.control_set
    values = controls.from_shares(shares.cpu().numpy()[:, :len(controls)])
    found = trivial_rivals(known.cpu().numpy(), controls.scaled(values), asked.inputs[number])
    return {name: controls.unscaled(np.clip(guess, -1, 1)) for name, guess in found.items()}


def chosen(made: dict[str, Animator], profiles: list[RigProfile]) -> str:
    """The joint network that errs least on people of a shard that nobody learned from."""
    encoder, shards = Encoder(), sorted((OUT.parent / "expression").glob("tracked_*.npz"))
    asked = _meant_of(profiles, read_people(encoder, shards[-1:], OUT))

    def error(name: str) -> float:
        values = [played(made[name], name, number, profile, asked.inputs[number])
                  for number, profile in enumerate(profiles)]
        return float(np.mean([np.abs(profile.control_set.scaled(each) - profile.control_set.scaled(true)).mean()
                              for profile, each, true in zip(profiles, values, asked.truth, strict=True)]))

    return min((name for name in made if not name.endswith("alone")), key=error)


def ada_beside_x2c(made: dict[str, Animator], ada: RigProfile, asked: Asked) -> str:
    """X2C's own error on Ada's test pictures."""
    from training.x2c import PAIRS as ADA_PAIRS
    from training.x2c_data import ada_renders
    from training.x2c_model import VIEWS, read_controls
    from training.x2c_report import MODEL as X2CNET

    number, controls = CHARACTERS.index("ada"), ada.control_set
    pictures = ada_renders(ADA_PAIRS["test"], "test", VIEWS["small"]).pictures
    ways: dict[str, Callable[[], np.ndarray | None]] = {
        "X2CNet": lambda: controls.unscaled(read_controls(X2CNET, pictures)),
        **{name: lambda name=name: played(made[name], name, number, ada, asked.inputs[number])  # type: ignore[misc]
           for name in made}}
    told = []
    for name, way in ways.items():
        if (values := way()) is not None:
            error = x2c_mae(values, asked.truth[number], controls.minimum, controls.maximum)
            told.append(f"{name} {error:.3f}")
    return "Ada's pictures by X2C's error: " + ", ".join(told)


def as_table(errors: dict[str, list[float]]) -> str:
    """Markdown; the best first."""
    lines = ["| | " + " | ".join((*(name.capitalize() for name in CHARACTERS), "mean")) + " |",
             "|---|" + "---:|" * (len(CHARACTERS) + 1)]
    for name, each in sorted(errors.items(), key=lambda item: float(np.nanmean(item[1]))):
        cells = ["" if np.isnan(error) else f"{error:.3f}" for error in (*each, float(np.mean(each)))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def keep(network: Animator, name: str, errors: Errors, folder: Path = MODEL) -> None:
    """Export the network with a card of what was measured."""
    export(network, folder / "model.onnx")
    sha256 = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    most = network.owned.shape[1]
    lines = [_CARD.format(version=time.strftime("%Y.%m.%d"), sha256=sha256, inputs=INPUTS, most=most, name=name,
                          characters=", ".join(f'"{each}"' for each in CHARACTERS))]
    for kind, each in errors.items():
        alone = [each[f"{character} alone"][number] for number, character in enumerate(CHARACTERS)]
        ways = {"ours": each[name], "alone": alone, **{way: each[way] for way in (MEANING, *TRIVIAL)}}
        lines += [f'\n[quality."{kind}"]',
                  *(f'"{way}" = [{", ".join(f"{value:.4f}" for value in values)}]' for way, values in ways.items())]
    write_bytes(folder / "card.toml", ("\n".join(lines) + "\n").encode())
    read_card(folder)


_CARD: Final = '''# Written by training/animator_report.py together with the network it measured.
schema = 1
name = "animator"
version = "{version}"
licence = "GPL-3.0-or-later"
sha256 = "{sha256}"
characters = [{characters}]
data = """
Synthetic people of training/make_expression_data.py as our encoder reads them and as they are, with what their exact
coefficients mean on each of our characters; people of whom only the reading is used; the characters' own pictures
(semblance pairs). Method: FreeAvatar's rig decoder and equation 10 (SIGGRAPH Asia 2024). Learned by: {name}."""
limits = """
A yardstick: for people's performances the decoders that go by meaning are what users have."""

[[input]]
name = "expression"
shape = [-1, {inputs}]
meaning = "54 coefficients, gaze (left yaw, pitch, right yaw, pitch) rad, head (yaw, pitch, roll) rad"

[[input]]
name = "character"
shape = [-1]
meaning = "int64, place among the characters"

[[output]]
name = "shares"
shape = [-1, -1, {most}]
meaning = """
of each expression on each character: way from each control's neutral to its maximum (1) or minimum (-1), in profile
order; 0 beyond; clamp"""

# mean absolute error of the controls, scaled to -1..1, of each character'''
