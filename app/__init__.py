"""The window: panels that show records and announce wishes, controllers that decide, jobs that compute."""
