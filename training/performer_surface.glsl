#version 330
// Keeps what is in front at each pixel, so that only what is seen is shaded: most triangles are smaller than a pixel.
uniform int part;
in vec3 v_rest;
in vec3 v_normal;
in vec3 v_view;
in vec4 v_paint;
in vec2 v_marks;
layout(location = 0) out vec4 rest_part;  // part + 0.5 where a back is seen
layout(location = 1) out vec4 normal_stubble;
layout(location = 2) out vec4 view_lash;
layout(location = 3) out vec4 paint;
void main() {
    rest_part = vec4(v_rest, float(part) + (gl_FrontFacing ? 0.0 : 0.5));
    normal_stubble = vec4(v_normal, v_marks.x);
    view_lash = vec4(v_view, v_marks.y);
    paint = v_paint;
}
