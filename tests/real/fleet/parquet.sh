#!/usr/bin/env bash
# The inventory's Parquet export, read back by DuckDB (from PyPI): the questions that `plimsoll inventory` answers, asked in SQL.
#
#   tests/real/fleet/parquet.sh [PLIMSOLL] [COUNT]
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=$PWD/tests/real/fleet plimsoll=$(realpath "${1:-target/release/plimsoll}") count=${2:-500}
[ -x "$plimsoll" ] || { echo "no $plimsoll; cargo build --release"; exit 1; }
corpus=${FLEET_CORPUS:-target/release/examples/fleet-corpus}
[ -n "${FLEET_CORPUS:-}" ] || cargo build --release --quiet --example fleet-corpus

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q duckdb; } >"$work/log" 2>&1 ||
  { tail -1 "$work/log"; echo "skipped: DuckDB cannot be had here"; exit 0; }

export PLIMSOLL_DB=$work/db PLIMSOLL_STORE=$work/store.db HOME=$work
"$corpus" functions "$work/functions" "$count"
zip=$(find "$work/functions" -name '*.zip' -print -quit)
cat >"$work/more.jsonl" <<JSON
{"name":"orders","path":"$zip","runtime":"nodejs20.x","memory":512,"timeout":30,"layers":["arn:a","arn:b"],"owner":"shop","tags":{"stage":"prod, \"eu\""}}
{"name":"naïve ☃ 'name'","path":"$zip","runtime":"nodejs16.x"}
{"name":"lost","path":"$work/nowhere.zip"}
JSON
for night in 1 2; do
  "$corpus" advisories "$work/osv" 2000 $((night * 50))
  "$plimsoll" db import --force "$work/osv" >/dev/null 2>&1
  export SOURCE_DATE_EPOCH=$((1795600000 + night * 86400))
  "$plimsoll" inventory sync "$work/functions" "$work/more.jsonl" --quiet 2>/dev/null || [ $? = 2 ]
  "$plimsoll" inventory audit --offline --allow-stale --quiet >/dev/null || [ $? = 1 ]
  "$plimsoll" inventory export --format parquet "$work/lake" >"$work/export"
  "$plimsoll" inventory stats -o json >"$work/stats-$night.json"
  if [ "$night" = 1 ]; then
    "$corpus" night "$work/functions" "$count"
    find "$work/functions" -name '*.zip' | sort | tail -3 | xargs rm
  fi
done
cat "$work/export"
"$plimsoll" inventory export "$work/lake" >/dev/null
"$work/venv/bin/python" "$here/parquet.py" "$plimsoll" "$work"
