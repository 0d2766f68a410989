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
from torch import Tensor

from addon.core.files import write_bytes
from addon.core.frames import CROP_SIZE
from addon.core.model_card import read_card
from addon.core.rig_profile import RigProfile
from addon.expression.encoder import Encoder
from training.animator import OUT, OWN, PAIRS, Lessons
from training.animator_data import Reading, meant, people_of, read_own
from training.animator_look import LOOK, Look, axes_of, new_cells
from training.animator_model import CHARACTERS, MIRROR, MIRROR_SIGN, Animator, SeeingAnimator, export
from training.animator_reader import Seen
from training.make_expression_data import test_set
from training.network_cards import Told, export_network
from training.pip_pairs import INPUTS
from training.recognisers import MODELS
from training.rivals import nearest, ridge, standardised
from training.x2c_metric import x2c_mae

MODEL: Final = MODELS / "animator"
LOOK_MODEL: Final = MODELS / "animator_look"
KINDS: Final = ("own pictures", "random mixes", "performances")
MEANING: Final = "by meaning"
READ: Final = "joint by its reading alone"
SEEN: Final = ("reading", "look", "both")
"""What the trivial rivals are given of a picture; of people there is only the reading."""
TRIVIAL: Final = ("mean", *(f"{method}, {given}" for given in SEEN for method in ("nearest", "ridge")))
Networks = dict[str, Animator | SeeingAnimator]
Errors = dict[str, dict[str, list[float]]]
"""Kind → who → mean error of the controls, -1..1, of each character."""


@dataclass(frozen=True)
class Asked:
    """Faces that nobody was taught by, of one kind: what is read of them, and the controls of each character."""

    inputs: list[np.ndarray]
    """Per character float32 [N, INPUTS]."""
    truth: list[np.ndarray]
    """Per character float32 [N, K], rig units."""
    cells: list[tuple[Tensor, Tensor]] | None = None
    """Per character float16 [N, CELLS] of pictures and of their mirror images, where the face is the character's own.
    """


def report(made: Networks, profiles: list[RigProfile], given: Lessons, look: Look, seen: list[Seen],
           table: Path) -> None:
    """Measure, print and write the table; keep the joint network and the look that it needs."""
    asked = {"own pictures": own_pictures(profiles, look), **{
        kind: people(profiles, name) for kind, name in zip(KINDS[1:], ("random", "performance"), strict=True)}}
    errors = {kind: measured(made, profiles, given, seen, each) for kind, each in asked.items()}
    text = "\n\n".join(f"{kind}\n\n{as_table(each)}" for kind, each in errors.items())
    ada = CHARACTERS.index("ada")
    text += "\n\n" + ada_beside_x2c(made, profiles[ada], asked["own pictures"])
    if every := [name for name in made if not name.endswith("alone") and name != "joint"]:
        text += "\n\n" + seen_on_characters({name: made[name] for name in ("joint", *every)}, profiles)
    print(text)
    write_bytes(table, (text + "\n").encode())
    keep(made["joint"], errors)
    look.layers.load_state_dict(made["joint"].reader.layers.state_dict())
    keep_look(look)


def own_pictures(profiles: list[RigProfile], look: Look) -> Asked:
    """The characters' test sets."""
    encoder = Encoder()
    read = [read_own(encoder, profile, PAIRS, "test", OUT, OWN) for profile in profiles]
    cells = [tuple(new_cells(look, each.crops[:, :, ::way], number) for way in (1, -1))
             for number, each in enumerate(read)]
    return Asked([each.inputs for each in read], [each.truth for each in read], cells)  # type: ignore[arg-type]


def people(profiles: list[RigProfile], kind: str) -> Asked:
    """Unseen people of a test set, with what their exact coefficients mean on each character."""
    encoder = Encoder()
    columns = test_set(kind, OUT.parent / "expression")
    return _meant_of(profiles, people_of(columns, encoder, OUT / f"test_{kind}_{encoder.card.sha256[:8]}.npz"))


def _meant_of(profiles: list[RigProfile], read: Reading) -> Asked:
    return Asked([read.inputs] * len(profiles), [meant(profile, read.truth) for profile in profiles])


