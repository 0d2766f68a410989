"""The project's words: frames, expressions, controls, rig profiles, takes, smoothing, errors; numpy and stdlib only."""
