import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.control_set import SIGNALS, BoneChannel, Control, ControlSet, CustomProperty, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.rig_profile import (
    RigProfile,
    find_profile,
    parse_profile,
    profile_text,
    read_profile,
    shipped_files,
    write_profile,
)

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
meaning = { mouthSmileLeft = 0.5, mouthSmileRight = 0.5 }
gain = 1.5
enabled = false

[[control]]
name = "sneer"
mesh = ["Head", "Lashes"]
shape_key = "sneer"
minimum = 0.0
maximum = 1.0

[[control]]
name = "glow"
object = "Lamp"
property = "glow"
minimum = 0
maximum = 1
"""


def written(tmp_path, text):
    path = tmp_path / "profile.toml"
    path.write_text(text)
    return path


def test_the_kinds_of_target_and_what_may_be_left_out(tmp_path):
    profile = read_profile(written(tmp_path, GOOD))
    brow, _, smile, *_ = profile.control_set.controls
    assert [c.target for c in profile.control_set.controls] == [
        BoneChannel("CTRL-brow", "location", 1), CustomProperty("CTRL-face", "puff"), ShapeKey(("Head",), "smile"),
        ShapeKey(("Head", "Lashes"), "sneer"), CustomProperty("", "glow", "Lamp")]
    assert profile.blend == tmp_path / "test.blend"
    assert (brow.pair, brow.neutral, brow.mirror_sign, dict(brow.meaning), brow.gain, brow.enabled) == (
        "brow", 0, 1, {}, 1, True)
    assert (smile.meaning, smile.gain, smile.enabled) == ({"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}, 1.5, False)
    assert (smile.offset, smile.muted, smile.mirrored) == (0, False, False), "as presets from before read"


def test_a_rig_of_ones_own_has_no_file_and_perhaps_no_armature(tmp_path):
    meshes_only = GOOD[GOOD.index("[[control]]\nname = \"smile\""):]
    profile = read_profile(written(tmp_path, 'schema = 1\nname = "Own"\narmature = ""\n' + meshes_only))
    assert profile.blend is None and profile.armature == "" and profile.description == ""


@pytest.mark.parametrize(("old", "new", "says"), [
    ("schema = 1", "schema = 2", "update Semblance"),
    ("schema = 1", "", "schema None"),
    ("schema = 1", "schema = true", "schema True"),
    ('armature = "Test"', 'armature = ""', "control 'brow' needs an armature"),
    ('group = "brows"', "group = 3", "the text 'group'"),
    ('group = "brows"', 'group = "brows"\nproperty = "x"', "'axis' beside 'property'"),
    ('group = "brows"', "pair = []", "the text 'pair'"),
    ('axis = "Y"', "axis = []", "control 'brow' needs a 'channel'"),
    ('mesh = ["Head", "Lashes"]', "mesh = []", "control 'sneer' needs a 'mesh'"),
    ('mesh = ["Head", "Lashes"]', "mesh = [1]", "control 'sneer' needs a 'mesh'"),
    ("mouthSmileLeft = 0.5", "mouthSmileMiddle = 0.5", "did you mean 'mouthSmileLeft'?"),
    ("mouthSmileLeft = 0.5", "mouthSmileLeft = nan", "finite number for 'mouthSmileLeft'"),
    ("mouthSmileLeft = 0.5", "mouthSmileLeft = 'much'", "the number 'mouthSmileLeft'"),
    ("meaning = {", "meaning = 1 # {", "'meaning' of control 'smile'"),
    ("gain = 1.5", "gain = -1.5", "gain -1.5 of control 'smile'"),
    ("enabled = false", "enabled = 0", "'enabled' of control 'smile'"),
    ("enabled = false", "muted = 'no'", "'muted' of control 'smile'"),
    ("enabled = false", "mirrored = 1", "'mirrored' of control 'smile'"),
    ("enabled = false", "offset = inf", "offset inf of control 'smile'"),
    ("enabled = false", "offset = 'up'", "the number 'offset'"),
    ("minimum = -1", "minimum = 1" + "0" * 400, "'brow' needs a minimum below its maximum"),
    ("minimum = -1", "minimum = 1" + "0" * 5000, "not valid TOML"),
    ("minimum = -1", "minimum = " + "[" * 5000, "not valid TOML"),
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


def test_shipped_profiles_are_written_back_the_same(tmp_path):
    for profile in map(read_profile, shipped_files()):
        write_profile(profile, tmp_path / profile.name / "profile.toml")
        again = read_profile(tmp_path / profile.name / "profile.toml")
        assert again == replace(profile, path=again.path)


words = st.text(st.characters(codec="utf-8"), max_size=8)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
targets = (
    st.builds(BoneChannel, names, st.sampled_from(["location", "rotation_euler", "scale"]), st.integers(0, 2))
    | st.builds(CustomProperty, names | st.just(""), names, names | st.just(""))
    | st.builds(ShapeKey, st.lists(names, min_size=1, max_size=3, unique=True).map(tuple), names)
)
amounts = st.floats(-1e6, 1e6)


@st.composite
def profiles(draw):
    called = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    limits = [sorted(draw(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=3, max_size=3, unique=True)))
              for _ in called]
    controls = tuple(
        Control(
            name, draw(targets), low, high, neutral, draw(words),
            draw(st.sampled_from(called)), draw(st.sampled_from([1.0, -1.0])),
            draw(st.dictionaries(st.sampled_from(SIGNALS), amounts, max_size=3)), draw(st.floats(0, 9)),
            draw(st.booleans()), draw(amounts), draw(st.booleans()), draw(st.booleans()),
        )
        for name, (low, neutral, high) in zip(called, limits, strict=True)
    )
    blend = draw(st.none() | st.just("own.blend") | st.just("deep/er/own.blend"))
    return draw(names), draw(words), blend, draw(names), ControlSet(controls)


@given(profiles())
def test_what_is_written_is_read_again_exactly(tmp_path_factory, parts):
    path = tmp_path_factory.mktemp("written") / "profile.toml"
    name, description, blend, armature, control_set = parts
    profile = RigProfile(name, description, path.parent / blend if blend else None, armature, control_set, path)
    write_profile(profile, path)
    assert read_profile(path) == profile


def test_a_file_elsewhere_is_named_in_full(tmp_path):
    profile = replace(read_profile(written(tmp_path, GOOD)), blend=Path("shots/own.blend"))
    write_profile(profile, tmp_path / "deep" / "own.toml")
    assert read_profile(tmp_path / "deep" / "own.toml").blend == Path("shots/own.blend").absolute()


@given(st.text() | st.binary().map(lambda b: b.decode("latin1")))
def test_any_text_is_read_or_refused_in_words(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "profile.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SemblanceError):
        read_profile(path)


scalars = st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=4)
anything = st.recursive(
    scalars | st.sampled_from(["X", "location", "Head", "brow", "jawOpen"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.sampled_from(SIGNALS), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.tuples(st.integers(0, GOOD.count("\n")), anything), min_size=1, max_size=3))
def test_any_value_in_any_place_is_read_or_refused_in_words(tmp_path_factory, changes):
    path, lines = tmp_path_factory.mktemp("fuzz") / "profile.toml", GOOD.splitlines()
    for where, value in changes:
        if " = " in lines[where % len(lines)]:
            key = lines[where % len(lines)].split(" = ")[0]
            lines[where % len(lines)] = f"{key} = {as_toml(value)}"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        assert read_profile(path).control_set
    except SemblanceError as refused:
        assert str(path) in str(refused)


def as_toml(value):
    """Any tree of values as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_toml(key)} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    return repr(value).lower()


def test_a_profile_travels_as_text_and_keeps_where_it_belongs(tmp_path):
    for profile in map(read_profile, shipped_files()):
        assert parse_profile(profile_text(profile, profile.path.parent), profile.path) == profile
    with pytest.raises(SemblanceError, match=r"elsewhere\.toml"):
        parse_profile("schema = 9", tmp_path / "elsewhere.toml")
