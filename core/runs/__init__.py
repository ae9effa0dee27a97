"""Training runs: what the producers' tracker left of each in its folder, read without opening a checkpoint."""

from core.runs.listing import RunListing, list_runs, read_runs, runs_in

__all__ = ["RunListing", "list_runs", "read_runs", "runs_in"]
