"""Samplers: generators that yield one point of the trajectory after another, on tensors (B, C, H, W)."""
