#version 330
// Paint and light of a made person. A face is painted by the coefficients, in head heights from the chin, x to its left.
uniform float c[54];
uniform vec3 skin, lips, hair, brows, iris, clothes[5], key_direction, key_colour, sky, ground;
uniform float exposure, fill, chin_height;
uniform int pattern;
uniform float eye_height, eye_apart, eye_size, eye_tall, brow_height, brow_width, mouth_height, mouth_width, lip_size, beard, glasses;
in vec3 v_normal, v_view, v_at, v_paint;
flat in float v_part;
out vec4 colour;

vec3 albedo;
float shine;

float pick(bool left, int l, int r) { return left ? c[l] : c[r]; }
// 1 inside, 0 outside, as wide as a pixel between.
float inside(float distance) { return clamp(0.5 + distance / max(fwidth(distance), 1e-5), 0.0, 1.0); }
void put(vec3 paint, float amount) { albedo = mix(albedo, paint, clamp(amount, 0.0, 1.0)); }
float segment(vec2 p, vec2 a, vec2 b) {
    vec2 way = b - a;
    return length(p - a - way * clamp(dot(p - a, way) / dot(way, way), 0.0, 1.0));
}

void eye(vec2 p, bool left) {
    vec2 e = vec2(abs(p.x) - eye_apart, p.y - eye_height) / eye_size;
    float arch = pow(max(0.0, 1.0 - e.x * e.x), 0.62);
    float blink = pick(left, eyeBlinkLeft, eyeBlinkRight), squint = pick(left, eyeSquintLeft, eyeSquintRight);
    float down = pick(left, eyeLookDownLeft, eyeLookDownRight), up = pick(left, eyeLookUpLeft, eyeLookUpRight);
    float cheek = max(pick(left, cheekSquintLeft, cheekSquintRight), 0.35 * pick(left, mouthSmileLeft, mouthSmileRight));
    float open = 0.9 * eye_tall * arch * (1.0 + 0.32 * pick(left, eyeWideLeft, eyeWideRight));
    float low = -0.8 * eye_tall * arch * (1.0 - 0.45 * squint - 0.3 * cheek);
    float top = mix(open, low + 0.02, clamp(blink + 0.22 * squint + 0.22 * down * (1.0 - blink), 0.0, 1.0));
    float within = inside((0.995 - abs(e.x)) * eye_size);
    float ball = within * inside((top - e.y) * eye_size) * inside((e.y - low) * eye_size);
    float lid = within * inside((open * 1.12 + 0.04 - e.y) * eye_size) * inside((e.y - top) * eye_size);
    put(skin * vec3(0.82, 0.74, 0.72), lid * 0.8);
    put(vec3(0.83, 0.82, 0.80) * (0.75 + 0.25 * smoothstep(top, top - 0.6, e.y)), ball);
    float aside = pick(left, eyeLookOutLeft, eyeLookOutRight) - pick(left, eyeLookInLeft, eyeLookInRight);
    vec2 seen = e - vec2(0.55 * aside, 0.55 * eye_tall * (up - down));
    float far = length(seen), size = 0.70 * mix(eye_tall, 1.0, 0.2);
    put(vec3(0.02), ball * inside((size - far) * eye_size));
    put(iris * (0.9 + 1.6 * smoothstep(0.3, -0.6, seen.y / size)), ball * inside((size * 0.9 - far) * eye_size));
    put(vec3(0.006), ball * inside((size * 0.48 - far) * eye_size));
    put(vec3(1.6), ball * inside((size * 0.2 - length(seen - size * vec2(left ? 0.3 : -0.3, 0.38))) * eye_size));
    float lash = 0.07 + 0.05 * eye_tall;
    put(vec3(0.015), inside((1.1 - abs(e.x)) * eye_size) * inside((lash - abs(e.y - top - 0.3 * lash)) * eye_size) * smoothstep(-1.3, -0.7, e.x));
    put(skin * 0.55, within * inside((0.035 - abs(e.y - low)) * eye_size) * 0.6);
    put(skin * 0.6, within * inside((0.03 - abs(e.y - open * 1.15 - 0.07)) * eye_size) * 0.5);
    float fold = abs(e.y + 1.15 * eye_tall + 0.1 + 0.35 * (1.0 - e.x * e.x) * (1.0 - cheek));
    put(skin * 0.6, cheek * 0.8 * smoothstep(0.09, 0.02, fold) * smoothstep(1.15, 0.7, abs(e.x)));
    if (glasses > 0.5) {
        float rim = abs(length(e * vec2(0.72, 0.8)) - 1.0) * eye_size;
        put(vec3(0.03), inside(0.010 - rim));
        put(vec3(0.03), inside(0.010 - abs(p.y - eye_height - 0.02)) * step(abs(p.x), max(0.0, eye_apart - 1.39 * eye_size)));
    }
}

