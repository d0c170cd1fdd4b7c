#!/usr/bin/env bash
# A real Apache Kafka for development and tests, on loopback only, from Maven Central. No container.
#
# Usage: deploy/kafka-dev.sh COMMAND [ARGUMENTS]
#
#   install [connect]     fetch the broker's jars (and those of Kafka Connect); done once
#   start [OPTIONS]       start the broker, or start it again on the data it has
#         --port N            base port (default 9092): PLAINTEXT on N, N+1, …, SASL_SSL on N+100, …,
#                             controllers on N+200, …
#         --nodes N           number of brokers (default 1)
#         --while PID         stop the broker and delete its data once process PID is gone
#         --proxied           one more PLAINTEXT listener on N+300, N+301, …, which tells its clients to
#                             come to N+400, N+401, …: there a test puts proxies that it can disturb
#   stop                  stop all brokers, keep their data
#   kill NODE             kill -9 one broker (0, 1, …)
#   restart NODE          start one broker that was killed
#   status                which brokers run; exit code 1 when one does not
#   clean                 stop, and delete data, logs and certificates
#   topics …              kafka-topics, and likewise:
#   configs … | groups … | acls … | transactions …
#   connect FILE FILE…    Kafka Connect standalone in the foreground: worker and connector properties
#   produce TOPIC         lines of stdin become records
#   consume TOPIC …       records to stdout, committed ones only; further options as kafka-console-consumer
#
# Environment: KAFKA_DEV_VERSION (4.3.1), KAFKA_DEV_CACHE (jars), KAFKA_DEV_DIR (data, logs,
# certificates), KAFKA_DEV_HEAP (512m), KAFKA_DEV_JAVA (further options of java), KAFKA_DEV_USER and KAFKA_DEV_PASSWORD (the SCRAM user of the
# SASL_SSL listener: oktawatch, oktawatch-secret).
#
# A client of the SASL_SSL listener needs: security.protocol=SASL_SSL, sasl.mechanism=SCRAM-SHA-512,
# sasl.username, sasl.password, ssl.ca.location=$KAFKA_DEV_DIR/certs/ca.pem
#
# Needs java 17 or newer, mvn (for install) and openssl.
set -euo pipefail

version=${KAFKA_DEV_VERSION:-4.3.1}
cache=${KAFKA_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/oktawatch/kafka-$version}
dir=${KAFKA_DEV_DIR:-${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/kafka-dev}
heap=${KAFKA_DEV_HEAP:-512m}
user=${KAFKA_DEV_USER:-oktawatch}
password=${KAFKA_DEV_PASSWORD:-oktawatch-secret}

fail() {
  echo "kafka-dev: $*" >&2
  exit 1
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "$tool is needed and not installed"
  done
}

# ---------------------------------------------------------------------------------------------------
# Jars

dependency() { # group artifact version
  printf '<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n' "$@"
}

fetch() { # folder, dependencies on stdin; complete or not there at all
  local target=$1 work
  [ -f "$target/.complete" ] && return
  need java mvn
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  if [ ! -f "$target/.complete" ]; then
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    {
      echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
      echo '<groupId>local</groupId><artifactId>kafka-dev</artifactId><version>1</version>'
      echo '<packaging>pom</packaging><dependencies>'
      cat
      echo '</dependencies></project>'
    } >"$work/pom.xml"
    local try
    for try in 1 2 3; do
      mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$work/lib" >&2 && break
      [ "$try" = 3 ] && fail "Maven could not fetch Kafka $version"
      sleep $((try * 5))
    done
    rm -rf "$target"
    mv "$work/lib" "$target"
    rm -rf "$work"
    touch "$target/.complete"
  fi
  flock -u 9
}

logging() { # quiet unless something is wrong
  cat >"$cache/log4j2.properties.$$" <<'PROPERTIES'
status=error
appender.out.type=Console
appender.out.name=OUT
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=${sys:kafka.dev.level:-warn}
rootLogger.appenderRef.out.ref=OUT
PROPERTIES
  mv "$cache/log4j2.properties.$$" "$cache/log4j2.properties"
}

install_broker() {
  fetch "$cache/broker" <<<"$(dependency org.apache.kafka kafka_2.13 "$version"
  dependency org.apache.kafka kafka-tools "$version"
  dependency org.apache.logging.log4j log4j-slf4j-impl 2.25.5)"
  logging
}

