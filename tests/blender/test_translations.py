"""Every string that the interface shows has its German, nothing else has, and values keep their places."""
from __future__ import annotations

import re
import sys

import pytest

from addon.blender import translations

from .conftest import ROOT

sys.path.insert(0, str(ROOT / "packaging"))
import ui_strings

TABLES = sorted(translations.FOLDER.glob("*.toml"))


@pytest.fixture
def german(monkeypatch):
    monkeypatch.setattr(translations, "_tables", translations.read_tables())
    monkeypatch.setattr(translations, "_language", lambda: "de")
    yield
    translations._translated.cache_clear()
    translations._patterns.cache_clear()


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_nothing_lacks_and_nothing_is_left_over(table):
    missing, left_over = ui_strings.compare(table)
    assert missing == {}, "python packaging/ui_strings.py lists what to add"
    assert left_over == []


def test_the_program_finds_labels_tooltips_settings_and_sentences(tmp_path):
    (tmp_path / "a.py").write_text('''
"""Of no interest here."""
A = "A constant that reads like a sentence."
class X_OT_y(Operator):
    """Does a thing"""
    bl_label = "Label"
    size: FloatProperty(name="Size", description="How large", items=(("A", "First", "The first one"),))
    def draw(self, context):
        """Not shown."""
        self.layout.label(text=said(f"{self.a} of {self.b} things"))
        do(f"Kept {self.a} things")
        raise SemblanceError("wrong" if self.a else f"worse than {self.b}")
''', encoding="utf-8")
    assert set(ui_strings.find(tmp_path)) == {
        "A constant that reads like a sentence.", "Does a thing", "Label", "Size", "How large", "First",
        "The first one", "{0} of {1} things", "wrong", "worse than {0}", "Kept {0} things",
    }


@pytest.mark.parametrize(("language", "strings"), translations.read_tables().items())
def test_values_are_in_both_languages(language, strings):
    place = re.compile(r"\{\d*\}")
    for text, words in strings.items():
        assert sorted(place.findall(text)) == sorted(place.findall(words)), text
    assert [text for text, words in strings.items() if not words or text[:1].isspace() != words[:1].isspace()] == []


def test_a_sentence_with_values_is_said_in_german(german):
    said = translations.said
    assert said("12 of 53 controls are on") == "12 von 53 Reglern eingeschaltet"
    assert said("Ada got no keys: There is no '/a/b.mp4'; choose another source.") == (
        "Ada bekam keine Schlüsselbilder: Es gibt kein „/a/b.mp4“; wählen Sie eine andere Quelle.")
    assert said("Tracking was cancelled.") == "Das Verfolgen wurde abgebrochen."
    assert said("A sentence of another room.") == "A sentence of another room."


def test_without_a_table_a_sentence_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(translations, "_language", lambda: "ja")
    assert translations.said("12 of 53 controls are on") == "12 of 53 controls are on"
