#!/usr/bin/env bash
# Holds every document that plimsoll writes against its official schema, reads its SBOMs again and other tools' too.
# Usage: run.sh PLIMSOLL [MORE...]
#
# Artifacts are the fixtures, the real and the hostile zips that lie beside the project (where they do), plimsoll itself and
# what MORE names. Validators and schemas come from PyPI and crates.io, other tools' SBOMs from what is installed for that; all
# of it is kept in a folder of its own (or PLIMSOLL_REAL), so that a second run only checks. Says so and ends with 0 where
# nothing can be installed.
set -euo pipefail
tool=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
work=${PLIMSOLL_REAL:-${TMPDIR:-/tmp}/plimsoll-real-formats}
skip() {
    echo "skipped: $1; documents were not held against their schemas"
    exit 0
}
mkdir -p "$work/schemas/src"

# The schema of SARIF 2.1.0 and that of SPDX 2.3 are inside of crates that make types of them.
cat >"$work/schemas/Cargo.toml" <<'TOML'
[package]
name = "schemas"
version = "0.0.0"
edition = "2021"
[dependencies]
serde-sarif = "=0.8.0"
serde-spdx = "=0.10.0"
[workspace]
TOML
: >"$work/schemas/src/lib.rs"
crate() {
    cargo metadata --quiet --format-version 1 --manifest-path "$work/schemas/Cargo.toml" |
        python3 -c 'import json, os, sys
for p in json.load(sys.stdin)["packages"]:
    if p["name"] == sys.argv[1]: print(os.path.dirname(p["manifest_path"]))' "$1"
}
command -v python3 >/dev/null || skip "no python3 here"
sarif=$(crate serde-sarif || true)/src/schema.json
spdx=$(crate serde-spdx || true)/schemas/spdx_2_3.json
[ -f "$sarif" ] && [ -f "$spdx" ] || skip "no schemas from crates.io"

python=$work/venv/bin/python
if [ ! -e "$work/ready" ]; then
    python3 -m venv "$work/venv" || skip "no venv in this Python"
    # With CycloneDX's own schemas, SPDX's own validator, and a reader of JUnit reports; cyclonedx-bom makes an SBOM of them all.
    "$python" -m pip install --quiet --disable-pip-version-check \
        'cyclonedx-python-lib[json-validation]==11.12.0' 'spdx-tools==0.8.5' 'jsonschema==4.26.0' 'junitparser==5.0.3' 'cyclonedx-bom==7.5.0' ||
        skip "no packages from PyPI"
    touch "$work/ready"
fi

# SBOMs of other tools, from what they see themselves: each is read, and every package that it lists is found.
others=$work/others
mkdir -p "$others"
"$work/venv/bin/cyclonedx-py" environment --output-reproducible --of JSON -o "$others/cyclonedx-py.cdx.json" "$work/venv" 2>/dev/null ||
    echo "skipped: cyclonedx-py made no SBOM here"
if command -v npm >/dev/null; then
    if [ ! -e "$others/cyclonedx-npm.cdx.json" ]; then
        mkdir -p "$work/npm"
        echo '{"name":"others","version":"1.0.0","private":true,"dependencies":{"@cyclonedx/cyclonedx-npm":"6.0.1","minimist":"1.2.5"}}' >"$work/npm/package.json"
        (cd "$work/npm" && npm install --silent --ignore-scripts --no-audit --no-fund --omit=optional &&
            node node_modules/@cyclonedx/cyclonedx-npm/bin/cyclonedx-npm-cli.js --output-reproducible --omit dev -o "$others/cyclonedx-npm.cdx.json" &&
            npm sbom --sbom-format cyclonedx >"$others/npm.cdx.json" && npm sbom --sbom-format spdx >"$others/npm.spdx.json") ||
            echo "skipped: npm's SBOMs could not be made here"
    fi
else
    echo "skipped: no npm here, its SBOMs were not read"
fi

exec "$python" -u "$here/check.py" "$tool" "$top" "$sarif" "$spdx" "$others" "$@"
