"""Trains body to face and exports it: `python -m training.body_to_face` (--data is the folder with body_motion).

Writes models/body_to_face (network, card, built-in styles) and models/face_style. A few minutes on one core.
"""
from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from addon.core import coefficients
from addon.core.body_motion import BodyMotion, resampled
from addon.core.bvh import read_bvh
from addon.core.errors import SemblanceError
from addon.core.files import write_bytes
from addon.core.paths import MODELS
from addon.expression.body_features import COUNT as HEARD
from addon.expression.body_features import FPS, features
from addon.expression.from_body import CHANNELS, CHOICES, GROUPS, WINDOW, with_blinks

from .body_motion_sets import (
    NAMES,
    STYLES,
    WALK,
    Face,
    Style,
    between,
    draw_motion,
    draw_style,
    make_face,
    parts_of_walk,
)
from .body_to_face_model import BodyToFace, choice
from .expression_classes import class_mix
from .network_cards import Told, export_network
from .performers import shared_folder

SECONDS: Final = 8.0
TIMES: Final = 3
"""Clips of each style take."""
_WEIGHTS: Final = {
    "face": 5.0, "motion": 5.0, "head": 5.0, "blink": 0.02, "aligned": 0.2, "content": 0.1, "style": 0.2,
    "swapped_content": 0.05, "swapped_style": 0.1, "even": 0.05,
}
"""By name; B2F's proportions (0.5 : 0.5 : 1.0 : 0.1 : 0.5 : 0.3) below a reconstruction that counts most."""

_COLD: Final = 0.5
"""Temperature of the choices once they mean something."""
_APART_EVERY: Final = 4
"""The losses of consistency take three quarters of a step's time and are as good every fourth step."""


@dataclass(frozen=True)
class Clips:
    """N style takes, `TIMES` clips of each."""

    heard: np.ndarray
    """float32 [N, TIMES, T, F]."""
    face: np.ndarray
    """float32 [N, TIMES, T, 57], lids without blinks."""
    shown: np.ndarray
    """float32 [N, TIMES, T, 57], with blinks and some of the body's own head motion: what a reference looks like."""
    blinks: np.ndarray
    """float32 [N, TIMES, T]."""
    names: tuple[str, ...]
    """The style of each take; "" for one between or outside of ours."""


def walk_parts() -> tuple[BodyMotion | None, BodyMotion | None]:
    """The recorded walk for learning and for the test; None where it is not there."""
    try:
        path = shared_folder() / WALK
    except (OSError, SemblanceError):
        return None, None
    return parts_of_walk(resampled(read_bvh(path), FPS)) if path.is_file() else (None, None)


def make_clips(
    random: np.random.Generator, takes: int, walk: BodyMotion | None, held_out: bool = False, free: float = 0.4
) -> Clips:
    """Style takes with their clips; `free` of them in no style of ours, `held_out` ones from faces kept for tests."""
    rows, names = [], []
    for i in range(takes):
        name = NAMES[i % len(NAMES)]
        style = draw_style(random, name, held_out)
        if random.random() < free:
            name, style = "", _free_style(random, style)
        made = [_clip(random, style, walk) for _ in range(TIMES)]
        rows.append([np.stack(each) for each in zip(*made, strict=True)])
        names.append(name)
    return Clips(*(np.stack(each) for each in zip(*rows, strict=True)), tuple(names))


def _free_style(random: np.random.Generator, style: Style) -> Style:
    """What a user may bring: between two of our styles, or any face of the seven classes."""
    if random.random() < 0.5:
        return between(random, style, draw_style(random, str(random.choice(NAMES))))
    base = class_mix(random)[0] * random.uniform(0.4, 1.0)
    base[coefficients.in_group("gaze")] = 0
    base[coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])] = 0
    return replace(style, base=base.astype(np.float32))


def _clip(random: np.random.Generator, style: Style, walk: BodyMotion | None) -> tuple[np.ndarray, ...]:
    motion = draw_motion(random, SECONDS, walk)
    heard = features(motion)
    face = make_face(random, style, heard)
    return heard, np.concatenate([face.coefficients, face.head], 1), shown(random, face, motion), face.blinks


def shown(random: np.random.Generator, face: Face, motion: BodyMotion) -> np.ndarray:
    """A face as a take has it, float32 [T, 57]: blinks, and more or less of the body's own head motion."""
    head = face.head + random.choice([0.0, 0.5, 1.0]) * motion.head
    return np.concatenate([with_blinks(face.coefficients, face.blinks, face.blink_s), head], 1).astype(np.float32)


