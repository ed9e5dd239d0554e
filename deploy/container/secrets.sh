#!/bin/sh
# What compose.yaml reads from ./secrets: made once, and never again over what is there.
set -eu
cd "$(dirname "$0")"
if [ -e secrets ]; then
    echo "there is a folder secrets already: nothing was changed" >&2
    exit 1
fi
umask 077
mkdir -p secrets/tls
cd secrets
word() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }
database=$(word)
vault=$(word)
redis=$(word)
word > postgres-password
printf '%s\n' "postgres://tongxing:$database@postgres/tongxing" > database.url
printf '%s\n' "postgres://tongxing_vault:$vault@postgres/tongxing_vault" > vault.url
cat > databases.sql <<END
CREATE ROLE tongxing LOGIN PASSWORD '$database';
CREATE ROLE tongxing_vault LOGIN PASSWORD '$vault';
CREATE DATABASE tongxing OWNER tongxing ENCODING 'UTF8' TEMPLATE template0;
CREATE DATABASE tongxing_vault OWNER tongxing_vault ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE tongxing FROM PUBLIC;
REVOKE CONNECT ON DATABASE tongxing_vault FROM PUBLIC;
END
printf '%s\n' "redis://default:$redis@redis:6379" > redis.url
printf '%s\n' 'save ""' 'appendonly no' 'maxmemory 64mb' 'maxmemory-policy volatile-ttl' \
    "requirepass $redis" > redis.conf
head -c 32 /dev/urandom | base64 > master.key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 \
    -subj /CN=id.example.org -addext subjectAltName=DNS:id.example.org \
    -keyout tls/key.pem -out tls/chain.pem 2>/dev/null
# Compose shows files as they are: their owner is the user inside the containers. PostgreSQL's image reads
# its password as root and the statements as its user, 999; nginx reads its key as root.
if [ "$(id -u)" -eq 0 ]; then
    chown 10001:10001 database.url vault.url redis.url redis.conf master.key
    chown 999:999 databases.sql
else
    echo "not root: in secrets/ give database.url vault.url redis.url redis.conf master.key to user 10001 and" >&2
    echo "databases.sql to user 999, as the containers count users (podman unshare chown)" >&2
fi
