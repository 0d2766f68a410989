"""Keys of a character that follows another one live: the performance that moved the leader, carried over."""
from __future__ import annotations

import bpy

from ..characters.acting import act
from ..characters.decoder import load_decoder
from ..characters.kept_transfer import kept_transfer
from ..core.take import Take
from .actors import keep_actor
from .apply import Applied, extend_scene
from .binding import bind
from .character_choice import known_character
from .comparison import look, remember
from .keying import Placement
from .transfer_action import transfer_track


def key_follower(
    scene: bpy.types.Scene, root: bpy.types.Object, leader: bpy.types.Object, take: Take, name: str,
    placement: Placement,
) -> Applied:
    """Let the leader play the take in its own style, carry that over to `root`, key it and remember what was on it.

    Raises:
        SemblanceError: if one of them is not set up or cannot play, or as `key_track`.
    """
    root, profile, left_out = known_character(root, scene)
    leader, source, _ = known_character(leader, scene)
    actor, lead = keep_actor(scene, root), keep_actor(scene, leader)
    played = act(take.smoothed, load_decoder(source), source.control_set, lead.style(), lead.mirror)
    binding = bind(profile, scene, root)
    before = look(binding)
    done = transfer_track(
        played, kept_transfer(source, profile), binding, scene, f"{name} {root.name}", placement, actor.mirror
    )
    remember(actor, before, done.keyed)
    if scene.semblance.use_extend:
        extend_scene(scene, done.keyed)
    notes = (*left_out, *binding.missing, *binding.notes)
    return Applied(root.name, done.keyed, f"{source.name} to {profile.name}", notes, before)
