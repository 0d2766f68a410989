"""Controls or expressions become moving hardware: validate, map, rules, shape, gate, then bytes; in its own process.

`process` is that process: it keeps the beat, hears its clients through `control_socket` and moves one `head`. `loop`
is one tick of it, in this order: `validate` takes a frame or not, `actuator_map` (read by `map_reading`, narrowed by
a `unit_file`) says what each actuator follows, `rules` what they may not do together, `shaping` how fast, `gate` what
leaves; then the head's `links` write it in their `protocols`, and `sent_log` writes it down. `states` says when a
head may move at all, `player` plays a performance. `client` is the other end, `messages` what both say; `doctor`,
`probing` and `calibrating` look at a head and measure it.
"""
