import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.control_set import BoneChannel, CustomProperty, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.rig_profile import find_profile, read_profile

GOOD = """
schema = 1
name = "Test"
blend = "test.blend"
armature = "Test"

[[control]]
name = "brow"
bone = "CTRL-brow"
channel = "location"
axis = "Y"
minimum = -1
maximum = 1.0
group = "brows"

[[control]]
name = "puff"
bone = "CTRL-face"
property = "puff"
minimum = 0.0
maximum = 1.0

[[control]]
name = "smile"
mesh = "Head"
shape_key = "smile"
minimum = 0.0
maximum = 1.0
"""


def written(tmp_path, text):
    path = tmp_path / "profile.toml"
    path.write_text(text)
    return path


def test_the_three_kinds_of_target(tmp_path):
    profile = read_profile(written(tmp_path, GOOD))
    assert [c.target for c in profile.control_set.controls] == [
        BoneChannel("CTRL-brow", "location", 1), CustomProperty("CTRL-face", "puff"), ShapeKey("Head", "smile")]
    assert profile.blend == tmp_path / "test.blend"
    assert profile.control_set.controls[0].pair == "brow"


@pytest.mark.parametrize(("old", "new", "says"), [
    ("schema = 1", "schema = 2", "update Semblance"),
    ("schema = 1", "", "schema None"),
    ('axis = "Y"', 'axis = "W"', "control 'brow' needs a 'channel'"),
    ('axis = "Y"', 'axes = "Y"', "unknown key 'axes'"),
    ("minimum = -1", "minimum = true", "the number 'minimum'"),
    ("minimum = -1", "minimum = nan", "'brow' needs a minimum below its maximum"),
    ("minimum = -1", "minimum = 1", "'brow' needs a minimum below its maximum"),
    ('armature = "Test"', "", "the text 'armature'"),
    ('name = "puff"', 'name = "brow"', "Two controls are named 'brow'"),
    ("[[control]]", "[[", "not valid TOML"),
])
def test_a_wrong_profile_is_refused_with_its_file(tmp_path, old, new, says):
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(SemblanceError, match=re.escape(says)) as caught:
        read_profile(path)
    assert str(path) in str(caught.value)


def test_a_missing_profile_and_an_unknown_character(tmp_path):
    with pytest.raises(SemblanceError, match="Cannot read the rig profile"):
        read_profile(tmp_path / "none.toml")
    for name in ("Nobody", "../pip", "", "."):
        with pytest.raises(SemblanceError, match="the characters here are"):
            find_profile(name)


@given(st.text() | st.binary().map(lambda b: b.decode("latin1")))
def test_any_text_is_read_or_refused_in_words(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "profile.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SemblanceError):
        read_profile(path)
