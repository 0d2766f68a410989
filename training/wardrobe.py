"""Draws what an Appearance adds to a performer: what is worn and held, its paint and its light."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import moderngl
import numpy as np

from addon.core.frames import head_rotation
from training import worn_things
from training.appearance import SHADOWS, Appearance
from training.performers import Person, Shot
from training.worn_hair import hair
from training.worn_shapes import Mesh, Skull, joined

_HERE = Path(__file__).parent
_WORN = 6
"""Its part in the shaders."""
ROOM = 1 << 15
"""Vertices that the buffers hold."""
_COLUMNS = (("place", 3), ("normal", 3), ("rest", 3), ("paint", 4), ("marks", 2))
_NECK = np.array([0.0, -9.0, -1.5])
_BODY_FOLLOWS = np.array([0.45, 0.3, 0.4])
"""Share of the head's yaw, pitch and roll that the shoulders go along with."""
_GLASS = """#version 330
uniform vec4 tint;
uniform float glint;
uniform vec3 key_direction, key_colour;
in vec3 v_rest, v_normal, v_view;
out vec4 colour;
void main() {
    vec3 n = normalize(v_normal), view = normalize(v_view);
    if (!gl_FrontFacing) n = -n;
    vec3 seen = reflect(-view, n);
    // A window behind the camera, with its cross, and the key light.
    vec2 at = seen.xy * 3.2 - vec2(0.5, 0.6);
    vec2 pane = smoothstep(0.02, 0.05, abs(at)) * smoothstep(vec2(0.42, 0.52), vec2(0.38, 0.48), abs(at));
    float spot = pow(max(dot(n, normalize(key_direction + view)), 0.0), 250.0);
    float light = glint * (0.75 * pane.x * pane.y + 0.12 + 1.2 * spot);
    float cover = clamp(tint.a + light, 0.0, 1.0);
    vec3 c = (tint.rgb * tint.a + key_colour * light) / max(cover, 0.001);
    colour = vec4(pow(clamp(c, 0.0, 1.0), vec3(1.0 / 2.2)), cover);
}
"""


def rectangle(context: moderngl.Context, program: Any) -> Any:
    """A vertex array that covers the whole picture."""
    corners = np.array([-1, -1, 3, -1, -1, 3], np.float32)
    return context.vertex_array(program, [(context.buffer(corners.tobytes()), "2f", "at")])


