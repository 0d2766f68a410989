"""What the token renderer keeps of motion and of identity, on people and poses that it never saw; and a page of both.

Motion is read off pictures by a small network that learned where joints are from real renders, not from the renderer;
identity is the nearest of the test's people by colours of head, trunk and legs. Beside it stand what needs no renderer:
the reference as it is, the reference bent by the guide, and pictures drawn for other motions.
"""
from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.body_motion import JOINT
from addon.core.files import write_bytes

from .network_cards import Told as CardText
from .stage_runs import Plan, run
from .token_renderer_data import Figures, others, recoloured
from .token_renderer_model import FOLDER, GREY, TokenRenderer, Told, as_pictures, as_values, draw, export

_READ: Final = tuple(JOINT[name] for name in (
    "head", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
))
"""Joints that a motion moves in the square."""
_READER_SIDE: Final = 64
_READER_PLAN: Final = Plan(3, 64, 2e-3, weight_decay=0.01)
_ASKED: Final = 120
_BINS: Final = 4
_BATCH: Final = 40


class JointReader(nn.Module):
    """Pictures float32 [N, 3, P, P] → where _READ's joints are [N, J, 2], shares of the side."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 128)
        self.seen = nn.Sequential(*(
            layer for a, b in pairwise(widths)
            for layer in (nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU())))
        self.said = nn.Sequential(nn.Flatten(), nn.Linear(128 * 16, 256), nn.ReLU(), nn.Linear(256, 2 * len(_READ)))

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        if pictures.shape[-1] != _READER_SIDE:
            pictures = functional.interpolate(pictures, (_READER_SIDE, _READER_SIDE), mode="area")
        return 0.5 + self.said(self.seen(pictures)).unflatten(1, (len(_READ), 2))


def train_reader(figures: Figures, path: Path, plan: Plan = _READER_PLAN) -> JointReader:
    """The reader, trained on renders in changed colours, soft and sharp; kept at `path`."""
    torch.manual_seed(1)
    network = JointReader()

    def loss(random: np.random.Generator) -> Tensor:
        rows = random.integers(len(figures), size=plan.batch)
        pictures, = recoloured(random, as_values(torch.from_numpy(figures.pictures[rows])))
        soft = functional.avg_pool2d(pictures, 3, 1, 1)
        pictures = torch.lerp(pictures, soft, torch.rand(plan.batch, 1, 1, 1))
        truth = torch.from_numpy(figures.marks[rows][:, _READ, :2])
        return functional.smooth_l1_loss(network(pictures), truth, beta=0.02)

    run(network, loss, plan.steps(len(figures)), plan, path, {"what": "joint reader"})
    return network


def triples(figures: Figures, random: np.random.Generator, most: int = _ASKED) -> np.ndarray:
    """Rows [M, 3]: who drives, a picture of another person, and that person in the driver's pose."""
    found = []
    other = others(figures.person)
    for truth in random.permutation(len(figures))[:2 * most]:
        drivers = np.flatnonzero((figures.pose == figures.pose[truth]) & (figures.person != figures.person[truth]))
        reference = int(other(random, np.array([truth]))[0])
        if len(drivers) and figures.pose[reference] != figures.pose[truth]:
            found.append((int(random.choice(drivers)), reference, int(truth)))
    return np.array(found[:most])


def figures_of(network: TokenRenderer, reader: JointReader, asked: Figures, rows: np.ndarray) -> dict[str, float]:
    """Name → figure: errors of joints in % of the square's side, of colours of 255; shares of right people.

    "drawn" is told by the driver's tokens, "true_marks" where the person's joints truly are as well, "bent" is the
    reference bent by the guide, before anything is drawn, "shuffled" drawn for another driver.
    """
    drives, shown, truth = rows.T
    drawn, bent = draw_rows(network, asked, drives, shown)
    better, _ = draw_rows(network, asked, drives, shown, asked.marks[truth])
    found: dict[str, float] = {}
    points = asked.marks[truth][:, _READ, :2]
    true = asked.pictures[truth]
    candidates = {"drawn": drawn, "true_marks": better, "bent": bent, "reference": asked.pictures[shown],
                  "shuffled": np.roll(drawn, 1, 0), "true": true}
    for name, pictures in candidates.items():
        found[f"joints_{name}"] = 100 * float(np.linalg.norm(_read(reader, pictures) - points, axis=2).mean())
        apart = np.abs(pictures.astype(int) - true)
        found[f"colours_{name}"] = float(apart[_stands(true)].mean())
    middle = asked.marks[:, _READ, :2].mean(0)
    found["joints_mean_pose"] = 100 * float(np.linalg.norm(middle - points, axis=2).mean())
    describe = _people(asked)
    del candidates["shuffled"]
    for name, pictures in (candidates | {"driver": asked.pictures[drives]}).items():
        ranks = describe(pictures, asked.person[truth], rows[:, 1:])
        found[f"person_{name}"], found[f"person5_{name}"] = float((ranks == 0).mean()), float((ranks < 5).mean())
    found["person_chance"] = 1 / len(np.unique(asked.person))
    return found


