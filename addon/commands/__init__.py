"""The same jobs from a terminal: track, apply, batch, bench, doctor."""
