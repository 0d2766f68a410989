// What an Appearance paints and lights; put into performer_fragment.glsl.
uniform vec4 beard, eye_shadow, blusher, lipstick;  // strengths and colours as in appearance.Paint
uniform float eyeliner;
uniform vec3 second_direction, second_colour;
uniform int shadow_kind;   // place in appearance.SHADOWS
uniform vec4 shadow;       // scale cm, angle, depth, shift cm
uniform vec3 middle;       // of the face, as place
vec3 place;                // of this pixel, cm, seen from the camera

float vary_light(vec3 n, inout vec3 diffuse) {
    float key = 1.0;
    if (shadow_kind > 0) {
        vec3 across = normalize(cross(key_direction, vec3(sin(shadow.y), cos(shadow.y), 0.1)));
        vec3 along = cross(across, key_direction);
        vec2 at = vec2(dot(place - middle, across), dot(place - middle, along)) + shadow.w;
        if (shadow_kind == 1) key = smoothstep(-0.35, 0.1, sin(at.y * 6.2832 / shadow.x));
        else if (shadow_kind == 2) key = smoothstep(-shadow.x, shadow.x, at.x);
        else key = smoothstep(0.4, 0.55, 0.65 * noise(vec3(at / shadow.x, seed)) + 0.35 * noise(vec3(at * 2.3 / shadow.x, seed)));
        key = 1.0 - shadow.z * (1.0 - key);
    }
    diffuse = diffuse * key + second_colour * clamp(dot(n, second_direction) * 0.8 + 0.2, 0.0, 1.0);
    return key;
}
void vary_skin(vec3 p, vec3 q, vec4 inside, vec2 marks, inout vec3 albedo, inout float shine) {
    float side = abs(p.x), lip = smoothstep(-0.10, 0.12, inside.x);
    // Make-up. The lid's rim is near the unit ellipse in the coordinates `eye`.
    vec2 eye = vec2((side - 3.15) / 1.42, (p.y - 3.35) / 0.62);
    float above = smoothstep(-0.3, 0.5, eye.y);
    float lid = exp(-dot(eye * vec2(0.62, 0.36), eye * vec2(0.62, 0.36))) * above;
    float liner = smoothstep(0.30, 0.08, abs(length(eye) - 1.1)) * mix(0.35, 1.0, above);
    albedo = mix(albedo, eye_shadow.rgb, clamp(lid * 1.3, 0.0, 1.0) * eye_shadow.a * step(6.0, p.z));
    albedo = mix(albedo, vec3(0.012), liner * eyeliner * step(8.0, p.z));
    albedo = mix(albedo, blusher.rgb, blusher.a * clamp(blob(p, vec3(5.0, 0.2, 8.2), 2.3), 0.0, 1.0));
    albedo = mix(albedo, lipstick.rgb, lip * lipstick.a);
    // Beard: its outline is ragged, its hairs run down.
    float hairs = noise(vec3(q.x * 7.0, q.y * 1.6, q.z * 5.0)) * 0.6 + noise(vec3(q.x * 17.0, q.y * 3.0, q.z * 12.0)) * 0.4;
    float ragged = 0.35 * (noise(q * 2.5) - 0.5) + 0.3 * (hairs - 0.5);
    float cheeks = smoothstep(0.25, 0.6, marks.x + ragged);
    float upper = smoothstep(0.0, 0.35, 1.0 - length(vec2(side / 3.3, (p.y + 2.0 + 0.09 * side * side) / 0.85)) + ragged * 0.7) * step(p.y, -0.9);
    float chin = smoothstep(0.0, 0.4, 1.0 - length(vec2(side / 2.6, (p.y + 6.3) / 2.4)) + ragged * 0.7);
    float grown = clamp(max(max(cheeks * beard.x, upper * beard.y), chin * beard.z), 0.0, 1.0) * step(7.0 - 0.9 * side, p.z) * (1.0 - lip);
    albedo = mix(albedo, brows * (0.45 + 1.1 * hairs), grown * beard.w * (0.55 + 0.45 * smoothstep(0.3, 0.6, hairs + 0.25 * beard.w)));
    shine *= 1.0 - 0.7 * grown * beard.w;
}
// Colour and shine of what wardrobe.py made; marks.x is its MATERIALS' place.
vec4 vary_worn(vec3 p, inout vec3 n, vec3 view, vec4 paint, vec2 marks) {
    vec3 c = paint.rgb;
    float shine = paint.a;
    int material = int(marks.x + 0.5);
    if (material == 1) {         // hair; p is around, along, seed
        float strand = noise(vec3(p.x * 2.2, p.y * 0.25, p.z)) * 0.55 + noise(vec3(p.x * 6.5, p.y * 0.5, p.z + 7.0)) * 0.45;
        c *= 0.45 + 1.1 * strand;
        n = normalize(n + 0.7 * (noise(vec3(p.x * 4.0, p.y * 0.3, p.z + 3.0)) - 0.5) * cross(n, vec3(0.0, 1.0, 0.0)));
        shine *= 0.4 + strand;
    } else if (material == 2) {  // curls
        float lump = noise(p * 1.1) * 0.5 + noise(p * 2.7) * 0.5;
        c *= 0.25 + 1.5 * lump * lump + 0.3 * noise(p * 6.0);
        n = normalize(n + 1.3 * (vec3(noise(p * 1.9), noise(p * 1.9 + 9.0), noise(p * 1.9 + 21.0)) - 0.5));
    } else if (material == 3) {  // knitted
        c *= 0.62 + 0.38 * pow(abs(sin(p.x * 4.5)), 0.7) + 0.12 * (noise(p * vec3(9.0, 9.0, 1.0)) - 0.5);
    } else if (material == 4) {  // cloth
        c *= 0.9 + 0.2 * noise(p * 4.0);
        n = normalize(n + 0.35 * (vec3(noise(p * 0.5 + 3.0), noise(p * 0.5 + 13.0), noise(p * 0.5 + 29.0)) - 0.5));
    } else if (material == 5) {  // a hand
        c *= 0.93 + 0.14 * noise(p * 2.0);
    } else if (material == 6) {  // a grille
        c *= 0.4 + 0.9 * pow(abs(sin(p.x * 6.0) * sin(p.y * 6.0)), 0.4);
    }
    return vec4(c, shine);
}
