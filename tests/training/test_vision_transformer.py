"""The face transformer and its masked autoencoder: what is hidden, what comes back where, what never leaks."""
from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.expression_data import REGION  # noqa: E402
from training.vision_transformer import (  # noqa: E402
    PATCH_VALUES,
    PATCHES,
    FaceTransformer,
    Hiding,
    MaskedAutoencoder,
    PatchStem,
    Size,
    face_region,
    from_patches,
    hide_patches,
    normalised,
    to_patches,
)

TINY = Size(32, 2, 2, 32, 1)


def noise(faces: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(faces, PATCHES, generator=torch.Generator().manual_seed(seed))


def test_the_region_is_the_middle_of_the_crop() -> None:
    crops = torch.arange(128, dtype=torch.uint8)[None, None, :, None].expand(2, 128, 128, 3)
    region = face_region(crops) * 255
    assert region.shape == (2, *REGION, 3) == (2, 112, 96, 3)
    # Columns 16..111 of 0..127: what is mirrored in the crop is mirrored in the region.
    np.testing.assert_allclose(region + region.flip(2), 127, atol=1e-3)


def test_patches_come_back_as_the_face() -> None:
    faces = torch.rand(3, *REGION, 3)
    patches = to_patches(faces)
    assert patches.shape == (3, PATCHES, PATCH_VALUES)
    assert torch.equal(patches[1, 7].reshape(16, 16, 3), faces[1, 16:32, 16:32])
    assert torch.equal(from_patches(patches), faces)


def test_three_quarters_are_hidden_and_find_their_place_again() -> None:
    hiding = hide_patches(noise(50))
    assert hiding.seen.shape == (50, 10) and hiding.hidden.sum(1).unique().tolist() == [32]
    assert 31 / 42 <= hiding.hidden.float().mean() <= 33 / 42
    assert not torch.gather(hiding.hidden, 1, hiding.seen).any()
    assert len(torch.unique(hiding.seen, dim=0)) > 45
    rest = torch.stack([torch.nonzero(row).flatten() for row in hiding.hidden])
    # Un-shuffled, the seen and the hidden ones in some order stand where they came from.
    shuffled = torch.cat([hiding.seen, torch.full_like(rest, -1)], 1)
    back = shuffled.gather(1, hiding.back)
    assert torch.equal(back >= 0, ~hiding.hidden)
    assert torch.equal(torch.where(hiding.hidden, torch.arange(PATCHES), back), torch.arange(PATCHES).expand(50, -1))


def test_a_normalised_patch_forgets_its_light_but_not_its_noise() -> None:
    patches = torch.rand(4, PATCHES, PATCH_VALUES)
    even, mean, spread = normalised(patches)
    np.testing.assert_allclose(even * spread + mean, patches, atol=1e-5)
    np.testing.assert_allclose(even.std(-1), 1, atol=0.01)
    assert normalised(0.5 + 0.002 * torch.randn(1, 1, PATCH_VALUES))[0].std() < 0.3


def test_the_stem_looks_at_a_patch_like_convolutions_that_do_not_overlap() -> None:
    torch.manual_seed(1)
    stem = PatchStem(24)
    patches = torch.rand(5, PATCH_VALUES)
    even, mean, spread = normalised(patches)
    image = even.reshape(5, 16, 16, 3).permute(0, 3, 1, 2)

    def convolved(layer: torch.nn.Linear, values: torch.Tensor, side: int) -> torch.Tensor:
        weight = layer.weight.reshape(len(layer.weight), side, side, -1).permute(0, 3, 1, 2)
        return torch.nn.functional.gelu(torch.nn.functional.conv2d(values, weight, layer.bias, stride=side))

    quarters = convolved(stem.quarters, convolved(stem.cells, image, 4), 2)
    light = torch.cat([4 * mean - 2, 4 * spread], 1)
    wanted = stem.whole(torch.cat([quarters.permute(0, 2, 3, 1).flatten(1), light], 1))
    np.testing.assert_allclose(stem(patches).detach(), wanted.detach(), atol=1e-5)


def test_nothing_of_a_hidden_patch_reaches_what_is_painted() -> None:
    torch.manual_seed(2)
    network = MaskedAutoencoder(TINY).eval()
    patches, hiding = torch.rand(2, PATCHES, PATCH_VALUES), hide_patches(noise(2, 3))
    other = torch.where(hiding.hidden[..., None], torch.rand(2, PATCHES, PATCH_VALUES), patches)
    with torch.no_grad():
        assert torch.equal(network(patches, hiding), network(other, hiding))
        assert not torch.allclose(network(patches + hiding.hidden.logical_not()[..., None] * torch.rand(PATCH_VALUES),
                                          hiding), network(patches, hiding), atol=1e-3)


def test_the_order_of_the_seen_patches_does_not_matter() -> None:
    torch.manual_seed(4)
    encoder = FaceTransformer(TINY).eval()
    patches = torch.rand(1, PATCHES, PATCH_VALUES)
    order = noise(1, 5)[0].argsort()
    with torch.no_grad():
        np.testing.assert_allclose(encoder.of_seen(patches, order[None])[0], encoder(patches)[0, order], atol=1e-5)


def test_it_learns_to_paint_and_leaves_seen_patches_as_they_are() -> None:
    torch.manual_seed(6)
    network = MaskedAutoencoder(TINY)
    # Each face is one stripe pattern of its own phase: what is hidden follows from what is seen.
    phase = noise(8, 7)[:, :1, None, None] * 6.28
    faces = (0.5 + 0.4 * torch.sin(torch.arange(REGION[1])[:, None] * 0.39 + phase)).expand(8, *REGION, 3)
    patches, optimiser = to_patches(faces), torch.optim.AdamW(network.parameters(), 5e-3)
    losses = []
    for step in range(25):
        loss = network.loss(patches, hide_patches(noise(8, step)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] > 0.8 and losses[-1] < 0.5 * losses[0]
    hiding: Hiding = hide_patches(noise(8, 99))
    with torch.no_grad():
        _, painted = network.painted(patches, hiding)
    seen = ~hiding.hidden
    assert torch.equal(to_patches(painted)[seen], patches[seen])
