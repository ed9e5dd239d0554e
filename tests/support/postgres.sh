# Sourced by tests/run: a private PostgreSQL in a temporary folder, durable as in production.

postgres_folder=""

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# A port of loopback on which nothing listens.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 30000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
}

# Exports TONGXING_TEST_POSTGRES, the address of a superuser from which tests make databases.
start_postgres() {
  postgres_folder=$(mktemp -d "${TMPDIR:-/tmp}/tongxing-postgres-XXXXXX")
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$postgres_folder"; fi
  local port programs log="$postgres_folder/log"
  programs=$(dirname "$(readlink -f "$(command -v initdb)")")
  as_postgres "$programs/initdb" --pgdata="$postgres_folder/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions >"$log.initdb" 2>&1 \
    || { cat "$log.initdb"; return 1; }
  # Between the look for a free port and its use another process may take it: try again.
  for _ in 1 2 3; do
    port=$(free_port)
    if as_postgres "$programs/pg_ctl" --pgdata="$postgres_folder/data" --log="$log" --wait --silent \
      --options="-p $port -k $postgres_folder -c listen_addresses=127.0.0.1 -c max_connections=300" start
    then
      export TONGXING_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
      return
    fi
  done
  cat "$log"
  return 1
}

# new_database NAME: prints its address.
new_database() {
  psql --quiet --no-psqlrc --dbname="$TONGXING_TEST_POSTGRES" --command="CREATE DATABASE $1" >&2
  echo "${TONGXING_TEST_POSTGRES%/*}/$1"
}

stop_postgres() {
  if [ -z "$postgres_folder" ]; then return 0; fi
  local programs
  programs=$(dirname "$(readlink -f "$(command -v initdb)")")
  as_postgres "$programs/pg_ctl" --pgdata="$postgres_folder/data" --mode=immediate --silent stop \
    >/dev/null 2>&1 || true
  rm -rf "$postgres_folder"
  postgres_folder=""
}