def draw_rows(
    network: TokenRenderer, figures: Figures, drives: np.ndarray, shown: np.ndarray, marks: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [N, P, P, 3]: the people of the rows `shown` in the motions of `drives`; their pictures bent."""
    device = next(network.parameters()).device
    drawn, bent = [], []
    for at in range(0, len(drives), _BATCH):
        rows = slice(at, at + _BATCH)
        motion, own, references = (
            torch.from_numpy(each).to(device) for each in (
                figures.tokens[drives[rows]], figures.tokens[shown[rows]], figures.pictures[shown[rows]]))
        truly = None if marks is None else torch.from_numpy(marks[rows]).to(device)
        with torch.no_grad():
            told = network.told(motion, as_values(references), own, truly)

        def say(noisy: Tensor, noise: Tensor, told: Told = told) -> Tensor:
            return network(noisy.to(device), noise.to(device), told).cpu()

        drawn.append(as_pictures(draw(say, told.guess[:, :3].cpu())))
        bent.append(as_pictures(told.guess[:, :3]))
    return np.concatenate(drawn), np.concatenate(bent)


def _read(reader: JointReader, pictures: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return reader.eval()(as_values(torch.from_numpy(pictures))).numpy()


def _stands(pictures: np.ndarray) -> np.ndarray:
    """bool [..., P, P]: where a figure is."""
    return np.abs(pictures.astype(int) - 128).max(-1) > 6


def _colours(pictures: np.ndarray) -> np.ndarray:
    """Descriptors [N, D]: how often each colour is in the upper, middle and lower part of a figure."""
    rows = []
    for picture, stands in zip(pictures, _stands(pictures), strict=True):
        place = np.argwhere(stands)
        if len(place) < 30:
            rows.append(np.zeros(3 * _BINS ** 3))
            continue
        low, high = np.percentile(place[:, 0], (1, 99))
        part = np.clip(3 * (place[:, 0] - low) / max(high - low, 1), 0, 2.99).astype(int)
        level = (picture[stands].astype(int) * _BINS) // 256
        code = ((part * _BINS + level[:, 0]) * _BINS + level[:, 1]) * _BINS + level[:, 2]
        rows.append(np.sqrt(np.bincount(code, minlength=3 * _BINS ** 3) / len(code)))
    return np.array(rows)


def _people(figures: Figures) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """A function that says at which rank the true person is, by the colours of all other pictures of each."""
    names, of = np.unique(figures.person, return_inverse=True)
    colours = _colours(figures.pictures)

    def ranks(pictures: np.ndarray, person: np.ndarray, without: np.ndarray) -> np.ndarray:
        found = []
        for mine, true, left_out in zip(_colours(pictures), person, without, strict=True):
            kept = np.ones(len(of), bool)
            kept[left_out] = False
            means = np.stack([colours[kept & (of == i)].mean(0) for i in range(len(names))])
            likeness = means @ mine / np.linalg.norm(means, axis=1)
            found.append(int((likeness > likeness[names == true][0]).sum()))
        return np.array(found)

    return ranks


def grid(network: TokenRenderer, figures: Figures, people: int = 6, motions: int = 8) -> np.ndarray:
    """A page: the driving pictures above, the people at the left, each in each motion."""
    count = np.array([np.sum(figures.person == name) for name in np.unique(figures.person)])
    names = np.unique(figures.person)[np.argsort(-count, kind="stable")[:people]]
    shown = np.array([np.flatnonzero(figures.person == name)[0] for name in names])
    strangers = np.flatnonzero(~np.isin(figures.person, names))
    _, first = np.unique(figures.pose[strangers], return_index=True)
    drives = strangers[first][np.linspace(0, len(first) - 1, motions).astype(int)]
    drawn, _ = draw_rows(network, figures, np.tile(drives, people), np.repeat(shown, motions))
    blank = np.full_like(figures.pictures[:1], GREY)
    rows = [np.concatenate([blank, figures.pictures[drives]])]
    rows += [np.concatenate([figures.pictures[shown[i]][None], drawn[i * motions:(i + 1) * motions]])
             for i in range(people)]
    return np.concatenate([np.concatenate(list(row), 1) for row in rows])


def report(network: TokenRenderer, learned: Figures, asked: Figures, reader: Path, page: Path) -> dict[str, float]:
    """Print the figures; write the page of people and motions (JPEG)."""
    found = figures_of(network, train_reader(learned, reader), asked, triples(asked, np.random.default_rng(3)))
    print("\n".join(f"{name} {value:.3f}" for name, value in found.items()))
    shown = cv2.resize(grid(network, asked), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    write_bytes(page, cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())
    return found


def keep(network: TokenRenderer, learned: Figures, steps: int, minutes: float, found: dict[str, float]) -> None:
    """Keep the network with a card of what was measured."""
    told = CardText(
        "training/token_renderer_report.py together with the network it measured",
        f"""{len(learned)} pictures of {len(np.unique(learned.person))} made people, by training/body_pictures.py.
The small plan of training/token_renderer.py after {steps} batches: {minutes:.0f} minutes of one core.""",
        "after X-UniMotion (arXiv 2508.09383), our own code; no data or weights of it",
        f"Drawn people only, whole figures at {network.size.pixels} px. Joints in % of the side, colours of 255.",
    )
    export(network, FOLDER, told, found)
