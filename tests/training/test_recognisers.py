"""The recognisers: the paper's layers, what a copy keeps, the same numbers in torch and onnxruntime."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
import torch
from torch import nn

from training.recognisers import (
    FEATURES,
    SIZES,
    Recogniser,
    Similarity,
    Size,
    export,
    for_characters,
    varied,
)

TINY = Size(slice(0, 128), slice(0, 128), 2, (5, 3, 3), 4)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)


def test_the_papers_table() -> None:
    network = Recogniser(SIZES["paper"])
    found = [(each.kernel_size[0], each.stride[0], each.out_channels)
             for each in network.modules() if isinstance(each, nn.Conv2d)]
    # the stride of each 1-px layer is taken by the one before it
    assert found == [(11, 2, 64), (1, 1, 64), (5, 2, 64), (1, 1, 64), (5, 2, 64), (1, 1, 64), (3, 2, 64), (1, 1, 64),
                     (3, 2, 64), (1, 1, 64), (3, 1, 64)]
    assert [each.out_features for each in network.head if isinstance(each, nn.Linear)] == [7, 7]
    assert not any(isinstance(each, nn.MaxPool2d) for each in network.modules())


def test_a_stride_early_is_the_same_function() -> None:
    """Why: conv (stride 1), ReLU, 1-px conv (stride 2) = conv (stride 2), ReLU, 1-px conv (stride 1)."""
    torch.manual_seed(0)
    wide, point, picture = torch.randn(4, 1, 5, 5), torch.randn(4, 4, 1, 1), torch.randn(2, 1, 32, 32)
    late = nn.functional.conv2d(nn.functional.conv2d(picture, wide, padding=2).relu(), point, stride=2)
    early = nn.functional.conv2d(nn.functional.conv2d(picture, wide, padding=2, stride=2).relu(), point)
    torch.testing.assert_close(early, late, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [TINY, SIZES["small"]])
def test_torch_and_onnxruntime_agree(size: Size, crops: np.ndarray, tmp_path: Path) -> None:
    import onnxruntime

    torch.manual_seed(1)
    network = Recogniser(size)
    network(torch.from_numpy(crops))  # batch norm has seen something
    export(network, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    classes, features, perception = session.run(["classes", "features", "perception"], {"crop": crops})
    with torch.no_grad():
        scores = network.eval()(torch.from_numpy(crops))
        np.testing.assert_allclose(features, network.features(torch.from_numpy(crops)), atol=1e-4)
    np.testing.assert_allclose(classes, scores.softmax(1), atol=1e-4)
    np.testing.assert_allclose(perception, scores * scores.softmax(1), atol=1e-4)
    assert classes.shape == (3, 7) and features.shape == (3, FEATURES)


def test_similarity_in_onnxruntime(tmp_path: Path) -> None:
    import onnxruntime

    torch.manual_seed(1)
    network, (person, character) = Similarity(), torch.randn(2, 5, FEATURES)
    export(network, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    found, = session.run(["similarity"], {"person": person.numpy(), "character": character.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, network(person, character), atol=1e-4)


def test_light_and_contrast_hardly_matter(crops: np.ndarray) -> None:
    network = Recogniser(TINY).eval()
    crop = torch.from_numpy(crops).float() / 2
    with torch.no_grad():
        torch.testing.assert_close(network(crop), network(crop * 1.6 + 10), atol=0.02, rtol=0.02)


def test_the_characters_network_starts_from_the_peoples() -> None:
    torch.manual_seed(3)
    people = Recogniser(TINY)
    characters = for_characters(people)
    for one, other in zip(people.trunk.parameters(), characters.trunk.parameters(), strict=True):
        assert torch.equal(one, other) and one is not other
    assert not torch.equal(people.head[1].weight, characters.head[1].weight)


def test_variations_keep_the_face_in_the_picture() -> None:
    """A bright block left of the middle of black stays there, mirrored in about half of the cases."""
    pictures = torch.zeros(400, 1, 56, 48)
    pictures[:, :, 18:38, 10:20] = 250
    torch.manual_seed(4)
    found = varied(pictures)
    assert found.shape == pictures.shape
    bright = (found[:, 0] > 100).float()
    x = (bright * torch.arange(48)).sum((1, 2)) / bright.sum((1, 2)) - 23.5
    y = (bright * torch.arange(56)[:, None]).sum((1, 2)) / bright.sum((1, 2)) - 27.5
    assert 0.4 < (x > 0).float().mean() < 0.6 and (x.abs() > 3).all() and (x.abs() < 15).all()
    assert (y.abs() < 6).all() and not torch.equal(found[0], found[1])
    torch.manual_seed(4)
    assert torch.equal(found, varied(pictures))
