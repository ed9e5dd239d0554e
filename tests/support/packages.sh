# Sourced by tests/run: what a bare Debian machine lacks, through its package managers.
# Each function returns 1 and leaves the reason in `missing` when it cannot provide something.

missing=""

# as_root COMMAND…: directly, or by sudo when it asks for no password.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_is_fresh=no

# from_debian PACKAGE…
from_debian() {
  if ! command -v apt-get >/dev/null; then missing="no apt-get to install $* with"; return 1; fi
  if ! as_root true 2>/dev/null; then missing="not root, so install by hand: $*"; return 1; fi
  local quiet=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  echo "installing $*"
  if [ "$apt_is_fresh" = no ]; then
    as_root apt-get "${quiet[@]}" update </dev/null || { missing="apt-get update failed"; return 1; }
    apt_is_fresh=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get "${quiet[@]}" install -y --no-install-recommends "$@" </dev/null >/dev/null \
    || { missing="apt-get install $* failed"; return 1; }
}

# The newest installed version's programs first: Debian keeps them out of the path.
find_postgres() {
  local folder
  for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
    if [ -x "$folder/initdb" ]; then PATH="$folder:$PATH"; break; fi
  done
  command -v initdb >/dev/null && command -v pg_ctl >/dev/null && command -v psql >/dev/null
}

provide_postgres() {
  find_postgres || { from_debian postgresql && find_postgres; }
}

provide_redis() {
  if command -v redis-server >/dev/null && command -v redis-cli >/dev/null; then return; fi
  from_debian redis-server redis-tools
}

# unpacked PACKAGE PROGRAM: a program out of Debian's package, installed nowhere: a service that it begins
# would take ports. Leaves its folder in the path.
unpacked() {
  local folder="$PWD/target/tests/debian/$1"
  if [ ! -x "$folder$2" ]; then
    if ! command -v apt-get >/dev/null; then missing="no apt-get to fetch $1 with"; return 1; fi
    echo "fetching $1"
    if [ "$apt_is_fresh" = no ]; then
      as_root apt-get -qq -o DPkg::Lock::Timeout=300 update </dev/null || { missing="apt-get update failed"; return 1; }
      apt_is_fresh=yes
    fi
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && apt-get download -qq "$1" </dev/null 2>/dev/null && dpkg-deb -x "$1"_*.deb . && rm "$1"_*.deb) \
      || { missing="$1 could not be fetched"; rm -rf "$folder"; return 1; }
  fi
  PATH="$folder$(dirname "$2"):$PATH"
}

# What runbooks and examples under deploy/ are run with.
provide_nginx() {
  if ! command -v curl >/dev/null; then from_debian curl || return 1; fi
  [ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || unpacked nginx /usr/sbin/nginx
}

provide_promtool() {
  command -v promtool >/dev/null || unpacked prometheus /usr/bin/promtool
}

provide_systemd_tools() {
  command -v systemd-analyze >/dev/null || from_debian systemd
}

# Apache and its relying-party module, nothing that starts by itself.
provide_apache() {
  [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || from_debian apache2-bin libapache2-mod-auth-openidc
}

chromium=/usr/bin/chromium

# The browser, and a font that has Chinese.
provide_chromium() {
  if [ ! -x "$chromium" ]; then from_debian chromium || return 1; fi
  if ! command -v fc-list >/dev/null || [ -z "$(fc-list :lang=zh-cn family)" ]; then
    from_debian fontconfig fonts-wqy-zenhei || return 1
  fi
}

# provide_node_packages FOLDER
provide_node_packages() {
  if ! command -v npm >/dev/null; then from_debian nodejs npm || return 1; fi
  local folder=$1
  # npm keeps this copy of the lock file beside what it installed.
  if [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]; then return; fi
  echo "npm ci in $folder"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null) \
    || { missing="npm ci failed in $folder"; return 1; }
  touch "$folder/node_modules/.package-lock.json"
}

venv=target/tests/venv

provide_python_packages() {
  local wanted=tests/clients/requirements.txt
  if cmp -s "$wanted" "$venv/requirements.txt"; then return; fi
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    from_debian python3 python3-venv python3-pip || return 1
  fi
  echo "pip install -r $wanted"
  rm -rf "$venv"
  python3 -m venv "$venv" \
    && "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted" </dev/null \
    && cp "$wanted" "$venv/requirements.txt" \
    || { missing="pip install -r $wanted failed"; return 1; }
}
