#version 330
// Carries a made person's surface with its bones into the camera's frame (x right, y down, z away, metres).
// Before this stand the coefficients' names as numbers of c[].
uniform mat4 bone[BONES], camera;
uniform float c[54];
uniform float head_height, mouth_height;
in vec3 place, normal, at, paint;
in float part;
in vec4 bones, weights;
out vec3 v_normal, v_view, v_at, v_paint;
flat out float v_part;

// What a face moves besides its paint: jaw, puffed and raised cheeks, wings of the nose.
vec3 moved(vec3 p) {
    bool left = p.x > 0.0;
    float front = smoothstep(-0.15, 0.2, p.z);
    float below = smoothstep(mouth_height + 0.02, mouth_height - 0.1, p.y) * front;
    vec3 way = below * vec3(0.05 * (c[jawLeft] - c[jawRight]), -0.12 * c[jawOpen] + 0.02 * c[mouthShrugLower],
                            0.06 * c[jawForward] - 0.05 * c[jawOpen]);
    vec3 cheek = p - vec3(left ? 0.24 : -0.24, mouth_height + 0.06, 0.28);
    float puff = left ? c[cheekPuffLeft] : c[cheekPuffRight];
    way += puff * exp(-dot(cheek, cheek) / 0.02) * vec3(left ? 0.07 : -0.07, 0.0, 0.06);
    vec3 apple = p - vec3(left ? 0.2 : -0.2, mouth_height + 0.14, 0.3);
    float raised = left ? max(c[cheekSquintLeft], 0.6 * c[mouthSmileLeft]) : max(c[cheekSquintRight], 0.6 * c[mouthSmileRight]);
    way += raised * exp(-dot(apple, apple) / 0.012) * vec3(0.0, 0.015, 0.025);
    float wing = exp(-pow((p.y - mouth_height - 0.14) / 0.05, 2.0)) * smoothstep(0.01, 0.05, abs(p.x)) * smoothstep(0.12, 0.08, abs(p.x)) * front;
    way.y += 0.02 * wing * (left ? c[noseSneerLeft] : c[noseSneerRight]);
    return way;
}

void main() {
    mat4 by = weights.x * bone[int(bones.x)] + weights.y * bone[int(bones.y)]
        + weights.z * bone[int(bones.z)] + weights.w * bone[int(bones.w)];
    vec3 rest = place;
    if (part == 1.0) rest += head_height * moved(at);
    vec4 seen = by * vec4(rest, 1.0);
    v_normal = mat3(by) * normal;
    v_view = -seen.xyz;
    v_at = at; v_paint = paint; v_part = part;
    gl_Position = camera * seen;
}
