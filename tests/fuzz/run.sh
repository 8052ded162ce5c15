#!/usr/bin/env bash
# Fuzzes every target for a while, from the project's own fixtures as seeds.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]     20 seconds each of all targets unless given
#
# Needs cargo-fuzz, which it installs from crates.io where it can; says so and ends well where it cannot. SEEDS=FOLDER adds a
# folder of seeds.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-20}
shift || true
if ! command -v cargo-fuzz >/dev/null && ! cargo install --quiet cargo-fuzz --locked; then
  echo "skipped: cargo-fuzz is not here and cannot be installed, nothing was fuzzed"
  exit 0
fi
if ! command -v c++ >/dev/null && ! command -v clang++ >/dev/null; then
  echo "skipped: there is no C++ compiler, which libFuzzer needs, nothing was fuzzed"
  exit 0
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for file in tests/fuzz/fuzz_targets/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi
seeds=$(mktemp -d) # and logs
trap 'rm -rf "$seeds"' EXIT
mkdir "$seeds/given"
find fixtures -type f -size -64k -print0 | while IFS= read -r -d '' file; do
  cp "$file" "$seeds/given/$(echo "$file" | tr / _)"
done
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
  # The first folder is where new inputs go; the seeds are only read.
  mkdir -p "$seeds/new-$target"
  echo "fuzzing $target for $seconds s"
  code=0
  cargo fuzz run --fuzz-dir tests/fuzz -s none "$target" "$seeds/new-$target" "$seeds/given" ${SEEDS:+"$SEEDS"} -- \
    -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=25 -print_final_stats=1 >"$seeds/log" 2>&1 || code=$?
  if [ "$code" -ne 0 ]; then
    tail -n 40 "$seeds/log"
    exit "$code"
  fi
  grep -E 'number_of_executed_units|peak_rss_mb' "$seeds/log"
done
