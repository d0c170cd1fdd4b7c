#!/usr/bin/env bash
# Are the programs there that the tests call? Installs what is missing from Debian, as root.
set -euo pipefail

# program → Debian package
needed=(
  cc:build-essential c++:build-essential make:build-essential pkg-config:pkg-config
  java:default-jre-headless mvn:maven openssl:openssl
  python3:python3 rsyslogd:rsyslog
)

missing=()
for pair in "${needed[@]}"; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
pkg-config --exists libcurl 2>/dev/null || missing+=(libcurl4-openssl-dev)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
compgen -G '/usr/lib/*/rsyslog/omkafka.so' >/dev/null || missing+=(rsyslog-kafka)
if [ ${#missing[@]} -eq 0 ]; then exit; fi

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]}; as root on Debian: apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
quiet=(-qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
for try in 1 2 3; do
  if apt-get "${quiet[@]}" update &&
    apt-get "${quiet[@]}" install --yes --no-install-recommends "${missing[@]}" >/dev/null; then
    exit
  fi
  sleep $((try * 10))
done
echo "apt-get could not install ${missing[*]}" >&2
exit 1
