"""Cases, runs, resumable batch evaluation on Lightning, tables, statistics."""
