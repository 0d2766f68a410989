"""Joins tracking, expression and characters: whole performances from a source, in a process of their own."""
