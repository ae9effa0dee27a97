"""What a FiLM network is conditioned on: a profile cache, a local vision-language model, or nothing (off)."""
