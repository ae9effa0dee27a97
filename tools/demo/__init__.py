"""Parts of tools/make_demo.py: synthetic angiograms, training, and files in the producers' own layout."""
