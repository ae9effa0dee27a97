"""Figures and animations, drawn from records: never from what happens to be on a screen."""
