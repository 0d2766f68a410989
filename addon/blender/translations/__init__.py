"""The interface in other languages: one table for each; Blender looks up what is constant, `said` what has values.

What the Blender room shows is translated: labels, tooltips, menus, reports, sentences of panels. Sentences of the rooms
that do not know Blender (tracking, characters, live, robot, core) stay in English, as in a terminal; so do the names of
signals, coefficients and expressions, which are data.
"""
from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Final

import bpy

FOLDER: Final = Path(__file__).parent
_PLACE: Final = re.compile(r"\{(\d+)\}")
OURS: Final = "Semblance"
"""The translation context of labels that mean something else in the rest of Blender, such as keys and characters."""
_CONTEXTS: Final = ("*", "Operator", OURS)
_FEW: Final = 5
"""Letters of a sentence without its values."""

_tables: dict[str, dict[str, str]] = {}


def register() -> None:
    """Let Blender know all tables."""
    _tables.update(read_tables())
    bpy.app.translations.register(__package__, {
        language: {(context, text): words for text, words in strings.items() for context in _CONTEXTS}
        for language, strings in _tables.items()
    })


def unregister() -> None:
    """Let it forget them."""
    bpy.app.translations.unregister(__package__)
    _tables.clear()
    _translated.cache_clear()
    _patterns.cache_clear()


def read_tables() -> dict[str, dict[str, str]]:
    """Language ("de") → what is shown in English → in that language."""
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["strings"] for path in FOLDER.glob("*.toml")}


def said(sentence: str) -> str:
    """A sentence with values in it, in the language of the interface; in English if that has none for it."""
    language = _language()
    return _translated(sentence, language) if language in _tables else sentence


def _language() -> str:
    """Of the interface: "de" of "de_DE"; empty in a Blender without languages."""
    return bpy.app.translations.locale.partition("_")[0]


@lru_cache(maxsize=2048)
def _translated(sentence: str, language: str) -> str:
    strings = _tables[language]
    if sentence in strings:
        return strings[sentence]
    for part, pattern, order, words in _patterns(language):
        if part in sentence and (found := pattern.fullmatch(sentence)):
            for place, value in zip(order, found.groups(), strict=True):
                words = words.replace(f"{{{place}}}", _translated(value, language))
            return words
    return sentence


@lru_cache
def _patterns(language: str) -> list[tuple[str, re.Pattern[str], list[str], str]]:
    """(its longest part, how it looks in English, the numbers of its values, that language's words), the longest first.

    The part spares most patterns their search: a panel with numbers that change is drawn often.
    """
    filled = [(text, words) for text, words in _tables[language].items() if _PLACE.search(text)]
    found = []
    for text, words in sorted(filled, key=lambda each: len(_PLACE.sub("", each[0])), reverse=True):
        few = sum(letter.isalpha() for letter in _PLACE.sub("", text)) < _FEW
        value = r"(\S*?)" if few else "(.*?)"    # two words in a long sentence mean nothing
        parts = [re.escape(part) if index % 2 == 0 else value for index, part in enumerate(_PLACE.split(text))]
        longest = max(_PLACE.split(text)[::2], key=len)
        found.append((longest, re.compile("".join(parts), re.DOTALL), _PLACE.findall(text), words))
    return found
