#!/usr/bin/env bash
# The inventory on PostgreSQL: four workers at once, one of them killed and started again, leave what one worker leaves, and
# every question has the answer that it has on SQLite. Starts a server of its own from Debian's packages.
#
#   tests/real/fleet/postgres.sh [PLIMSOLL] [COUNT]
set -euo pipefail
cd "$(dirname "$0")/../../.."
plimsoll=$(realpath "${1:-target/release/plimsoll}") count=${2:-400}
[ -x "$plimsoll" ] || { echo "no $plimsoll; cargo build --release"; exit 1; }

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
if [ -z "$bin" ] && command -v apt-get >/dev/null; then
  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql) >/dev/null 2>&1 || true
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
fi
[ -n "$bin" ] || { echo "skipped: PostgreSQL cannot be had here"; exit 0; }

corpus=$(dirname "$plimsoll")/examples/fleet-corpus
[ -x "$corpus" ] || cargo build --release --quiet --example fleet-corpus
[ -x "$corpus" ] || corpus=target/release/examples/fleet-corpus
work=$(mktemp -d)
chmod 755 "$work"
# A server refuses to run as root.
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
mkdir "$work/pg"
[ "$(id -u)" != 0 ] || chown postgres "$work/pg"
stop() { as "$bin/pg_ctl" -D "$work/pg/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"; }
trap stop EXIT
as "$bin/initdb" -D "$work/pg/data" -U plimsoll --auth=trust >/dev/null
port=$((20000 + RANDOM % 20000))
as "$bin/pg_ctl" -D "$work/pg/data" -w -o "-p $port -c listen_addresses=127.0.0.1 -k $work/pg" -l "$work/pg/log" start >/dev/null
url=postgres://plimsoll@127.0.0.1:$port
psql() { "$bin/psql" -X -q -A -t "$@"; }
for name in one four; do psql "$url/postgres" -c "CREATE DATABASE $name"; done

"$corpus" functions "$work/functions" "$count"
"$corpus" advisories "$work/osv" 2000 0
export PLIMSOLL_DB=$work/db HOME=$work
"$plimsoll" db import "$work/osv" >/dev/null 2>&1
sync() { "$plimsoll" inventory sync "$work/functions" --quiet "$@"; }
audit() { code=0; "$plimsoll" inventory audit --offline --store "$1" >"$work/audit" || code=$?; [ "$code" = 1 ] || { cat "$work/audit"; echo "audit: exit code $code, expected 1"; exit 1; }; }

sync --store "$url/one"
audit "$url/one"

# Four pods of one job: the third dies in the midst of its part.
pids=()
for index in 0 1 2 3; do
  # Not by the function above: the number would be the shell's, and the worker outlive it.
  JOB_COMPLETION_INDEX=$index PLIMSOLL_SHARDS=4 "$plimsoll" inventory sync "$work/functions" --quiet --jobs 1 --store "$url/four" &
  pids+=($!)
done
rows() { psql "$url/four" -c "SELECT COUNT(*) FROM artifact" 2>/dev/null || echo 0; }
at_work() { psql "$url/four" -c "SELECT COUNT(*) FROM run r WHERE part = '3/4' AND EXISTS (SELECT 1 FROM function f WHERE f.first_run = r.id)" 2>/dev/null || echo 0; }
for _ in $(seq 1000); do [ "$(at_work)" = 1 ] && break; sleep 0.01; done
kill -9 "${pids[2]}" 2>/dev/null || true
failed=0
for i in 0 1 3; do wait "${pids[$i]}" || failed=1; done
wait "${pids[2]}" 2>/dev/null || true
[ "$failed" = 0 ] || { echo "a worker failed beside one that was killed"; exit 1; }
between=$(rows)
JOB_COMPLETION_INDEX=2 PLIMSOLL_SHARDS=4 sync --store "$url/four"
audit "$url/four"
echo "four workers: $between artifacts when one was dead, $(rows) after it was started again"
psql "$url/four" -c "SELECT state || ' ' || COUNT(*) FROM run GROUP BY state ORDER BY state"
[ "$(psql "$url/four" -c "SELECT COUNT(*) FROM run WHERE state = 'running'")" = 0 ] || { echo "a dead run is still called running"; exit 1; }
[ "$(psql "$url/four" -c "SELECT COUNT(*) FROM run WHERE state = 'aborted'")" = 1 ] || { echo "the dead run is not called aborted"; exit 1; }

