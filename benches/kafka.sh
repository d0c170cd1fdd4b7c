#!/usr/bin/env bash
# Measures the way from Kafka to Kafka: throughput and cost of the release program beside a program
# that does nothing with the events, and the time from event to alert. What the columns mean stands
# at the top of benches/kafka/main.rs.
#
# Usage: benches/kafka.sh [EVENTS]               (default 300000; some minutes, and about 1 GB on disk)
#        benches/kafka.sh throughput EVENTS      the first table alone
#        benches/kafka.sh latency                the second
#        benches/kafka.sh restore                the last
#
# Starts a Kafka of its own with deploy/kafka-dev.sh on free ports and takes it down afterwards.
# Needs java 17, mvn, openssl and npm. Nothing else should run on the machine: broker, generator
# and program share its cores.
set -euo pipefail
cd "$(dirname "$0")/.."
benches/geoip.sh
[[ ${1:-} =~ ^(throughput|latency|restore)$ ]] || set -- run "$@"
exec cargo bench --bench kafka -- "$@"
