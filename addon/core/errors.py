"""Errors that a user reads: one sentence naming the thing and what to do about it."""
from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


class SemblanceError(Exception):
    """An expected failure; its text is one clear sentence for the user."""


class MissingWheel(SemblanceError):
    """A run-time wheel that one feature needs is not installed."""


def required(found: T | None, sentence: str) -> T:
    """What was found.

    Raises:
        SemblanceError: with the sentence, if nothing was.
    """
    if found is None:
        raise SemblanceError(sentence)
    return found


def require(module: str, feature: str) -> ModuleType:
    """Import the heavy wheel `module`, or say which `feature` is off without it.

    Raises:
        MissingWheel: if the module cannot be imported here.
    """
    # Since 1.29 onnxruntime reports to its maker by default, with an identifier in the user's home.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingWheel(
            f"{feature} is off because the Python module '{module}' cannot be loaded ({error}): {_remedy(error)}."
        ) from error


def _remedy(error: ImportError) -> str:
    """What to do; a wheel that is there and cannot be loaded on Windows lacks what its compiler takes for granted."""
    if "DLL load failed" in str(error):
        return "install Microsoft's Visual C++ runtime (vc_redist.x64.exe from microsoft.com) and start again"
    return "install the extension's zip, or run 'make dev-install' in a checkout"
