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
password=$(word)
redis=$(word)
printf '%s\n' "$password" > postgres-password
printf '%s\n' "postgres://tongxing:$password@postgres/tongxing" > database.url
printf '%s\n' "postgres://tongxing:$password@postgres/tongxing_vault" > vault.url
printf '%s\n' "redis://default:$redis@redis:6379" > redis.url
printf '%s\n' 'save ""' 'appendonly no' 'maxmemory 64mb' 'maxmemory-policy volatile-ttl' \
    "requirepass $redis" > redis.conf
head -c 32 /dev/urandom | base64 > master.key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 30 \
    -subj /CN=id.example.org -addext subjectAltName=DNS:id.example.org \
    -keyout tls/key.pem -out tls/chain.pem 2>/dev/null
# Compose shows files as they are: their owner is the user inside the containers. PostgreSQL's image reads
# its password as root, and so does nginx its key.
if [ "$(id -u)" -eq 0 ]; then
    chown 10001:10001 database.url vault.url redis.url redis.conf master.key
else
    echo "not root: give database.url vault.url redis.url redis.conf master.key in secrets/ to user 10001," >&2
    echo "or run containers without root, where the user inside is mapped" >&2
fi