def losses(network: BodyToFace, batch: dict[str, Tensor], temperature: float, apart: bool = True) -> dict[str, Tensor]:
    """Each loss by its name in `_WEIGHTS`; those of consistency only where `apart` is wanted."""
    content = network.body(batch["heard"])
    logits = network.style(batch["shown"])
    code = choice(logits, temperature)
    face, blink = network.decode(content, code)
    error = face - batch["face"]
    count = coefficients.COUNT
    found = {
        "face": error[..., :count].square().mean() * 10,
        "motion": (error[:, 1:, :count] - error[:, :-1, :count]).square().mean() * 200,
        "head": error[..., count:].square().mean() * 50,
        "blink": FPS * (blink.exp() / FPS - batch["blinks"] * blink).mean(),
        "even": _uneven(logits),
    }
    if not apart:
        return found
    other = code.roll(1, 0)
    swapped, _ = network.decode(content, other)
    true_content, own_content, swapped_content = network.content_of(torch.cat([batch["face"], face, swapped])).chunk(3)
    own_style, swapped_style = network.style(torch.cat([face, swapped])).chunk(2)
    return found | {
        "aligned": _apart(true_content, content), "content": _apart(own_content, content),
        "style": _other_style(own_style, code), "swapped_content": _apart(swapped_content, content),
        "swapped_style": _other_style(swapped_style, other),
    }


def _apart(one: Tensor, other: Tensor) -> Tensor:
    return 1 - (one * other).sum(-1).mean()


def _other_style(logits: Tensor, code: Tensor) -> Tensor:
    """How improbable the code's choices are for these logits."""
    return -(logits.log_softmax(-1) * code.detach().reshape(logits.shape)).sum(-1).mean()


def _uneven(logits: Tensor) -> Tensor:
    """KL of the choices, over a batch, to all equally often: unused ones are a waste."""
    mean = logits.softmax(-1).mean(0)
    return (mean * (mean * CHOICES).clamp_min(1e-9).log()).sum(-1).mean()


def warm_up(network: BodyToFace, clips: Clips, steps: int, batch: int = 32, seed: int = 4) -> None:
    """Let style come first: from a reference to the mean face of another clip of the same take, through the choices."""
    random = np.random.default_rng(seed)
    learned = [*network.style.parameters(), *network.decode.rest.parameters()]
    optimiser = torch.optim.AdamW(learned, 3e-3, weight_decay=0.01, fused=True)
    means = torch.tensor(clips.face.mean((1, 2))) * network.scale
    rates = torch.tensor(clips.blinks.mean((1, 2))) * FPS
    for step in range(steps):
        drawn = draw_batch(random, clips, batch)
        logits = network.style(drawn["shown"])
        found = network.decode.rest(choice(logits, 1.0 - 0.6 * step / steps))
        missed = (found[:, :CHANNELS] - means[drawn["take"]]).square().mean()
        blink = (found[:, -1].exp() - rates[drawn["take"]] * found[:, -1]).mean()
        loss = 50 * missed + 0.02 * blink + _WEIGHTS["even"] * _uneven(logits)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 200 == 0 or step == steps - 1:
            print(f"style {step}/{steps}: face {missed.item():.4f} even {_uneven(logits).item():.3f}", flush=True)


def train(clips: Clips, steps: int, batch: int = 12, size: int = 48, seed: int = 5) -> BodyToFace:
    """Fit the networks; what a step sees is drawn from the seed."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = BodyToFace(size)
    warm_up(network, clips, steps)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    begun = time.perf_counter()
    for step in range(steps):
        parts = losses(network, draw_batch(random, clips, batch), _COLD, step % _APART_EVERY == 0)
        loss = sum((_WEIGHTS[name] * part for name, part in parts.items()), torch.zeros(()))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        if step % 60 == 0 or step == steps - 1:
            told = " ".join(f"{name} {part.item():.3f}" for name, part in parts.items())
            print(f"step {step}/{steps}, {time.perf_counter() - begun:.0f} s: {told}", flush=True)
    return network.eval()


def draw_batch(random: np.random.Generator, clips: Clips, count: int) -> dict[str, Tensor]:
    """Windows of `count` takes, each with a reference window from another clip of the same take."""
    takes = random.integers(len(clips.names), size=count)
    clip = random.integers(TIMES, size=count)
    other = (clip + random.integers(1, TIMES, size=count)) % TIMES
    begin, begin_other = random.integers(clips.heard.shape[2] - WINDOW, size=(2, count))
    rows, rows_other = (at[:, None] + np.arange(WINDOW) for at in (begin, begin_other))
    at = takes[:, None], clip[:, None], rows
    return {
        "take": torch.tensor(takes), "heard": torch.tensor(clips.heard[at]), "face": torch.tensor(clips.face[at]),
        "blinks": torch.tensor(clips.blinks[at]),
        "shown": torch.tensor(clips.shown[takes[:, None], other[:, None], rows_other]),
    }


def style_choices(network: BodyToFace, shown_faces: np.ndarray) -> np.ndarray:
    """int [12]: the style of reference faces [N, T, 57]."""
    cut = shown_faces[:, :shown_faces.shape[1] // WINDOW * WINDOW].reshape(-1, WINDOW, CHANNELS)
    with torch.no_grad():
        return network.style(torch.tensor(cut)).mean(0).argmax(-1).numpy()


def built_in_styles(network: BodyToFace, seed: int = 11, takes: int = 12) -> dict[str, tuple[np.ndarray, float]]:
    """The choices and blink lengths that stand for each of our styles: what its mean person's takes are heard as."""
    random = np.random.default_rng(seed)
    found = {}
    for name in NAMES:
        people = [draw_style(random, name) for _ in range(takes)]
        faces = np.stack([_clip(random, person, None)[2] for person in people])
        found[name] = style_choices(network, faces), float(STYLES[name]["blink_s"])
    return found


