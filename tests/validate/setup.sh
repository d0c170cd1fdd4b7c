#!/bin/sh
# Makes the Python environment of the output validators; does nothing when it is already there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${OKTAWATCH_VALIDATE_VENV:-$here/../../target/validate-venv}
stamp=$venv/requirements.txt
if ! cmp -s "$here/requirements.txt" "$stamp" 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$stamp"
fi
echo "$venv/bin/python"