void brow(vec2 p, bool left) {
    float lowered = pick(left, browDownLeft, browDownRight);
    float t = (abs(p.x) + 0.03 * lowered - (eye_apart - 1.15 * eye_size)) / (2.45 * eye_size);
    float middle = eye_height + eye_tall * eye_size * 0.75 + brow_height + 0.018 * sin(3.14 * clamp(t, 0.0, 1.0))
        + 0.065 * pick(left, browInnerUpLeft, browInnerUpRight) * pow(1.0 - clamp(t, 0.0, 1.0), 1.3)
        + 0.055 * pick(left, browOuterUpLeft, browOuterUpRight) * clamp(t, 0.0, 1.0)
        - lowered * mix(0.07, 0.025, clamp(t, 0.0, 1.0));
    float thick = brow_width * (1.05 - 0.6 * t);
    put(brows, 0.95 * inside(thick - abs(p.y - middle)) * inside(t * eye_size) * inside((1.0 - t) * eye_size));
    float frown = smoothstep(0.010, 0.003, abs(abs(p.x) - 0.028)) * smoothstep(0.09, 0.05, abs(p.y - middle - 0.01));
    put(skin * 0.5, frown * 0.8 * lowered);
    float raised = max(pick(left, browInnerUpLeft, browInnerUpRight), pick(left, browOuterUpLeft, browOuterUpRight));
    float line = abs(fract((p.y - middle - 0.03) / 0.035) - 0.5);
    put(skin * 0.62, 0.7 * raised * smoothstep(0.38, 0.47, line) * step(middle + 0.04, p.y) * step(p.y, middle + 0.12) * smoothstep(0.26, 0.15, abs(p.x)));
}

