#!/usr/bin/env bash
# S3, Lambda and Google Cloud Storage as sources of the inventory, over real HTTP with the real SDK, against moto's server (from PyPI).
#
#   tests/real/fleet/moto.sh [PLIMSOLL]
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=$PWD/tests/real/fleet plimsoll=$(realpath "${1:-target/release/plimsoll}")
[ -x "$plimsoll" ] || { echo "no $plimsoll; cargo build --release"; exit 1; }
work=$(mktemp -d) server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
python=${MOTO_PYTHON:-}
if [ -z "$python" ]; then
  { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q 'moto[server]' boto3; } >"$work/log" 2>&1 ||
    { tail -1 "$work/log"; echo "skipped: moto cannot be had here"; exit 0; }
  python=$work/venv/bin/python
fi
"$python" -B "$here/aws.py" serve "$work/port" >"$work/server" 2>&1 &
server=$!
for _ in $(seq 150); do [ -s "$work/port" ] && break; sleep 0.2; done
[ -s "$work/port" ] || { cat "$work/server"; exit 1; }
export AWS_ENDPOINT_URL=http://127.0.0.1:$(cat "$work/port") AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=s3cret-key AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1
export AWS_EC2_METADATA_DISABLED=true HOME=$work PLIMSOLL_STORE=$work/store.db
"$python" -B "$here/aws.py" check "$plimsoll" "$work"
"$python" -B "$here/gcs.py" "$plimsoll" "$work"
