"""One dock each; panels show records, announce wishes, and do not know each other."""