def measured(made: Networks, profiles: list[RigProfile], given: Lessons, seen: list[Seen], asked: Asked
             ) -> dict[str, list[float]]:
    """Who → the error on each character, NaN where somebody knows only others."""
    found: dict[str, list[float]] = {}
    for number, profile in enumerate(profiles):
        inputs, cells = asked.inputs[number], asked.cells[number] if asked.cells else None
        ways: dict[str, np.ndarray | None] = {MEANING: meant(profile, inputs)}
        ways |= _trivial(given, seen, number, profile, asked)
        ways |= {name: played(network, name, number, profile, inputs, cells) for name, network in made.items()}
        if cells is not None:
            ways[READ] = played(made["joint"], "joint", number, profile, inputs)
        for name, values in ways.items():
            if values is not None:
                wrong = profile.control_set.scaled(values) - profile.control_set.scaled(asked.truth[number])
                found.setdefault(name, [float("nan")] * len(profiles))[number] = float(np.abs(wrong).mean())
    return found


def played(network: Animator | SeeingAnimator, name: str, number: int, profile: RigProfile, inputs: np.ndarray,
           cells: tuple[Tensor, Tensor] | None = None) -> np.ndarray | None:
    """Controls [N, K] of a character by number, rig units; None if the network is another one's alone."""
    if name.endswith("alone") and name != f"{CHARACTERS[number]} alone":
        return None
    place = 0 if name.endswith("alone") else number
    expression, character = torch.from_numpy(inputs), torch.full((len(inputs),), place)
    with torch.no_grad():
        network.cpu().eval()
        if not isinstance(network, SeeingAnimator):
            shares = network(expression, character)
        elif cells is None:
            shares = network.animator(expression, character)
        else:
            shares = network(expression, network.reader.looks(place, *cells), character)
    return profile.control_set.from_shares(shares.numpy()[:, :len(profile.control_set)])


def _trivial(given: Lessons, seen: list[Seen], number: int, profile: RigProfile, asked: Asked) -> dict[str, np.ndarray]:
    """What mean, nearest and ridge make of the same lessons: of the reading, of the look, and of both."""
    controls, asks = profile.control_set, torch.from_numpy(asked.inputs[number])
    if asked.cells is None:
        known, shares, sides = {"reading": given.read.cpu()}, given.meant[:, number].cpu(), {"reading": asks}
    else:
        own, read = seen[number], given.own_read[given.own.character == number].cpu()
        readings = torch.cat([read, read[:, MIRROR] * torch.from_numpy(MIRROR_SIGN)])
        axes, shares = axes_of(own.cells), own.shares
        here, there = axes.components(own.cells).chunk(2)
        looks = torch.cat([torch.cat([here, there], 1), torch.cat([there, here], 1)])
        asked_looks = torch.cat([axes.components(cells) for cells in asked.cells[number]], 1)
        known = {"reading": readings, "look": looks, "both": torch.cat([readings, looks], 1)}
        sides = {"reading": asks, "look": asked_looks, "both": torch.cat([asks, asked_looks], 1)}
    true = torch.from_numpy(controls.scaled(controls.from_shares(shares.numpy()[:, :len(controls)])))
    found = {"mean": true.mean(0).expand(len(asks), -1)}
    for name, inputs in known.items():
        learned, scale = standardised(inputs)
        for method, fit in (("nearest", nearest), ("ridge", ridge)):
            found[f"{method}, {name}"] = fit(learned, true)(scale(sides[name]))
    return {name: controls.unscaled(guess.clamp(-1, 1).numpy()) for name, guess in found.items()}


def ada_beside_x2c(made: Networks, ada: RigProfile, asked: Asked) -> str:
    """X2C's own error on Ada's test pictures."""
    from training.x2c import PAIRS as ADA_PAIRS
    from training.x2c_data import ada_renders
    from training.x2c_model import VIEWS, read_controls
    from training.x2c_report import MODEL as X2CNET

    number, controls = CHARACTERS.index("ada"), ada.control_set
    pictures = ada_renders(ADA_PAIRS["test"], "test", VIEWS["small"]).pictures
    ways: dict[str, Callable[[], np.ndarray | None]] = {
        "X2CNet": lambda: controls.unscaled(read_controls(X2CNET, pictures)),
        **{name: lambda name=name: played(made[name], name, number, ada, asked.inputs[number],  # type: ignore[misc]
                                          asked.cells[number] if asked.cells else None) for name in made}}
    told = []
    for name, way in ways.items():
        if (values := way()) is not None:
            error = x2c_mae(values, asked.truth[number], controls.minimum, controls.maximum)
            told.append(f"{name} {error:.3f}")
    return "Ada's pictures by X2C's error: " + ", ".join(told)


