#!/usr/bin/env bash
# The Python packages of the tests, in an environment of their own. Usage: python.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:?the folder of the environment}
wanted=$(cat "$here/requirements.txt" "$here"/../validate/requirements.txt)
[ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ] || exit 0
mkdir -p "$(dirname "$venv")"
python3 -m venv "$venv"
for try in 1 2 3; do
  if "$venv/bin/pip" install --quiet --disable-pip-version-check \
    --requirement "$here/requirements.txt" --requirement "$here/../validate/requirements.txt"; then
    echo "$wanted" >"$venv/installed"
    exit
  fi
  sleep $((try * 5))
done
echo "pip could not install the packages of $here/requirements.txt" >&2
exit 1