install_connect() {
  fetch "$cache/connect" <<<"$(dependency org.apache.kafka connect-runtime "$version"
  dependency org.apache.kafka connect-file "$version"
  dependency org.apache.kafka connect-json "$version"
  dependency org.apache.kafka connect-transforms "$version"
  dependency org.apache.logging.log4j log4j-slf4j-impl 2.25.5)"
  logging
}

run_java() { # folder class arguments…
  local folder=$1
  shift
  java -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$cache/$folder/*:$cache" "$@"
}

# ---------------------------------------------------------------------------------------------------
# Brokers

certificates() { # one authority and one server key; a client trusts ca.pem
  local certs=$dir/certs
  [ -f "$certs/server.pem" ] && return
  need openssl
  mkdir -p "$certs"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=kafka-dev authority" \
    -keyout "$certs/ca.key" -out "$certs/ca.pem" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
    -keyout "$certs/server.key" -out "$certs/server.csr" 2>/dev/null
  openssl x509 -req -in "$certs/server.csr" -CA "$certs/ca.pem" -CAkey "$certs/ca.key" -CAcreateserial \
    -days 30 -out "$certs/server.crt" \
    -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") 2>/dev/null
  cat "$certs/server.key" "$certs/server.crt" "$certs/ca.pem" >"$certs/server.pem"
}

properties() { # node; the quorum's voters come from the saved port and number of nodes
  local node=$1 port nodes voters="" i replicas in_sync listeners advertised map
  port=$(cat "$dir/port")
  nodes=$(cat "$dir/nodes")
  replicas=$((nodes < 3 ? nodes : 3))
  in_sync=$((nodes < 3 ? 1 : 2))
  for ((i = 0; i < nodes; i++)); do
    voters+=${voters:+,}$i@127.0.0.1:$((port + 200 + i))
  done
  listeners=PLAINTEXT://127.0.0.1:$((port + node)),SASL_SSL://127.0.0.1:$((port + 100 + node))
  map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
  advertised=$listeners
  if [ -f "$dir/proxied" ]; then
    listeners+=,PROXIED://127.0.0.1:$((port + 300 + node))
    advertised+=,PROXIED://127.0.0.1:$((port + 400 + node))
    map+=,PROXIED:PLAINTEXT
  fi
  cat <<PROPERTIES
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=$listeners,CONTROLLER://127.0.0.1:$((port + 200 + node))
advertised.listeners=$advertised
listener.security.protocol.map=$map
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=$dir/certs/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/certs/ca.pem
log.dirs=$dir/$node/data
auto.create.topics.enable=false
default.replication.factor=$replicas
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
broker.session.timeout.ms=6000
PROPERTIES
}

running() { # node
  [ -f "$dir/$1/pid" ] && kill -0 "$(cat "$dir/$1/pid")" 2>/dev/null
}

launch() { # node, formatted before; returns when it answers
  local node=$1 home=$dir/$1 port
  port=$(($(cat "$dir/port") + node))
  running "$node" && return
  setsid java -Xms128m "-Xmx$heap" -XX:+UseSerialGC -XX:MaxMetaspaceSize=192m -Djava.awt.headless=true \
    ${KAFKA_DEV_JAVA:-} -cp "$cache/broker/*:$cache" kafka.Kafka "$home/server.properties" >>"$home/log" 2>&1 </dev/null &
  echo $! >"$home/pid"
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    if ! running "$node"; then
      tail -n 20 "$home/log" >&2
      fail "broker $node ended while starting; its log is $home/log"
    fi
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    sleep 0.1
  done
  fail "broker $node did not answer on port $port within a minute; its log is $home/log"
}

format() { # node
  local home=$dir/$1
  mkdir -p "$home"
  properties "$1" >"$home/server.properties"
  [ -f "$home/data/meta.properties" ] && return
  run_java broker kafka.tools.StorageTool format -t "$(cat "$dir/cluster-id")" \
    -c "$home/server.properties" --add-scram "SCRAM-SHA-512=[name=$user,password=$password]" >/dev/null
}

start() {
  local port="" nodes="" watched="" proxied="" i
  while [ $# -gt 0 ]; do
    case $1 in
      --port) port=${2:?--port needs a number}; shift 2 ;;
      --nodes) nodes=${2:?--nodes needs a number}; shift 2 ;;
      --while) watched=${2:?--while needs a process id}; shift 2 ;;
      --proxied) proxied=1; shift ;;
      *) fail "unknown option $1 of start" ;;
    esac
  done
  need java openssl
  install_broker
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  [ -n "$port" ] && echo "$port" >"$dir/port"
  [ -n "$nodes" ] && echo "$nodes" >"$dir/nodes"
  [ -z "$proxied" ] || touch "$dir/proxied"
  [ -f "$dir/port" ] || echo 9092 >"$dir/port"
  [ -f "$dir/nodes" ] || echo 1 >"$dir/nodes"
  [ -f "$dir/cluster-id" ] || run_java broker kafka.tools.StorageTool random-uuid >"$dir/cluster-id"
  certificates
  nodes=$(cat "$dir/nodes")
  for ((i = 0; i < nodes; i++)); do format "$i"; done
  local launches=()
  for ((i = 0; i < nodes; i++)); do
    launch "$i" &
    launches+=($!)
  done
  wait_for "${launches[@]}"
  [ -z "$watched" ] || watch "$watched"
  echo "bootstrap.servers=$(bootstrap)"
}

wait_for() { # fails when one of the processes failed
  local process
  for process in "$@"; do wait "$process"; done
}

watch() { # a process of its own, so that even a killed caller leaves nothing behind
  KAFKA_DEV_DIR=$dir setsid bash -c '
    while kill -0 "$1" 2>/dev/null; do sleep 1; done
    exec "$2" clean' kafka-dev-watch "$1" "$(realpath "$0")" >/dev/null 2>&1 </dev/null &
}

bootstrap() {
  local port nodes i servers=""
  [ -f "$dir/port" ] || fail "no broker was started in $dir"
  port=$(cat "$dir/port")
  nodes=$(cat "$dir/nodes")
  for ((i = 0; i < nodes; i++)); do servers+=${servers:+,}127.0.0.1:$((port + i)); done
  echo "$servers"
}

# All at once: a controller that lost its quorum would wait for it before it ends.
stop() {
  local file process tries
  for file in "$dir"/*/pid; do
    [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null || true
  done
  for file in "$dir"/*/pid; do
    [ -f "$file" ] || continue
    process=$(cat "$file")
    for ((tries = 0; tries < 200; tries++)); do
      kill -0 "$process" 2>/dev/null || break
      sleep 0.1
    done
    kill -9 "$process" 2>/dev/null || true
    rm -f "$file"
  done
}

status() {
  local i nodes all=0
  [ -f "$dir/nodes" ] || fail "no broker was started in $dir"
  nodes=$(cat "$dir/nodes")
  for ((i = 0; i < nodes; i++)); do
    if running "$i"; then
      echo "broker $i: running, process $(cat "$dir/$i/pid")"
    else
      echo "broker $i: not running"
      all=1
    fi
  done
  return $all
}

kill_node() {
  running "$1" || fail "broker $1 does not run"
  kill -9 "$(cat "$dir/$1/pid")"
  rm -f "$dir/$1/pid"
}

# The folder is deleted only when it holds what this script puts there.
clean() {
  [ -f "$dir/cluster-id" ] || return 0
  stop
  rm -rf "$dir"
}

# ---------------------------------------------------------------------------------------------------
# Tools

tool() { # class arguments…
  local class=$1
  shift
  run_java broker "$class" --bootstrap-server "$(bootstrap)" "$@"
}

usage() { sed -n '2,/^set /p' "$0" | sed -e '$d' -e 's/^# \{0,1\}//'; }

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
  install)
    install_broker
    [ "${1:-}" != connect ] || install_connect
    ;;
  start) start "$@" ;;
  stop) stop ;;
  status) status ;;
  clean) clean ;;
  kill) kill_node "${1:?which broker?}" ;;
  restart) launch "${1:?which broker?}" ;;
  topics) tool org.apache.kafka.tools.TopicCommand "$@" ;;
  configs) tool kafka.admin.ConfigCommand "$@" ;;
  groups) tool org.apache.kafka.tools.consumer.group.ConsumerGroupCommand "$@" ;;
  acls) tool kafka.admin.AclCommand "$@" ;;
  transactions) tool org.apache.kafka.tools.TransactionsCommand "$@" ;;
  produce) tool org.apache.kafka.tools.ConsoleProducer --topic "${1:?which topic?}" ;;
  consume)
    topic=${1:?which topic?}
    shift
    tool org.apache.kafka.tools.consumer.ConsoleConsumer --topic "$topic" --isolation-level read_committed "$@"
    ;;
  connect)
    install_connect
    exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$cache/connect/*:$cache" \
      org.apache.kafka.connect.cli.ConnectStandalone "$@"
    ;;
  -h | --help | help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