void mouth(vec2 p) {
    float x = p.x - 0.05 * (c[mouthLeft] - c[mouthRight]) - 0.02 * (c[jawLeft] - c[jawRight]);
    bool left = x > 0.0;
    float smile = pick(left, mouthSmileLeft, mouthSmileRight), frown = pick(left, mouthFrownLeft, mouthFrownRight);
    float stretch = pick(left, mouthStretchLeft, mouthStretchRight), dimple = pick(left, mouthDimpleLeft, mouthDimpleRight);
    float press = pick(left, mouthPressLeft, mouthPressRight);
    float width = mouth_width * (1.0 + 0.24 * stretch + 0.22 * smile + 0.1 * dimple - 0.5 * c[mouthPucker] - 0.3 * c[mouthFunnel]);
    float s = abs(x) / width, round_ = sqrt(max(0.0, 1.0 - s * s));
    float corner = 0.06 * smile - 0.055 * frown - 0.012 * stretch;
    float middle = mouth_height + 0.02 * c[mouthShrugLower] + 0.012 * c[mouthShrugUpper] + corner * (s * s - 0.3);
    float top = middle + round_ * (0.034 * pick(left, mouthUpperUpLeft, mouthUpperUpRight) + 0.025 * c[mouthFunnel]);
    float low = middle - round_ * (0.15 * c[jawOpen] * (1.0 - c[mouthClose]) + 0.036 * pick(left, mouthLowerDownLeft, mouthLowerDownRight) + 0.03 * c[mouthFunnel]);
    float thin = 1.0 - 0.4 * press, full = 1.0 + 0.6 * c[mouthPucker] + 0.5 * c[mouthFunnel];
    float upper = lip_size * thin * full * (1.0 - 0.85 * c[mouthRollUpper]) * (1.0 + 0.5 * c[mouthShrugUpper]) * pow(round_, 0.8)
        * (1.0 - 0.18 * exp(-x * x / 0.0006));
    float lower = 1.3 * lip_size * thin * full * (1.0 - 0.85 * c[mouthRollLower]) * (1.0 + 0.4 * c[mouthShrugLower]) * pow(round_, 0.7);
    float across = inside((1.0 - s) * width);
    put(lips, across * inside(top + upper - p.y) * inside(p.y - low + lower) * 0.9);
    put(lips * 1.5, 0.3 * across * smoothstep(0.4 * lower, 0.0, abs(p.y - low + 0.5 * lower)));
    float gap = across * inside(top - p.y) * inside(p.y - low);
    put(vec3(0.035, 0.008, 0.008), gap);
    float tongue = length(vec2(x / (0.62 * width), (p.y - low) / 0.045));
    put(vec3(0.42, 0.12, 0.11), gap * inside((1.0 - tongue) * 0.05));
    put(vec3(0.78, 0.75, 0.68), gap * inside(p.y - top + 0.03) * inside((0.86 - s) * width));
    put(vec3(0.62, 0.59, 0.53), gap * inside(low + 0.014 - p.y) * inside((0.6 - s) * width));
    float line = smoothstep(0.008, 0.003, abs(p.y - 0.5 * (top + low))) * inside((1.06 - s) * width);
    put(lips * 0.22, line * (1.0 - smoothstep(0.004, 0.02, top - low)));
    float out_ = c[tongueOut];
    float tip = length(vec2(x / (0.5 * width), (p.y - low + 0.045 * out_) / (0.025 + 0.055 * out_)));
    put(vec3(0.5, 0.14, 0.13) * (0.7 + 0.3 * smoothstep(0.0, 0.012, abs(x))), step(0.02, out_) * inside((1.0 - tip) * 0.05) * inside(top - p.y));
    vec2 side = vec2(abs(x), p.y);
    float fold = segment(side, vec2(0.085, mouth_height + 0.16), vec2(width + 0.035, middle + 0.035));
    float sneer = pick(left, noseSneerLeft, noseSneerRight);
    put(skin * 0.55, 0.75 * max(smile, 0.8 * sneer) * smoothstep(0.016, 0.004, fold));
    put(skin * 0.5, 0.85 * max(dimple, press * 0.6) * smoothstep(0.02, 0.006, length(side - vec2(width + 0.022, middle + corner * 0.7))));
    put(skin * 0.55, 0.7 * c[mouthShrugLower] * smoothstep(0.012, 0.004, abs(p.y - low + lower + 0.02)) * step(abs(x), 0.06));
    float wrinkle = smoothstep(0.3, 0.48, abs(fract((p.y - 0.4 * abs(p.x)) / 0.026) - 0.5)) * smoothstep(0.05, 0.03, abs(p.y - eye_height + 0.035)) * smoothstep(0.07, 0.05, abs(p.x));
    put(skin * 0.55, 0.8 * pick(p.x > 0.0, noseSneerLeft, noseSneerRight) * wrinkle);
}

