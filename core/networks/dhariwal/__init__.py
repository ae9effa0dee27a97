"""The Dhariwal U-Net for flow matching: state and image enter as one tensor (flow spec section 5)."""