def export(network: BodyToFace, folder: Path, data: str) -> None:
    """Write both networks with their cards, and the built-in styles; `data` is what they learned from."""
    told = Told(
        "training/body_to_face.py", data, "after B2F (arXiv 2511.13988), our own code; no data or weights of it")
    body, face = torch.zeros(2, WINDOW, HEARD), torch.zeros(2, WINDOW, CHANNELS)
    code = torch.zeros(2, GROUPS * CHOICES)
    export_network(network, (body, code), folder / "body_to_face", told, (
        ("input", "body", (-1, WINDOW, HEARD), "addon/expression/body_features.py, 30 frames a second"),
        ("input", "style", (-1, GROUPS * CHOICES), "12 groups, one of 16 each, one-hot"),
        ("output", "face", (-1, WINDOW, CHANNELS), "54 coefficients, lids without blinks; head yaw, pitch, roll"),
        ("output", "blink", (-1, WINDOW), "logarithm of blinks a second"),
    ))
    export_network(network.style, (face,), folder / "face_style", told, (
        ("input", "face", (-1, WINDOW, CHANNELS), "54 coefficients and the head's angles, 30 frames a second"),
        ("output", "logits", (-1, GROUPS, CHOICES), "the largest of each group is the style's choice"),
    ))
    lines = ["# Written by training/body_to_face.py: the built-in styles as the choices of models/face_style."]
    for name, (choices, blink_s) in built_in_styles(network).items():
        lines += ["", f"[{name}]", f"choices = {choices.tolist()}", f"blink_s = {blink_s:.2f}"]
    write_bytes(folder / "body_to_face" / "styles.toml", ("\n".join(lines) + "\n").encode())


def _of_files(paths: list[Path]) -> str:
    return f"Also {len(paths)} recorded files: {', '.join(path.name for path in paths[:5])} ...\n" if paths else ""


def main() -> None:
    """Make the set, train, export."""
    parser = argparse.ArgumentParser(prog="training.body_to_face", description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--takes", type=int, default=160)
    parser.add_argument("--output", type=Path, default=MODELS)
    parser.add_argument("--recorded", type=Path, nargs="+", default=[], metavar="FILE",
                        help="BEAT2 (.npz) or Motion-X (.npy) files to learn from too")
    parser.add_argument("--module", type=Path, metavar="FOLDER", help="what training.flame wrote for their FLAME basis")
    arguments = parser.parse_args()
    if bool(arguments.recorded) != bool(arguments.module):
        parser.error("--recorded and --module belong together: FLAME's numbers mean nothing without their basis")
    torch.set_num_threads(1)
    walk = walk_parts()[0]
    clips = make_clips(np.random.default_rng(1), arguments.takes, walk)
    if arguments.recorded:
        from .recorded_clips import joined, recorded_clips

        try:
            clips = joined(clips, recorded_clips(arguments.recorded, arguments.module))
        except SemblanceError as error:
            raise SystemExit(f"semblance: {error}") from error
    begun = time.process_time()
    network = train(clips, arguments.steps)
    minutes = (time.process_time() - begun) / 60
    recorded = " and the first 16 s of CMU 01_01 (fairmotion, BSD-3)" if walk else ""
    told = (
        f"{arguments.takes} style takes, {TIMES} clips of {SECONDS:g} s each, by training/body_motion_sets.py:\nours"
        f"{recorded},\nwith faces that our own affect curves give them in eight styles and between them.\n"
        f"{_of_files(arguments.recorded)}"
        f"{arguments.steps} steps, {minutes:.1f} minutes of one core."
    )
    export(network, arguments.output, told)
    checkpoint = Path("out") / "body_to_face.pt"
    checkpoint.parent.mkdir(exist_ok=True)
    torch.save(network.state_dict(), checkpoint)
    parameters = sum(each.numel() for each in network.parameters())
    print(f"{parameters} parameters, {minutes:.1f} minutes of one core; wrote '{arguments.output}'.")


if __name__ == "__main__":
    main()
