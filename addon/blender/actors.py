"""Who plays: the characters of a scene that one Apply keys, each with a style of its own; kept in the scene."""
from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..characters.style import LEAST, MOST, Style


class SEMBLANCE_PG_kept(bpy.types.PropertyGroup):
    """What one data-block of a character is animated by on the other side of before and after."""

    item: PointerProperty(type=bpy.types.Object, name="Object", description="What carries the animation")
    keys: PointerProperty(type=bpy.types.Key, name="Shape Keys", description="Of a mesh; instead of an object")
    action: PointerProperty(
        type=bpy.types.Action, name="Action", description="The Action on the other side of before and after",
    )
    slot: StringProperty(name="Slot", description="The identifier of the slot of that Action")
    track: StringProperty(name="NLA Track", description="Of the new keys, where they went to a strip")

    @property
    def owner(self) -> bpy.types.ID | None:
        """What carries the animation; None if it is gone."""
        return self.item or self.keys


class SEMBLANCE_PG_value(bpy.types.PropertyGroup):
    """The value of one control, by the group's own name, on the other side of before and after."""

    value: FloatProperty(name="Value", description="The value of one control")


def _may_lead(actor: SEMBLANCE_PG_actor, item: bpy.types.Object) -> bool:
    """Another ticked character of the list that follows nobody itself."""
    return any(
        other.root == item and other.use and other.leader is None
        for other in actor.id_data.semblance.actors if other.root != actor.root
    )


class SEMBLANCE_PG_actor(bpy.types.PropertyGroup):
    """One character of the scene."""

    root: PointerProperty(type=bpy.types.Object, name="Character", description="Its armature, or its mesh without one")
    use: BoolProperty(name="Key", default=False, description="Apply keys this character")
    strength: FloatProperty(
        name="Strength", default=1, min=LEAST, max=MOST, step=5, precision=2,
        description="How strongly the character plays: 0.5 calm, 1 as the performer, 2 broad. Closed lids and lips "
        "stay closed. Apply again to see it",
    )
    head_and_gaze: BoolProperty(
        name="Head and Gaze Too", default=False,
        description="The strength also counts for how far the head turns and the eyes look",
    )
    mirror: BoolProperty(
        name="Mirror Performance", default=False,
        description="The character plays what the performer does as seen in a mirror: left and right swapped",
    )
    face: IntProperty(
        name="Face", default=1, min=1, max=8,
        description="Live: which face in the picture plays this character; 1 is the largest",
    )
    leader: PointerProperty(
        type=bpy.types.Object, name="Follows", poll=_may_lead,
        description="Live: take over what this other ticked character plays, by Transfer; empty plays by itself. "
        "It takes some seconds to learn",
    )
    kept: CollectionProperty(type=SEMBLANCE_PG_kept, description="What was on the character on the other side")
    values: CollectionProperty(type=SEMBLANCE_PG_value, description="Where its controls stood on the other side")
    shows_new: BoolProperty(
        name="Shows New Keys", default=True, description="The new keys are on the character, not those before",
    )

    def style(self) -> Style:
        """As the rest of Semblance knows it."""
        # Blender keeps float32, whose nearest to a limit may lie beyond it.
        return Style(min(max(float(f"{self.strength:.6g}"), LEAST), MOST), self.head_and_gaze)


def find_actor(scene: bpy.types.Scene, root: bpy.types.Object | None) -> SEMBLANCE_PG_actor | None:
    """The entry of `root` in the scene's list."""
    return next((actor for actor in scene.semblance.actors if root is not None and actor.root == root), None)


def keep_actor(scene: bpy.types.Scene, root: bpy.types.Object) -> SEMBLANCE_PG_actor:
    """The entry of `root`, a new one if there is none."""
    found = find_actor(scene, root)
    if found is None:
        found = scene.semblance.actors.add()
        found.root = root
    return found


def cast(scene: bpy.types.Scene, root: bpy.types.Object | None) -> None:
    """Let Apply key `root`: alone, or beside the others where several are chosen already; who is gone is forgotten."""
    drop_absent(scene)
    actors = scene.semblance.actors
    if sum(actor.use for actor in actors) <= 1:
        for actor in actors:
            actor.use = False
    if root is not None:
        keep_actor(scene, root).use = True
        show(scene, root)


def show(scene: bpy.types.Scene, root: bpy.types.Object) -> None:
    """Highlight the row of `root` in the list."""
    settings = scene.semblance
    index = next((i for i, actor in enumerate(settings.actors) if actor.root == root), settings.actor)
    if settings.actor != index:
        settings.actor = index


def forget_actor(scene: bpy.types.Scene, root: bpy.types.Object) -> None:
    """Take the entry of `root` out of the list."""
    actors = scene.semblance.actors
    for index in reversed(range(len(actors))):
        if actors[index].root == root:
            actors.remove(index)


def drop_absent(scene: bpy.types.Scene) -> None:
    """Take characters out of the list that are no longer in the scene, or linked, so that nobody can key them."""
    actors = scene.semblance.actors
    for index in reversed(range(len(actors))):
        root = actors[index].root
        if root is None or root.name not in scene.objects or not root.is_editable:
            actors.remove(index)


def cast_roots(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The characters that are ticked, in the order of the list."""
    return [actor.root for actor in scene.semblance.actors if actor.use and actor.root is not None]
