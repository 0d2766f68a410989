"""Fits the conversion from our coefficients to FLAME's numbers, and the mixture of experts that goes back.

    python -m training.flame                                           to our own basis: what is shipped, half a minute
    python -m training.flame --basis flame.npz --output my_flame       to the basis of whoever has FLAME
    python -m training.flame --matrix mat_final.npy --output my_flame  to that of EMAGE's published matrix

Writes conversion.npz (for `semblance face` and `semblance export --conversion`), and model.onnx with its card, by which
training/body_face_formats.py turns BEAT2's and Motion-X's faces into coefficients. All need the Live Link take of the
shared folder, all but the last ICT-FaceKit; docs/face_from_body.md tells what a basis file has.
"""
from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch

from addon.core import coefficients
from addon.core.arrays import write_arrays
from addon.core.errors import SemblanceError
from addon.core.live_link import ARKIT_CHANNELS
from addon.expression.flame import EXPRESSIONS, JAW, NUMBERS, SHIPPED, Conversion

from .body_face_formats import FLAME_TO_ARKIT, read_numpy
from .expression_classes import class_mix
from .flame_basis import Basis, Surface, made_basis, on_basis, read_basis
from .flame_experts import Faces, Mixture, learn
from .network_cards import Told, export_network
from .performers import IDENTITY_MODES, PerformanceCurves, random_mix

FACES: Final = 12_000
STEPS: Final = 3000
TEST_FACES: Final = 2000
TEST_SEED: Final = 90_010
_BASIS_FACES: Final = 1500
_PART: Final = 500
_TONGUE: Final = coefficients.INDEX["tongueOut"]
_EMAGE: Final = sorted(name.lower() for name in ARKIT_CHANNELS if name != "TongueOut")
"""The 51 shapes of EMAGE's matrix: ARKit's in the alphabetical order of their names, without the tongue."""
_EMAGE_SHAPE: Final = (len(_EMAGE), 103)


@dataclass(frozen=True)
class Fitted:
    """A conversion, and faces as it and as fitting give them, to learn the way back from."""

    conversion: Conversion
    faces: Faces


def draw_coefficients(random: np.random.Generator, count: int, held_out: bool = False) -> np.ndarray:
    """float32 [N, 54]: three fifths from a recorded take, the others of the seven classes and random mixes; for tests
    stretches and variants that are never learned from."""
    curves = _curves()
    found = np.empty((count, coefficients.COUNT), np.float32)
    for row in found:
        kind = random.random()
        if kind < 0.6:
            row[:] = curves.test[random.integers(len(curves.test))] if held_out else curves.sample(random)
        else:
            row[:] = class_mix(random, held_out=held_out)[0] if kind < 0.8 else random_mix(random)
    found[:, _TONGUE] = 0
    return found


def draw_people(random: np.random.Generator, count: int) -> np.ndarray:
    """Identities float64 [N, 100], as performers.random_person has them."""
    return random.normal(0, 1, (count, IDENTITY_MODES)) * random.uniform(0.5, 1.2, (count, 1))


def our_basis() -> Basis:
    """The basis that the shipped conversion is for; always the same."""
    random = np.random.default_rng(0)
    return made_basis(draw_coefficients(random, _BASIS_FACES), draw_people(random, _BASIS_FACES))


def fitted_faces(surface: Surface, random: np.random.Generator, count: int, held_out: bool = False) -> Faces:
    """Faces of `count` people, jaw and expressions fitted to each as to a scan."""
    values, people = draw_coefficients(random, count, held_out), draw_people(random, count)
    parts = [surface.fitted(*surface.faces(values[at:at + _PART], people[at:at + _PART]))
             for at in range(0, count, _PART)]
    return Faces(np.concatenate(parts).astype(np.float32), values)


def fit(basis: Basis, count: int, seed: int = 1) -> Fitted:
    """The linear conversion nearest to what fitting gives, bounded by what it gives; and both kinds of faces."""
    seen = fitted_faces(on_basis(basis), np.random.default_rng(seed), count)
    matrix = np.linalg.lstsq(seen.coefficients, seen.numbers, rcond=None)[0]
    conversion = Conversion(basis.name, matrix, seen.numbers.min(0), seen.numbers.max(0))
    given = np.concatenate([seen.numbers, conversion(seen.coefficients)])
    return Fitted(conversion, Faces(given, np.tile(seen.coefficients, (2, 1))))


