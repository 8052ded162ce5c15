#!/usr/bin/env bash
# Times the inventory over generated companies: benches/fleet.sh [COUNT...], default 1000 10000 50000 functions.
# PLIMSOLL_BENCH_STORE=postgres://… measures that server instead of SQLite (its tables are dropped).
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet --bin plimsoll --example fleet-corpus
plimsoll=$PWD/target/release/plimsoll corpus=$PWD/target/release/examples/fleet-corpus
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME=$work/data HOME=$work PLIMSOLL_DB=$work/db

"$corpus" advisories "$work/osv1" 300000 0
"$corpus" advisories "$work/osv2" 300000 1000
printf '%-10s %-34s %10s %10s %10s %10s\n' functions what seconds user MiB 'per second'
measure() { # functions what command...
  local functions=$1 what=$2 code=0
  shift 2
  /usr/bin/time -f '%e %U %M' -o "$work/time" "$@" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -le 1 ] || [ "$code" -eq 3 ] || { cat "$work/err"; echo "$what: exit code $code"; exit 1; }
  tail -1 "$work/time" | awk -v n="$functions" -v w="$what" \
    '{printf "%-10s %-34s %10.2f %10.2f %10.0f %10.0f\n", n, w, $1, $2, $3 / 1024, n / ($1 > 0 ? $1 : 0.01)}'
}
for count in "${@:-1000 10000 50000}"; do
  for count in $count; do
    rm -rf "$work/functions" "$work"/store* "$work/db"
    store=${PLIMSOLL_BENCH_STORE:-$work/store.db}
    "$corpus" functions "$work/functions" "$count"
    "$plimsoll" db import "$work/osv1" >/dev/null 2>&1
    measure "$count" 'first sync' "$plimsoll" inventory sync "$work/functions" --store "$store"
    measure "$count" 'second night, nothing changed' "$plimsoll" inventory sync "$work/functions" --store "$store"
    "$corpus" night "$work/functions" "$count"
    measure "$count" 'second night, 1 % changed' "$plimsoll" inventory sync "$work/functions" --store "$store"
    measure "$count" 'first audit, 300,000 advisories' "$plimsoll" inventory audit --offline --store "$store"
    measure "$count" 'audit of everything again' "$plimsoll" inventory audit --all --offline --store "$store"
    measure "$count" 'audit, nothing changed' "$plimsoll" inventory audit --offline --store "$store"
    "$plimsoll" db import "$work/osv2" >/dev/null 2>&1
    measure "$count" 'audit, 1,000 records changed' "$plimsoll" inventory audit --offline --store "$store"
    measure "$count" 'find, one version range' "$plimsoll" inventory find 'npm:fleet-package-0020@<1.6.9' --store "$store"
    measure "$count" 'diff' "$plimsoll" inventory diff --since 1 --store "$store"
    measure "$count" 'show' "$plimsoll" inventory show team-01/function-000001.zip --store "$store"
    measure "$count" 'stats' "$plimsoll" inventory stats --store "$store"
    [ -n "${PLIMSOLL_BENCH_STORE:-}" ] || echo "$count          store $(du -m "$work/store.db" | cut -f1) MiB, zips $(du -sm "$work/functions" | cut -f1) MiB"
  done
done
