"""Expressions become ControlFrames: what this character's own controls must do to mean the same."""
