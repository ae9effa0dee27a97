#!/bin/sh
# Make the virtual environment: `make_venv.sh PYTHON FOLDER`. Installs Debian's venv module first where it is missing.
set -eu
python=$1
folder=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Flowglass needs Python 3.11 or later; '$python' is $("$python" --version 2>&1 || echo absent)." >&2
    echo "Name another one: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi

# Debian ships Python without ensurepip; `python -m venv` would fail half-way and leave a broken folder.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "'$python' cannot make virtual environments. Paste this, then run make again:" >&2
        echo "    sudo apt-get update && sudo apt-get install -y $package" >&2
        exit 1
    fi
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$package"
fi

"$python" -m venv "$folder"
