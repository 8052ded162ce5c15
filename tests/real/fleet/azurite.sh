#!/usr/bin/env bash
# Azure Blob Storage as a source of the inventory, over real HTTP, against Azurite (from npm), filled by Azure's own client (from PyPI).
#
#   tests/real/fleet/azurite.sh [PLIMSOLL]
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=$PWD/tests/real/fleet plimsoll=$(realpath "${1:-target/release/plimsoll}")
[ -x "$plimsoll" ] || { echo "no $plimsoll; cargo build --release"; exit 1; }
work=$(mktemp -d) server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q azure-storage-blob &&
  npm install --silent --no-audit --no-fund --prefix "$work/node" azurite; } >"$work/log" 2>&1 ||
  { tail -1 "$work/log"; echo "skipped: Azurite cannot be had here"; exit 0; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Azure's clients may be newer than the emulator; what both speak is the older one's.
node "$work/node/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 --blobPort "$port" \
  --inMemoryPersistence --disableTelemetry --skipApiVersionCheck --silent >"$work/server" 2>&1 &
server=$!
for _ in $(seq 150); do grep -q "successfully listens" "$work/server" && break; sleep 0.2; done
grep -q "successfully listens" "$work/server" || { cat "$work/server"; exit 1; }
export HOME=$work
"$work/venv/bin/python" -B "$here/azurite.py" "$plimsoll" "$work" "http://127.0.0.1:$port"
