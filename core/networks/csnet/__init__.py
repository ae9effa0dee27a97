"""CS-Net: a residual U-Net with spatial and channel attention at the bottom (supervised-diffusion spec 3.1)."""
