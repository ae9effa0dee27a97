"""Qt models that present records in tables and trees."""
