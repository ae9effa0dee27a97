"""Each turns a wish into a job, and the record that returns into a change of the store."""
