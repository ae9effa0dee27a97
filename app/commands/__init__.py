"""What a person can do, as data: the record of a command, the tables, and where its key is kept."""
