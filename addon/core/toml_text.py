"""Text as TOML writes it; Python reads TOML and writes none."""
from __future__ import annotations

import json


def quoted(text: str) -> str:
    """A basic string, which is also a key."""
    # JSON writes the same but for one control character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