class Wardrobe:
    """GL programs and buffers for appearances."""

    def __init__(self, context: moderngl.Context, surface: Any, vertex: str, paint: str, neutral: np.ndarray,
                 landmarks: np.ndarray) -> None:
        vary = (_HERE / "appearance.glsl").read_text()
        source = paint.replace("\n", "\n#define SEEN\n#define VARIED\n", 1)
        self.seen: Any = context.program(
            vertex_shader="#version 330\nin vec2 at; void main() { gl_Position = vec4(at, 1.0, 1.0); }",
            fragment_shader=source.replace("// Here stands appearance.glsl.", vary),
        )
        self.seen["surface"].value = 0, 1, 2, 3
        self.glass: Any = context.program(vertex_shader=vertex, fragment_shader=_GLASS)
        self.whole = rectangle(context, self.seen)
        self._surface, self.skull, self._landmarks = surface, Skull(neutral), landmarks
        self._neck_vertices = np.flatnonzero(abs(neutral[:11248, 1] + 10) < 0.9)
        self.fit(neutral)
        self._buffers = {name: context.buffer(reserve=ROOM * width * 4, dynamic=True) for name, width in _COLUMNS}
        self._triangles = context.buffer(reserve=ROOM * 6 * 4, dynamic=True)
        layout = [(self._buffers[name], f"{width}f", name) for name, width in _COLUMNS]
        self._worn = context.vertex_array(surface, layout, self._triangles, skip_errors=True)
        self._lenses = context.vertex_array(self.glass, layout, self._triangles, skip_errors=True)
        self._context = context
        self._counts = 0, 0

    def dress(self, appearance: Appearance, person: Person, shot: Shot, rest: np.ndarray) -> None:
        """Build everything for a person with resting vertices [V, 3] and hand it over."""
        random = np.random.default_rng(appearance.seed)
        self.fit(rest)
        worn = self.meshes(appearance, person, shot, random)
        lenses: list[Mesh] = []
        if appearance.glasses:
            frames, lenses = worn_things.glasses(
                appearance.glasses, [rest[21451:22221].mean(0), rest[23021:23791].mean(0)],
                rest[self._landmarks[27:29]].mean(0))
            worn += frames
        mesh = joined(worn + lenses)
        for name, _ in _COLUMNS:
            self._buffers[name].write(getattr(mesh, name).tobytes())
        self._triangles.write(mesh.triangles.tobytes())
        glass = sum(lens.triangles.size for lens in lenses)
        self._counts = mesh.triangles.size - glass, glass
        self._set_paint(appearance, person, shot)

    def fit(self, rest: np.ndarray) -> None:
        """Take the measure of resting vertices [V, 3]."""
        self.skull.fit(rest)
        self._neck = rest[self._neck_vertices]

    def meshes(self, appearance: Appearance, person: Person, shot: Shot, random: np.random.Generator) -> list[Mesh]:
        """All that is worn and held except glasses, for the one it was fitted to."""
        look, wear = person.look, appearance.head_wear
        upright = head_rotation(shot.head).T @ head_rotation(shot.head * _BODY_FOLLOWS)
        shirt = worn_things.shirt(appearance.clothes, self._neck, random)
        worn = worn_things.moved(shirt, upright, _NECK - upright @ _NECK)
        over = look.hair_thickness_cm * appearance.hair_volume
        if appearance.hair:
            over = appearance.hair.thickness_cm * 0.9
            worn += hair(appearance.hair, self.skull, look.hairline_cm, _hair_colour(appearance, person), random)
        if wear:
            worn += worn_things.head_wear(wear, self.skull, appearance.wear_colour, over, random)
        if appearance.held:
            worn += worn_things.held(appearance.held, look.skin * 0.97, appearance.clothes, appearance.held_side,
                                     appearance.held_shift_cm, random)
        return worn

    def _set_paint(self, appearance: Appearance, person: Person, shot: Shot) -> None:
        light, paint, glasses = appearance.light, appearance.paint, appearance.glasses
        middle = np.array([0.0, 0.0, -shot.distance_cm])
        for name, value in (
            ("hair", _hair_colour(appearance, person)), ("beard", paint.beard),
            ("eye_shadow", paint.eye_shadow), ("blusher", paint.blush * np.append(1.3 * person.look.skin, 1)),
            ("lipstick", paint.lipstick), ("eyeliner", paint.eyeliner), ("second_direction", light.second_direction),
            ("second_colour", light.second_colour), ("middle", middle),
            ("shadow", (light.shadow_scale_cm, light.shadow_angle, light.shadow_depth, light.shadow_shift_cm)),
        ):
            self.seen[name].write(np.asarray(value, np.float32).tobytes())
        self.seen["shadow_kind"].value = SHADOWS.index(light.shadow)
        if glasses:
            self.glass["tint"].write(glasses.tint.astype(np.float32).tobytes())
            self.glass["glint"].value = glasses.glint

    def draw_worn(self) -> None:
        """Into the surface that will be shaded."""
        self._surface["part"].value = _WORN
        self._worn.render(vertices=self._counts[0])

    def draw_glass(self) -> None:
        """Lenses, over what lies behind them."""
        if self._counts[1]:
            self._lenses.render(vertices=self._counts[1], first=self._counts[0])


def _hair_colour(appearance: Appearance, person: Person) -> np.ndarray:
    dyed = appearance.hair.colour if appearance.hair else None
    return person.look.hair if dyed is None else dyed
