"""What each part of the expression teacher is worth: the same training without it, at a small and equal budget.

    python -m training.ablations [--data out/expression] [--epochs 1] [--size small]

After FreeAvatar's section 4.5. Every variant sees as many batches from the same faces with the same seed; what the
pre-training cost is not counted. Started again it goes on. Prints a table in markdown and writes it.
"""
from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.files import write_bytes
from training.evaluate import correlations
from training.expression_data import Faces, faces_of, joined
from training.make_expression_data import test_set
from training.pretrain_faces import checkpoint_path
from training.stage_runs import Plan, add_plan_arguments, chosen_plan
from training.teacher_model import TeacherNetwork, answers
from training.train_similarity import Lesson, new_teacher, read_kinds, train_teacher
from training.triplets import both_ways, common, draw_triplets

LESSONS: Final = {
    "full": Lesson(),
    "without pre-training": Lesson(pretrained=False),
    "without triplets": Lesson(triplets=False),
    "landmarks only": Lesson(crop=False),
    "crop only": Lesson(landmarks=False),
}
PLANS: Final = {"small": Plan(epochs=1, batch=128, rate=1e-3), "large": Plan(epochs=15, batch=512, rate=5e-4)}
_PEOPLE: Final = ("random", "performance")
_TRIPLETS, _CHARACTER_TRIPLETS, _TRIPLET_SEED = 3000, 900, 90_002


@dataclass(frozen=True)
class Trial:
    """Unseen people, alone or with one of our characters, and triplets of them."""

    title: str
    faces: Faces
    triplets: np.ndarray
    """int [T, (anchor, positive, negative)]."""


def tests_of(people: dict[str, Faces], drawn: dict[str, Faces]) -> list[Trial]:
    """Tests of the people alone and with each character's faces."""
    tests = []
    for title, faces in people.items():
        rows = draw_triplets(faces.coefficients, faces.person, _TRIPLETS, _TRIPLET_SEED)
        tests.append(Trial(title, faces, rows))
        for name, character in drawn.items():
            both = joined([faces, character[character.known.any(1)]])
            seen = common(both.coefficients, both.known)
            is_drawn = np.arange(len(both)) >= len(faces)
            rows = draw_triplets(seen, both.person, _CHARACTER_TRIPLETS, _TRIPLET_SEED, is_drawn)
            tests.append(Trial(f"{title} and {name}", both, rows))
    return tests


def measure(network: TeacherNetwork, lesson: Lesson, tests: list[Trial]) -> dict[str, float]:
    """Mean r on people's sets, and the share of triplets that the embedding orders rightly both ways."""
    found: dict[str, float] = {}
    across: list[float] = []
    for test in tests:
        faces = lesson.shown(test.faces)
        values, places = answers(network, faces.crops, faces.landmarks)
        right = both_ways(places, test.triplets)
        if " and " in test.title:
            across.append(right)
            continue
        found[f"{test.title} r"] = float(np.nanmean(correlations(values.clip(0, 1), faces.coefficients)))
        found[f"{test.title} triplets"] = right
    named = {title: found[f"{title} r"] for title in _PEOPLE}
    people = float(np.mean([found[f"{title} triplets"] for title in _PEOPLE]))
    return named | {"triplets, people": people} | ({"triplets, characters": float(np.mean(across))} if across else {})


def ablate(
    kinds: dict[str, Faces], tests: list[Trial], plan: Plan, data: Path, size: str
) -> Iterator[tuple[str, dict[str, float]]]:
    """Each variant's name and figures, once it is trained."""
    steps = plan.steps(sum(map(len, kinds.values())))
    for name, lesson in LESSONS.items():
        # Without its crop a face drawn straight at the crop's size shows nothing.
        shown = kinds if lesson.crop else {kind: faces for kind, faces in kinds.items() if kind != "crops"}
        network = new_teacher(size, kinds, checkpoint_path(data, size) if lesson.pretrained else None, plan.seed)
        begun = time.process_time()
        path = data / f"ablation_{name.replace(' ', '_')}_{size}.pt"
        if train_teacher(network, shown, steps, plan, path, {"network": name, "size": size}, lesson) == 0:
            minutes = (time.process_time() - begun) / 60
            yield name, measure(network, lesson, tests) | {"minutes of one core": minutes}


def table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown; the figures of the variants [name → figure → value]."""
    columns = list(next(iter(rows.values())))
    lines = [["", *columns], ["---"] + ["---:"] * len(columns)]
    lines += [[name, *(f"{figures[column]:.3f}" if "minutes" not in column else f"{figures[column]:.1f}"
                       for column in columns)] for name, figures in rows.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    """Train and measure every variant."""
    from training.drawn_faces import CHARACTERS
    from training.drawn_faces import test_set as drawn_set

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_plan_arguments(parser)
    arguments = parser.parse_args()
    plan, data = chosen_plan(arguments, PLANS), arguments.data
    kinds = read_kinds(data)
    tests = tests_of({kind: faces_of(test_set(kind, data)) for kind in _PEOPLE},
                     {name: faces_of(drawn_set(name, data)) for name in CHARACTERS})
    rows = {}
    for name, figures in ablate(kinds, tests, plan, data, arguments.size):
        rows[name] = figures
        print(name, figures, flush=True)
    if len(rows) < len(LESSONS):
        print(f"{len(LESSONS) - len(rows)} of {len(LESSONS)} variants have steps left; start it again")
        return
    faces = ", ".join(f"{len(some)} {kind}" for kind, some in kinds.items())
    text = (f"{plan.epochs:g} epochs in batches of {plan.batch} from {faces} faces, seed {plan.seed}, size "
            f"{arguments.size}; a triplet's chance is 0.333\n\n{table(rows)}")
    write_bytes(data / "ablations.md", text.encode())
    print(text)


if __name__ == "__main__":
    main()