def seen_on_characters(made: Networks, profiles: list[RigProfile]) -> str:
    """What the ablations look like on the characters, beside going by meaning; Markdown."""
    from training.animator_shown import class_inputs, shown

    inputs, classes = class_inputs()
    controls = {MEANING: [meant(profile, inputs) for profile in profiles]}
    for name, network in made.items():
        poses = [played(network, name, number, profile, inputs) for number, profile in enumerate(profiles)]
        controls[name] = [pose for pose in poses if pose is not None]
    lines = ["| class faces of unseen people, drawn | class seen | class by key pose | read again, error |",
             "|---|---:|---:|---:|"]
    for name, each in shown(profiles, controls, inputs, classes).items():
        lines.append(f"| {name} | {each.class_seen:.3f} | {each.class_by_pose:.3f} | {each.read_again:.4f} |")
    return "\n".join(lines)


def as_table(errors: dict[str, list[float]]) -> str:
    """Markdown; the best first."""
    lines = ["| | " + " | ".join((*(name.capitalize() for name in CHARACTERS), "mean")) + " |",
             "|---|" + "---:|" * (len(CHARACTERS) + 1)]
    for name, each in sorted(errors.items(), key=lambda item: float(np.nanmean(item[1]))):
        cells = ["" if np.isnan(error) else f"{error:.3f}" for error in (*each, float(np.mean(each)))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def keep(network: SeeingAnimator, errors: Errors, folder: Path = MODEL) -> None:
    """Export the joint network with a card of what was measured."""
    most = network.animator.owned.shape[1]
    export(network, folder / "model.onnx")
    sha256 = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    lines = [_CARD.format(version=time.strftime("%Y.%m.%d"), sha256=sha256, inputs=INPUTS, look=LOOK, most=most,
                          characters=", ".join(f'"{each}"' for each in CHARACTERS))]
    for kind, each in errors.items():
        alone = [each[f"{character} alone"][number] for number, character in enumerate(CHARACTERS)]
        others = {way: each[way] for way in (MEANING, READ, *TRIVIAL) if way in each}
        lines += [f'\n[quality."{kind}"]',
                  *(f'"{way}" = [{", ".join(f"{value:.4f}" for value in values)}]'
                    for way, values in ({"ours": each["joint"], "alone": alone} | others).items())]
    write_bytes(folder / "card.toml", ("\n".join(lines) + "\n").encode())
    read_card(folder)


def keep_look(look: Look, folder: Path = LOOK_MODEL) -> None:
    """Export the look with its card; its tables are narrowed."""
    look.narrow()
    example = (torch.zeros(2, CROP_SIZE, CROP_SIZE, 3, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    shapes = (
        ("input", "crop", (-1, CROP_SIZE, CROP_SIZE, 3), "uint8 BGR, the aligned crop of a character's own picture"),
        ("input", "seen", (-1,), f"int64, place of that character among {', '.join(CHARACTERS)}"),
        ("output", "look", (-1, LOOK), "what is seen of the picture and of its mirror image"))
    export_network(look.eval(), example, folder, _LOOK_TOLD, shapes)
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
(semblance pairs). Method: FreeAvatar's rig decoder and its losses by controls (SIGGRAPH Asia 2024, equation 10); own
pictures are looked at as well (training/animator_reader.py)."""
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

[[input]]
name = "look"
shape = [-1, {look}]
meaning = "of animator_look, if the expression was read in a character's own picture; else 0"

[[input]]
name = "seen"
shape = [-1]
meaning = "int64, whose look it is: it counts on that character; -1 nobody's"

[[output]]
name = "shares"
shape = [-1, -1, {most}]
meaning = """
of each expression on each character: way from each control's neutral to its maximum (1) or minimum (-1), in profile
order; 0 beyond; clamp"""

# mean absolute error of the controls, scaled to -1..1, of each character'''


_LOOK_TOLD: Final = Told(
    "training/animator_report.py", "The characters' own pictures (semblance pairs).",
    "straightened by ridge regression; a layer on gradients and colours for each character (training/animator_look.py)",
    "Of these characters only; a person's face gives nonsense.")
