"""Read a checkpoint safely and lazily, find out what it is, and say why."""
