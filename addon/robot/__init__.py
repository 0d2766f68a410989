"""Controls or expressions become moving hardware: validate, map, rules, shape, gate, then bytes; in its own process."""
