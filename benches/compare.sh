#!/usr/bin/env bash
# Whole processes: plimsoll on a zip beside `unzip -p` of the entries that plimsoll reads from it. Needs unzip and bash.
#
#   benches/compare.sh ZIP [RUNS]
set -euo pipefail
zip=$1 runs=${2:-20}
cd "$(dirname "$0")/.."
cargo build --release --quiet
bin=target/release/plimsoll
[ -x "$bin" ] || bin="${CARGO_TARGET_DIR:-target}/release/plimsoll"

# What detectors ask for by name; binaries are read as well, by magic.
mapfile -t entries < <(unzip -Z1 "$zip" |
  grep -E '(^|/)node_modules/(@[^/]+/)?[^/@.][^/]*/package\.json$|(^|/)(package-lock\.json|\.package-lock\.json|requirements\.txt|Cargo\.lock)$|\.dist-info/METADATA$|\.egg-info(/PKG-INFO)?$|EGG-INFO/PKG-INFO$|\.so$|^bootstrap$|^index\.js$')

median() { sort -n | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'; }
time_of() { # milliseconds of one run
  local from to
  from=$(date +%s%N); "$@" >/dev/null 2>&1 || true; to=$(date +%s%N)
  echo $(((to - from) / 10000)) | awk '{ print $1 / 100 }'
}
a=() b=()
for _ in $(seq "$runs"); do # in turn, so that a drift of the machine meets both
  a+=("$(time_of "$bin" scan --offline --quiet "$zip")")
  b+=("$(time_of unzip -p "$zip" "${entries[@]}")")
done
peak=$( { /usr/bin/time -f '%M' "$bin" scan --offline --quiet "$zip" >/dev/null; } 2>&1 | tail -1 || true)
echo "$(basename "$zip"): plimsoll $(printf '%s\n' "${a[@]}" | median) ms, peak ${peak:-?} KB; unzip -p of ${#entries[@]} entries $(printf '%s\n' "${b[@]}" | median) ms (medians of $runs runs in turn)"
