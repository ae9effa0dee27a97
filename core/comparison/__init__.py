"""Masks and predictions beside one another: where they differ, step by step, sample by sample."""
