"""The transfer between two characters by what their controls mean, learned once and kept among the user's files."""
from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from ..core.errors import SemblanceError
from ..core.paths import user_folder
from ..core.rig_profile import RigProfile, profile_text
from .decoder import load_decoder
from .learned_rig import learned_path
from .transfer import Transfer, read_transfer, train, write_transfer
from .transfer_pairs import decoded_pairs


def kept_transfer(source: RigProfile, target: RigProfile) -> Transfer:
    """Read it if these two were as they are now when it was learned; else learn it, which takes seconds.

    Raises:
        SemblanceError: if one of them has neither a decoder nor controls with a meaning.
    """
    path = _path(source, target)
    with contextlib.suppress(SemblanceError):
        return read_transfer(path, source, target)
    transfer = train(source, target, decoded_pairs(source, target))
    with contextlib.suppress(SemblanceError, OSError):  # what cannot be kept is learned again
        write_transfer(transfer, path)
        pair = path.name.partition("-")[0]
        for earlier in path.parent.glob(f"{pair}-*"):
            if earlier != path:
                earlier.unlink()
    return transfer


def _path(source: RigProfile, target: RigProfile) -> Path:
    """Named by who the two are, and by all that they play by."""
    who, how = hashlib.sha256(), hashlib.sha256()
    for profile in (source, target):
        who.update(f"{profile.name}\n{profile.path}\n".encode())
        weights = learned_path(profile.path)
        how.update(f"{profile_text(profile, profile.path.parent)}\n{load_decoder(profile).stamp}\n".encode())
        how.update(weights.read_bytes() if weights.is_file() else b"")
    return user_folder() / "transfers" / f"{who.hexdigest()[:16]}-{how.hexdigest()[:32]}.npz"
