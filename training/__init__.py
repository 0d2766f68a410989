"""Makes data, trains, measures and exports the networks; flat files, read top to bottom; nothing imports it."""
