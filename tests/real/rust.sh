#!/usr/bin/env bash
# Builds a real Rust binary in four forms and scores plimsoll on them. Usage: rust.sh PLIMSOLL
# With cargo-auditable on PATH, a fifth form has its audit data.
set -euo pipefail
tool=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src" "$work/out"
cat > "$work/Cargo.toml" <<'TOML'
[package]
name = "bootstrap"
version = "0.1.0"
edition = "2021"
[dependencies]
serde_json = "1"
regex = "1"
csv = "1"
flate2 = "1"
[workspace]
TOML
cat > "$work/src/main.rs" <<'RS'
use std::io::Read as _;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::io::stdin()).read_to_string(&mut text)?;
    let pattern = regex::Regex::new(&text)?;
    for record in csv::Reader::from_reader(text.as_bytes()).records() {
        println!("{} {:?}", pattern.is_match(&text), record?);
    }
    println!("{}", serde_json::from_str::<serde_json::Value>(&text)?);
    Ok(())
}
RS
cd "$work"
unset CARGO_TARGET_DIR
if ! cargo generate-lockfile -q; then
    echo "skipped: cargo cannot reach its registry here, a real Rust binary was not scored"
    exit 0
fi
cargo build -q --release
cp target/release/bootstrap plain
strip plain -o stripped
if command -v cargo-auditable > /dev/null; then
    cargo auditable build -q --release --target-dir audited
fi
cargo tree -e normal --prefix none -f '{p}' > tree.txt
python3 - <<'PY'
import json, os, zipfile

truth = set()
for line in open("tree.txt"):
    words = line.split()
    if len(words) >= 2 and words[0] != "bootstrap" and "(proc-macro)" not in line:
        truth.add(("crates.io", words[0], words[1].lstrip("v")))


def emit(name, binary, bars, lock=False):
    with zipfile.ZipFile(f"out/{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(binary, "bootstrap")
        if lock:
            archive.write("Cargo.lock")
    json.dump({"components": sorted(truth), "bars": bars}, open(f"out/{name}.truth.json", "w"))


emit("rust-plain", "plain", [0.85, 0.42, 0.98])
emit("rust-stripped", "stripped", [0.42, 0.42, 0.98])
emit("rust-lock", "plain", [0.95, 0.95, 0.98], lock=True)
emit("rust-stripped-lock", "stripped", [0.95, 0.95, 0.98], lock=True)
if os.path.exists("audited/release/bootstrap"):
    emit("rust-auditable", "audited/release/bootstrap", [1, 1, 0.98])
PY
python3 "$here/score.py" "$tool" "$work/out" "" "${SCORE:-}"
