import hashlib

import pytest

from addon.core.errors import SemblanceError
from addon.core.model_card import load_network, read_card
from addon.core.paths import MODELS

CARD = """
schema = 1
name = "tiny"
version = "1"
licence = "MIT"
data = "none"
sha256 = "{}"
[[input]]
name = "a"
shape = [-1, 3]
[[output]]
name = "b"
shape = [-1, 2]
"""


def folder(tmp_path, network=b"net", card=None):
    (tmp_path / "model.onnx").write_bytes(network)
    (tmp_path / "card.toml").write_text(card or CARD.format(hashlib.sha256(b"net").hexdigest()))
    return tmp_path


def test_a_matching_card(tmp_path):
    network, card = load_network(folder(tmp_path))
    assert network == b"net"
    assert card.inputs == {"a": (-1, 3)} and card.outputs == {"b": (-1, 2)}
    assert card.stamp.startswith("tiny 1 ")


def test_another_network_is_refused(tmp_path):
    with pytest.raises(SemblanceError, match="not the one its card.toml describes"):
        load_network(folder(tmp_path, b"other"))


@pytest.mark.parametrize(("card", "says"), [
    (CARD.replace("schema = 1", "schema = 7"), "schema 7"),
    (CARD.replace('name = "tiny"', ""), "lacks 'name'"),
    ("[[", "not valid"),
    (CARD.replace('[[input]]\nname = "a"\nshape = [-1, 3]', "input = 3"), "not valid"),
])
def test_a_broken_card_is_refused(tmp_path, card, says):
    with pytest.raises(SemblanceError, match=says):
        read_card(folder(tmp_path, card=card))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(SemblanceError, match="Cannot read the model card"):
        load_network("no such model")
    (tmp_path / "card.toml").write_text(CARD)
    with pytest.raises(SemblanceError, match="Cannot read the network"):
        load_network(tmp_path)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/card.toml")), ids=lambda p: p.parent.name)
def test_every_shipped_network_is_the_one_its_card_describes(path):
    _, card = load_network(path.parent.name)
    assert card.name == path.parent.name
    assert {"licence", "data"} <= set(card.data)
