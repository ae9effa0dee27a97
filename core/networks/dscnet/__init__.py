"""DSCNet: a U-Net whose convolution kernels bend along vessels (supervised-diffusion spec 3.2)."""