def fit_matrix(path: Path, count: int, seed: int = 1) -> Fitted:
    """The same for a published matrix [51, 103] of ARKit shapes by 100 expressions and the jaw's turn.

    Raises:
        SemblanceError: naming the file, if it is another one.
    """
    matrix = read_numpy(path)
    if not isinstance(matrix, np.ndarray) or matrix.shape != _EMAGE_SHAPE or not np.isfinite(matrix).all():
        raise SemblanceError(f"'{path}' is not EMAGE's matrix: {list(_EMAGE_SHAPE)} numbers belong there.")
    rows = np.concatenate([matrix[:, 100:], matrix[:, :EXPRESSIONS]], 1)
    ours = np.zeros((coefficients.COUNT, NUMBERS), np.float32)
    for i, name in enumerate(coefficients.ARKIT_OF):
        if name.lower() in _EMAGE:
            # One ARKit shape is the mean of both our sides of it.
            ours[i] = rows[_EMAGE.index(name.lower())] / coefficients.ARKIT_OF.count(name)
    values = draw_coefficients(np.random.default_rng(seed), count)
    numbers = values @ ours
    conversion = Conversion(Path(path).stem, ours, numbers.min(0), numbers.max(0))
    return Fitted(conversion, Faces(conversion(values), values))


def write_conversion(conversion: Conversion, path: Path) -> None:
    """Write what `addon.expression.flame.read_conversion` reads."""
    arrays = {name: getattr(conversion, name).astype(np.float32) for name in ("matrix", "least", "most")}
    write_arrays(path, conversion.basis.encode(), arrays)


def errors(answer: Callable[[np.ndarray], np.ndarray], faces: Faces) -> np.ndarray:
    """Mean absolute error [54] of each coefficient."""
    return np.abs(answer(faces.numbers) - faces.coefficients).mean(0)


def answer_of(network: torch.nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """A network as a function of numpy arrays."""
    def answer(numbers: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.tensor(numbers)).numpy()

    return answer


def export(network: Mixture, folder: Path, data: str, quality: dict[str, float]) -> None:
    """Write the mixture with its card; `data` is what it learned from, `quality` the mean absolute error of each."""
    told = Told("training/flame.py", data, "after B2F (arXiv 2511.13988), our own code; no data or weights of it")
    export_network(network, (torch.zeros(2, NUMBERS),), folder, told, (
        ("input", "numbers", (-1, NUMBERS), f"the jaw's turn ({JAW}, axis · rad), {EXPRESSIONS} expressions"),
        ("output", "coefficients", (-1, coefficients.COUNT), "0..1; tongueOut is always 0"),
    ), quality)


@cache
def _curves() -> PerformanceCurves:
    return PerformanceCurves()


def main() -> None:
    """Fit, learn, measure, write."""
    parser = argparse.ArgumentParser(prog="training.flame", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--basis", type=Path, metavar="NPZ", help="expressions, jaw and landmarks of a head of your own")
    whose.add_argument("--matrix", type=Path, metavar="NPY", help="51 ARKit shapes by 100 expressions and the jaw")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write; needed with the two above")
    parser.add_argument("--faces", type=int, default=FACES)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    if (arguments.basis or arguments.matrix) and not arguments.output:
        parser.error("name with --output a folder for what is fitted to your own basis")
    torch.set_num_threads(1)
    try:
        _run(arguments)
    except SemblanceError as error:
        raise SystemExit(f"semblance: {error}") from error


def _run(arguments: argparse.Namespace) -> None:
    begun = time.process_time()
    if arguments.matrix:
        found = fit_matrix(arguments.matrix, arguments.faces)
        values = draw_coefficients(np.random.default_rng(TEST_SEED), TEST_FACES, held_out=True)
        test = Faces(found.conversion(values), values)
    else:
        basis = read_basis(arguments.basis) if arguments.basis else our_basis()
        found = fit(basis, arguments.faces)
        test = fitted_faces(on_basis(basis), np.random.default_rng(TEST_SEED), TEST_FACES, held_out=True)
    network = learn(Mixture(), found.faces, arguments.steps)
    missed = errors(answer_of(network), test)
    minutes = (time.process_time() - begun) / 60
    whose = "by its matrix alone" if arguments.matrix else "on people of ICT-FaceKit (MIT)"
    told = (f"{arguments.faces} faces in the basis '{found.conversion.basis}', {whose}:\ncoefficients of a Live Link "
            f"take (MIT) and drawn ones; {arguments.steps} steps, {minutes:.1f} minutes of one core.")
    folder = arguments.output or FLAME_TO_ARKIT
    export(network, folder, told, {name: float(value) for name, value in zip(coefficients.NAMES, missed, strict=True)})
    written = folder / "conversion.npz" if arguments.output else SHIPPED
    write_conversion(found.conversion, written)
    for name, value in zip(coefficients.NAMES, missed, strict=True):
        print(f"  {name:<20} {value:.4f}")
    print(f"Mean absolute error {missed[:_TONGUE].mean():.4f} of {TEST_FACES} faces that were not learned from, "
          f"{minutes:.1f} minutes of one core.\nWrote '{written}' and '{folder}'.")


if __name__ == "__main__":
    main()
