"""The MedSegDiff U-Net with FFT conditioning, as both code bases use it for flow matching (spec section 3)."""