dump() {
  psql "$1" <<'SQL'
SELECT s.name, f.name, f.location, a.digest, f.failed, f.gone_run IS NULL FROM function f JOIN source s ON s.id = f.source_id LEFT JOIN artifact a ON a.id = f.artifact_id ORDER BY 1, 2;
SELECT digest, format, kind, size, dated, md5(document) FROM artifact ORDER BY 1;
SELECT f.name, a.digest, d.to_run IS NULL FROM deployment d JOIN function f ON f.id = d.function_id JOIN artifact a ON a.id = d.artifact_id ORDER BY 1, d.from_run;
SELECT a.digest, n.ecosystem, n.name, n.version, c.proof, c.confidence, c.direct FROM component c JOIN artifact a ON a.id = c.artifact_id JOIN coordinate n ON n.id = c.coordinate_id ORDER BY 1, 2, 3, 4;
SELECT a.digest, x.name, x.version, y.name, y.version FROM edge e JOIN artifact a ON a.id = e.artifact_id JOIN coordinate x ON x.id = e.from_id JOIN coordinate y ON y.id = e.to_id ORDER BY 1, 2, 3, 4, 5;
SELECT a.digest, g.number, g.kind, g.stage, g.location, g.reason FROM gap g JOIN artifact a ON a.id = g.artifact_id ORDER BY 1, 2;
SELECT w.rule, n.name, n.version, w.advisory, w.about, w.message FROM flaw w LEFT JOIN coordinate n ON n.id = w.coordinate_id ORDER BY 1, 2, 3, 4, 5;
SELECT f.name, w.rule, w.advisory, n.name, n.version, d.fixed_run IS NULL, d.level, d.severity FROM finding d JOIN function f ON f.id = d.function_id JOIN flaw w ON w.id = d.flaw_id LEFT JOIN coordinate n ON n.id = w.coordinate_id ORDER BY 1, 2, 3, 4, 5;
SQL
}
dump "$url/one" >"$work/one" && dump "$url/four" >"$work/four"
cmp "$work/one" "$work/four" || { diff "$work/one" "$work/four" | head; echo "four workers left other rows than one"; exit 1; }
echo "same rows: $(wc -l <"$work/one")"

sync --store "$work/store.db"
audit "$work/store.db"
timeless() { sed -E 's/20[0-9-]{8}T[0-9:.]+Z/TIME/g'; }
for question in "list" "find npm:fleet-package-0020@<1.6.9" "find npm:fleet-package-1*" "show team-01/function-000001.zip" "diff --since 1" "stats"; do
  # Times differ, and nothing else does.
  # shellcheck disable=SC2086 # the words of a question
  ask() { "$plimsoll" inventory $question -o json --store "$1" | timeless; }
  ask "$url/one" >"$work/a" && ask "$work/store.db" >"$work/b"
  cmp -s "$work/a" "$work/b" || { diff "$work/a" "$work/b" | head; echo "inventory $question: PostgreSQL and SQLite differ"; exit 1; }
  echo "same answer: inventory $question ($(wc -l <"$work/a") lines)"
done

# Encrypted, by a server that takes nothing else: its certificate is for `localhost` and of an authority of our own.
command -v openssl >/dev/null || { echo "skipped: no openssl here, TLS was not tried"; exit 0; }
for authority in ours theirs; do
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$authority.key" -out "$work/$authority.pem" -days 2 -subj "/CN=$authority" 2>/dev/null
done
openssl req -newkey rsa:2048 -nodes -keyout "$work/pg/server.key" -out "$work/server.csr" -subj "/CN=localhost" 2>/dev/null
openssl x509 -req -in "$work/server.csr" -CA "$work/ours.pem" -CAkey "$work/ours.key" -CAcreateserial -days 2 -out "$work/pg/server.pem" \
  -extfile <(echo "subjectAltName=DNS:localhost") 2>/dev/null
chmod 600 "$work/pg/server.key" && { [ "$(id -u)" != 0 ] || chown postgres "$work/pg/server.key"; }
printf 'hostssl all all 127.0.0.1/32 trust\nlocal all all trust\n' >"$work/pg/data/pg_hba.conf"
as "$bin/pg_ctl" -D "$work/pg/data" -w -o "-p $port -c listen_addresses=127.0.0.1 -k $work/pg -c ssl=on -c ssl_cert_file=$work/pg/server.pem -c ssl_key_file=$work/pg/server.key" -l "$work/pg/log" restart >/dev/null
through() { "$plimsoll" inventory stats -o json --store "postgres://plimsoll@$1:$port/one?$2" 2>&1; }
"$plimsoll" inventory stats -o json --store "$work/store.db" | timeless >"$work/b"
through localhost "sslmode=verify-full&sslrootcert=$work/ours.pem" | timeless >"$work/a"
cmp -s "$work/a" "$work/b" || { cat "$work/a"; echo "TLS: another answer than without"; exit 1; }
echo "same answer: over TLS"
refused() { # WHAT HOST QUERY
  if said=$(through "$2" "$3"); then echo "TLS: $1 was taken"; exit 1; fi
  echo "refused: $1: $(tail -1 <<<"$said" | cut -c1-160)"
}
refused "another authority" localhost "sslmode=verify-full&sslrootcert=$work/theirs.pem"
refused "the system's authorities" localhost "sslmode=require"
refused "another name" 127.0.0.1 "sslrootcert=$work/ours.pem"
refused "no encryption" localhost "sslmode=disable"
