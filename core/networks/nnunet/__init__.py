"""The 2D U-Net with instance normalisation that the producers call nnunet (supervised-diffusion spec 3.3)."""