void face(vec3 p) {
    bool left = p.x > 0.0;
    float cheeks = exp(-dot(vec2(abs(p.x) - 0.22, p.y - 0.33), vec2(abs(p.x) - 0.22, p.y - 0.33)) / 0.008);
    put(skin * vec3(1.1, 0.8, 0.78), 0.35 * cheeks);
    vec2 nostril = vec2(abs(p.x) - 0.026, p.y - mouth_height - 0.128 - 0.012 * pick(left, noseSneerLeft, noseSneerRight));
    put(skin * 0.35, 0.8 * smoothstep(1.0, 0.4, length(nostril / vec2(0.017, 0.011))));
    if (beard > 0.0) {
        float grown = min(min(mouth_height + 0.10 + 0.9 * max(0.0, abs(p.x) - 0.16) - p.y, 0.5 - p.y), 1.0);
        put(mix(skin, brows * 1.1, 0.55 + 0.35 * beard), smoothstep(0.0, 0.08, grown + 0.02 * sin(70.0 * p.x) * sin(61.0 * p.y)) * smoothstep(0.9, 1.3, length(vec2(p.x / (mouth_width * 1.15), (p.y - mouth_height) / 0.045))));
    }
    mouth(p.xy);
    eye(p.xy, left);
    brow(p.xy, left);
}

vec3 strands(vec3 p) {
    return hair * (0.85 + 0.3 * sin(34.0 * p.x + 5.0 * sin(5.0 * p.y)) * sin(19.0 * p.z + 3.0 * p.y));
}

vec3 cloth() {
    vec3 c0 = clothes[0];
    vec2 p = v_at.xy * 14.0;
    float on = 0.0;
    if (pattern == 1) on = step(0.5, fract(p.y * 0.9));
    else if (pattern == 2) on = step(0.6, fract(p.x * 1.2));
    else if (pattern == 3) on = step(length(fract(p) - 0.5), 0.27);
    return mix(c0, clothes[1], on);
}

vec3 lit(vec3 n, vec3 view) {
    float towards = dot(n, key_direction), wrap = v_part == 0.0 ? 0.15 : 0.3;
    vec3 light = key_colour * clamp((towards + wrap) / (1.0 + wrap), 0.0, 1.0);
    light += key_colour * fill * clamp(dot(n, normalize(vec3(-key_direction.x, 0.2, -0.5))) * 0.6 + 0.4, 0.0, 1.0);
    light += mix(ground, sky, 0.5 - 0.5 * n.y);
    float spec = shine * pow(max(dot(n, normalize(key_direction + view)), 0.0), 22.0);
    float edge = pow(1.0 - max(dot(n, view), 0.0), 3.0);
    return albedo * light * (1.0 - 0.35 * edge) + key_colour * spec + sky * 0.12 * edge;
}

void main() {
    albedo = skin; shine = 0.10;
    vec3 p = v_at;
    int part = int(v_part + 0.5);
    if (part == 0) {
        float bottom = inside(v_paint.y), top = inside(v_paint.x), shoe = inside(v_paint.z);
        put(clothes[2], bottom); put(cloth(), top); put(clothes[3], shoe);
        albedo *= 1.0 - 0.4 * smoothstep(0.006, 0.0, abs(v_paint.x)) * step(0.0, v_paint.x);
        shine *= 1.0 - 0.8 * max(max(bottom, top), 0.3 * shoe);
    } else if (part == 1) {
        if (p.z > 0.0) face(p);
        float grown = inside(v_paint.x);
        put(strands(p), grown); shine *= 1.0 - 0.5 * grown;
    } else if (part == 2) {
        albedo = strands(p); shine = 0.16;
    } else if (part == 3) {
        albedo = clothes[4] * (1.0 - 0.25 * step(p.y, 0.8)); shine = 0.03;
    } else {
        put(skin * vec3(1.08, 0.8, 0.78), 0.3 * smoothstep(0.7, 1.0, abs(p.x)));
    }
    vec3 light = lit(normalize(v_normal), normalize(v_view)) * exposure;
    colour = vec4(pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
