"""What a FiLM network is conditioned on: the producers' profile cache."""
