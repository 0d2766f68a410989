#version 330
// Paint and light of a synthetic performer. Places are those of the resting mean face, cm: x to the person's left, y up, z forward.
// Parts: 0 skin, 1 inside of the mouth, 2 gums and tongue, 3 teeth, 4 eyeball, 5 lashes.
uniform vec3 skin, lips, hair, brows, iris, shirt;
uniform float lip_opacity, brow_opacity, lash_opacity, stubble, blush, roughness, gloss, iris_radius, pupil, wrinkles, seed;
uniform vec3 key_direction, key_colour, ambient;
uniform float fill, exposure;
uniform vec4 creases;  // brows raised, brows drawn together, nose wrinkled, cheeks raised; 0..1
#ifdef SEEN  // one rectangle over what performer_surface.glsl kept; else the surface itself, for what is see-through
uniform sampler2D surface[4];
#else
in vec3 v_rest;   // for an eyeball: direction from its centre, the pupil along +z
in vec3 v_normal;
in vec3 v_view;
in vec4 v_paint;  // inside the lips cm, inside the brow cm, inside the hair cm, cavity
in vec2 v_marks;  // stubble 0..1, along a lash 0..1
#endif
uniform float tongue;  // how far it is put out, 0..1
out vec4 colour;

float hash(vec3 p) {
    p = fract(p * vec3(0.1031, 0.1030, 0.0973));
    p += dot(p, p.yzx + 33.33);
    return fract((p.x + p.y) * p.z);
}
float noise(vec3 p) {
    vec3 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    vec2 e = vec2(0.0, 1.0);
    return mix(
        mix(mix(hash(i), hash(i + e.yxx), f.x), mix(hash(i + e.xyx), hash(i + e.yyx), f.x), f.y),
        mix(mix(hash(i + e.xxy), hash(i + e.yxy), f.x), mix(hash(i + e.xyy), hash(i + e.yyy), f.x), f.y), f.z);
}
float blob(vec3 p, vec3 at, float size) {
    vec3 d = (vec3(abs(p.x), p.yz) - at) / size;
    return exp(-dot(d, d));
}
float lines(float across, float sharp) {
    return pow(0.5 + 0.5 * cos(6.2831853 * across), sharp);
}
// Folds that expressions make, as darkness; the mesh is too coarse for them.
float folds(vec3 p) {
    float side = abs(p.x);
    float wave = 0.12 * noise(p * 0.9 + seed);
    float forehead = lines(p.y / 0.85 + wave * 3.0, 7.0) * smoothstep(6.6, 7.4, p.y) * smoothstep(10.2, 9.0, p.y) * smoothstep(5.5, 3.5, side);
    float frown = lines(0.5 + (side - 0.55) / 1.0, 9.0) * smoothstep(1.15, 0.8, side) * smoothstep(4.6, 5.2, p.y) * smoothstep(7.4, 6.4, p.y);
    float nose = lines(p.y / 0.55 + wave * 2.0, 5.0) * smoothstep(1.5, 0.8, side) * smoothstep(2.6, 3.1, p.y) * smoothstep(4.7, 4.2, p.y);
    float feet = lines((p.y - 3.4) / max(0.25 * (side - 3.0), 0.2) + wave, 5.0) * smoothstep(4.8, 5.3, side) * smoothstep(7.0, 6.0, side)
        * smoothstep(1.6, 0.9, abs(p.y - 3.3));
    return clamp(dot(creases, vec4(forehead, frown, nose, feet)), 0.0, 1.0);
}
#ifdef VARIED
// Here stands appearance.glsl.
#endif
vec3 lit(vec3 albedo, vec3 n, vec3 view, float occlusion, float shine, float power, float wrap) {
    float towards = dot(n, key_direction);
    vec3 diffuse = key_colour * vec3(clamp((towards + wrap) / (1.0 + wrap), 0.0, 1.0));
    diffuse.r = mix(diffuse.r, key_colour.r * clamp((towards + wrap + 0.25) / (1.25 + wrap), 0.0, 1.0), 0.5 * step(0.01, wrap));
    vec3 other = normalize(vec3(-key_direction.x, key_direction.y * 0.3, key_direction.z + 0.3));
    diffuse += key_colour * fill * clamp(dot(n, other) * 0.7 + 0.3, 0.0, 1.0);
    float key_seen = 1.0;
#ifdef VARIED
    key_seen = vary_light(n, diffuse);
#endif
    vec3 sky = ambient * (0.75 + 0.25 * n.y);
    vec3 halfway = normalize(key_direction + view);
    float spec = key_seen * shine * pow(max(dot(n, halfway), 0.0), power) * step(0.0, towards);
    float rim = pow(1.0 - max(dot(n, view), 0.0), 4.0) * 0.15;
    return (albedo * (diffuse + sky) + key_colour * spec + ambient * rim * shine) * occlusion;
}
void main() {
#ifdef SEEN
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    vec4 at[4] = vec4[4](texelFetch(surface[0], pixel, 0), texelFetch(surface[1], pixel, 0),
                         texelFetch(surface[2], pixel, 0), texelFetch(surface[3], pixel, 0));
    int part = int(at[0].w);
    bool front = fract(at[0].w) < 0.25;
    vec3 v_rest = at[0].xyz, v_normal = at[1].xyz, v_view = at[2].xyz;
    vec4 v_paint = at[3];
    vec2 v_marks = vec2(at[1].w, at[2].w);
#ifdef VARIED
    place = -v_view;
#endif
#else
    const int part = 5;
    bool front = gl_FrontFacing;
#endif
    vec3 n = normalize(v_normal), view = normalize(v_view), p = v_rest;
    if (!front) n = -n;
    vec3 c;
    float alpha = 1.0;
    if (part == 4) {
        vec3 d = normalize(p);
        float angle = acos(clamp(d.z, -1.0, 1.0)), around = atan(d.y, d.x);
        float r = angle / iris_radius;
        vec3 white = mix(vec3(0.78, 0.76, 0.74), vec3(0.70, 0.52, 0.48), smoothstep(0.75, 1.25, angle) * 0.7);
        float spokes = 0.75 + 0.5 * noise(vec3(around * 9.0, r * 2.0, seed));
        vec3 ring = iris * spokes * mix(1.5, 0.55, smoothstep(pupil, 1.0, r));
        ring *= 1.0 - 0.75 * smoothstep(0.82, 1.0, r);
        ring = mix(vec3(0.004), ring, smoothstep(pupil - 0.05, pupil + 0.05, r));
        vec3 albedo = mix(ring, white, smoothstep(0.95, 1.06, r));
        float lid = 0.55 + 0.45 * smoothstep(0.55, -0.15, n.y);
        c = lit(albedo, n, view, lid, 0.0, 1.0, 0.3);
        vec3 halfway = normalize(key_direction + view);
        c += key_colour * 0.9 * pow(max(dot(n, halfway), 0.0), 400.0);
    } else if (part == 5) {
        float lower = 1.0 - smoothstep(3.1, 3.4, p.y);
        float hairs = 0.25 + 0.75 * smoothstep(0.35, 0.7, noise(vec3(p.x * 26.0, p.z * 2.0, seed)));
        alpha = lash_opacity * hairs * mix(0.85, 0.16, lower) * smoothstep(0.8, 0.2, v_marks.y);
        c = lit(vec3(0.012, 0.01, 0.009), n, view, 1.0, 0.02, 20.0, 0.3);
    } else if (part == 3) {
        float deep = smoothstep(6.5, 10.4, p.z);
        c = lit(vec3(0.72, 0.68, 0.60), n, view, 0.15 + 0.75 * deep, 0.25, 60.0, 0.3);
    } else if (part == 2) {
        float deep = smoothstep(5.0, 9.5, p.z + 4.0 * tongue);
        c = lit(vec3(0.42, 0.15, 0.14), n, view, 0.08 + 0.75 * deep, 0.15, 40.0, 0.3);
    } else if (part == 1) {
        float deep = smoothstep(7.5, 10.8, p.z);
        c = lit(vec3(0.25, 0.07, 0.06), n, view, 0.03 + 0.6 * deep * deep, 0.05, 30.0, 0.2);
#ifdef VARIED
    } else if (part == 6) {
        vec4 worn = vary_worn(p, n, view, v_paint, v_marks);
        c = lit(worn.rgb, n, view, 1.0, worn.a, 25.0, 0.2);
        alpha = 0.75;  // tells photograph.py that it is not the head
#endif
    } else {
        vec3 q = p + seed;
        float mottle = noise(q * 0.7) * 0.5 + noise(q * 2.3) * 0.3 + noise(q * 7.0) * 0.2 - 0.5;
        vec3 albedo = skin * (1.0 + roughness * mottle * 2.0);
        float red = blob(p, vec3(4.6, 0.2, 8.5), 2.6) + blob(p, vec3(0.0, 0.3, 12.5), 1.3) + 0.5 * blob(p, vec3(0.0, -6.5, 10.0), 2.0);
        albedo = mix(albedo, albedo * vec3(1.08, 0.72, 0.70), clamp(red, 0.0, 1.0) * blush * 1.6);
        albedo *= 1.0 - 0.16 * blush * blob(p, vec3(3.1, 2.3, 9.3), 1.2) * 2.0;
        albedo *= 1.0 - stubble * v_marks.x * (0.35 + 0.3 * noise(q * 14.0));
        float shine = gloss * (0.14 + 0.12 * blob(p, vec3(0.0, 0.4, 13.0), 1.4) + 0.1 * smoothstep(7.0, 8.5, p.y));
        float power = 18.0;
        float lip = smoothstep(-0.10, 0.12, v_paint.x + 0.04 * (noise(q * 4.0) - 0.5));
        albedo = mix(albedo, lips * (1.0 + 0.2 * (noise(vec3(q.x * 9.0, q.y * 1.5, seed)) - 0.5)), lip * lip_opacity);
        shine = mix(shine, 0.12 + 0.25 * gloss, lip);
        float streak = noise(vec3(q.x * 3.0 + q.y * 2.0, q.y * 11.0 - abs(p.x) * 6.0, seed));
        float brow = smoothstep(-0.12, 0.16, v_paint.y + 0.22 * (streak - 0.55));
        albedo = mix(albedo, brows, brow * brow_opacity * (0.7 + 0.3 * streak));
#ifdef VARIED
        vary_skin(p, q, v_paint, v_marks, albedo, shine);
#endif
        float scalp = smoothstep(-0.15, 0.15, v_paint.z + 0.35 * (noise(q * 1.6) - 0.5) + 0.3 * (noise(q * vec3(6.0, 1.5, 1.5)) - 0.5));
        float strand = noise(vec3(q.x * 5.0, q.y * 0.8, q.z * 0.8)) * 0.6 + noise(vec3(q.x * 12.0, q.y * 2.0, q.z * 2.0)) * 0.4;
        albedo = mix(albedo, hair * (0.55 + 0.9 * strand), scalp);
        shine = mix(shine, 0.05 + 0.1 * strand, scalp);
        float cloth = smoothstep(-0.3, 0.3, -14.6 - p.y + 0.12 * p.z);
        albedo = mix(albedo, shirt * (0.85 + 0.3 * noise(q * 5.0)), cloth);
        shine *= 1.0 - cloth;
        float occlusion = clamp(1.0 - v_paint.w, 0.15, 1.05) * (1.0 - wrinkles * 0.45 * folds(p) * (1.0 - scalp));
        n = normalize(n + 0.06 * roughness * (vec3(noise(q * 6.0), noise(q * 6.0 + 17.0), noise(q * 6.0 + 31.0)) - 0.5) * 6.0);
        c = lit(albedo, n, view, occlusion, shine, power, 0.25 * (1.0 - scalp));
    }
    colour = vec4(pow(clamp(c * exposure, 0.0, 1.0), vec3(1.0 / 2.2)), alpha);
}
