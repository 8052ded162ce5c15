#!/usr/bin/env bash
# The inventory's page over a generated company, looked at in headless Chromium (Debian's package, driven by playwright-core
# from npm): as a file, and served.
#
#   tests/real/fleet/page.sh [PLIMSOLL] [COUNT] [SCREENSHOTS]
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=$PWD/tests/real/fleet plimsoll=$(realpath "${1:-target/release/plimsoll}") count=${2:-10000} shots=${3:-}
[ -x "$plimsoll" ] || { echo "no $plimsoll; cargo build --release"; exit 1; }
command -v npm >/dev/null || { echo "skipped: no npm here, the page was not looked at"; exit 0; }
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ] && command -v apt-get >/dev/null; then
  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium) >/dev/null 2>&1 || true
  browser=$(command -v chromium || true)
fi
[ -n "$browser" ] || { echo "skipped: Chromium cannot be had here"; exit 0; }
corpus=${FLEET_CORPUS:-target/release/examples/fleet-corpus}
[ -n "${FLEET_CORPUS:-}" ] || cargo build --release --quiet --example fleet-corpus

work=$(mktemp -d) server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund playwright-core >/dev/null) || { echo "skipped: playwright-core cannot be had"; exit 0; }
cp "$here/page.mjs" "$work/"

# Three nights: some functions change, some advisories are new.
export PLIMSOLL_DB=$work/db PLIMSOLL_STORE=$work/store.db HOME=$work
"$corpus" functions "$work/functions" "$count"
zip=$(find "$work/functions" -name '*.zip' -print -quit)
cat >"$work/hostile.jsonl" <<JSON
{"name":"<img src=x onerror=alert(1)>","path":"$zip","owner":"</script><script>alert(2)</script>","tags":{"a":"\"><svg onload=alert(3)>"}}
{"name":"=cmd|'/c calc'!A1 \u202egnp.exe","path":"$zip","runtime":"javascript:alert(4)","owner":"<!--"}
{"name":"gone.zip <b>","path":"$work/nowhere.zip"}
JSON
for night in 1 2 3; do
  "$corpus" advisories "$work/osv" 2000 $((night * 50))
  "$plimsoll" db import --force "$work/osv" >/dev/null 2>&1
  SOURCE_DATE_EPOCH=$((1795600000 + night * 86400)) "$plimsoll" inventory sync "$work/functions" "$work/hostile.jsonl" --quiet 2>/dev/null || [ $? = 2 ]
  SOURCE_DATE_EPOCH=$((1795600000 + night * 86400)) "$plimsoll" inventory audit --offline --allow-stale --quiet >/dev/null || [ $? = 1 ]
  "$corpus" night "$work/functions" "$count"
done
"$plimsoll" inventory report -o html="$work/page.html"
echo "page: $(wc -c <"$work/page.html") bytes"

[ -z "$shots" ] || mkdir -p "$shots"
PLIMSOLL_TOKEN=s3cret "$plimsoll" inventory serve --listen 127.0.0.1:0 2>"$work/serve.log" &
server=$!
for _ in $(seq 100); do grep -q serving "$work/serve.log" && break; sleep 0.1; done
url=$(sed -n 's/^serving \(http[^ ]*\).*/\1/p' "$work/serve.log")
[ -n "$url" ] || { cat "$work/serve.log"; exit 1; }
(cd "$work" && node page.mjs "$browser" page.html "$shots" "$url" s3cret)
