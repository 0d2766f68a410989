#version 330
uniform mat4 clip_from_head;
uniform mat3 camera_from_head;
uniform mat4x3 camera_from_head_place;
in vec3 place;
in vec3 normal;
in vec3 rest;
in vec4 paint;
in vec2 marks;
out vec3 v_rest;
out vec3 v_normal;
out vec3 v_view;
out vec4 v_paint;
out vec2 v_marks;
void main() {
    gl_Position = clip_from_head * vec4(place, 1.0);
    v_rest = rest;
    v_normal = camera_from_head * normal;
    v_view = -(camera_from_head_place * vec4(place, 1.0));
    v_paint = paint;
    v_marks = marks;
}
