# Sourced by tests/run: a private Redis in a temporary folder, which keeps nothing.

redis_folder=""
redis_process=""

# Exports TONGXING_TEST_REDIS, its URL. Tests that kill one start their own.
start_redis() {
  redis_folder=$(mktemp -d "${TMPDIR:-/tmp}/tongxing-redis-XXXXXX")
  local port
  # Between the look for a free port and its use another process may take it: try again.
  for _ in 1 2 3; do
    port=$(free_port)
    redis-server --port "$port" --bind 127.0.0.1 --dir "$redis_folder" --save "" --appendonly no \
      </dev/null >"$redis_folder/log" 2>&1 &
    redis_process=$!
    for _ in $(seq 100); do
      if [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && kill -0 "$redis_process" 2>/dev/null; then
        export TONGXING_TEST_REDIS="redis://127.0.0.1:$port"
        return
      fi
      kill -0 "$redis_process" 2>/dev/null || break
      sleep 0.1
    done
    stop_redis_process
  done
  cat "$redis_folder/log"
  return 1
}

stop_redis_process() {
  if [ -n "$redis_process" ]; then
    kill -9 "$redis_process" 2>/dev/null || true
    wait "$redis_process" 2>/dev/null || true
    redis_process=""
  fi
}

stop_redis() {
  if [ -z "$redis_folder" ]; then return 0; fi
  stop_redis_process
  rm -rf "$redis_folder"
  redis_folder=""
}
