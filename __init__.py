"""Semblance: a person's face drives a character's own controls."""
from .addon import register, unregister  # noqa: F401
