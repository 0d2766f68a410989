"""Joins tracking, expression and characters: whole performances from a source, in a process of their own.

A clip: `performance` reads it into a take (`body_reading`: its body), `splicing` puts a part into one.
Live: `worker` is the process and `server` its socket; `capture` keeps the newest picture, `live_performance` makes it
an expression for each performer, with the calibration (`live_calibration`, kept by `performers`) and the settings
(`live_settings`) of that face; `casting` lets the characters play it, `recording` and `takes` write it down, and
`stage` is what its thread has before it of all these. `client` is the other end, for Blender, terminals and robots
(`for_robots`); `messages` is what both say.
"""
