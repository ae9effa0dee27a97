#!/bin/sh
# Write constraints.txt from what is installed in .venv: every package but our own and pip, without local versions.
set -eu
cd "$(dirname "$0")/.."
{
    echo "# The exact versions that CI tests with. Written by tools/freeze.sh from .venv; pyproject.toml holds the ranges."
    .venv/bin/python -m pip freeze --exclude-editable --exclude flowglass | sed 's/+cpu$//' | LC_ALL=C sort -f
} > constraints.txt.new
mv constraints.txt.new constraints.txt
