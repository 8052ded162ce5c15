#!/usr/bin/env bash
# Builds a real pip target in three forms and scores plimsoll on them. Usage: python.sh PLIMSOLL [REQUIREMENT...]
set -euo pipefail
tool=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- requests==2.31.0 certifi==2024.2.2 charset-normalizer==3.3.2 idna==3.6 urllib3==2.2.1 PyYAML==6.0.1 \
    python-dateutil==2.8.2 six==1.16.0 attrs==23.2.0 click==8.1.7 Mako==1.3.2 MarkupSafe==2.1.5
if ! python3 -m pip install -q --no-compile --only-binary :all: --target "$work/app" "$@"; then
    echo "skipped: pip cannot install here, a real Python target was not scored"
    exit 0
fi
rm -rf "$work/app/bin"
python3 - "$work" <<'PY'
import compileall, email.parser, json, pathlib, re, shutil, sys, zipfile

work = pathlib.Path(sys.argv[1])
app, out = work / "app", work / "out"
out.mkdir()
truth = []
for meta in app.glob("*.dist-info/METADATA"):
    head = email.parser.HeaderParser().parsestr(meta.read_text(encoding="utf-8"))
    truth.append(["pypi", re.sub(r"[-_.]+", "-", head["Name"]).lower(), head["Version"]])
shutil.copytree(app, work / "bytecode")
compileall.compile_dir(work / "bytecode", quiet=1, legacy=True)


def emit(name, tree, keep, bars):
    with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in tree.rglob("*") if p.is_file()):
            rel = path.relative_to(tree).as_posix()
            if keep(rel):
                archive.write(path, rel)
    (out / f"{name}.truth.json").write_text(json.dumps({"components": sorted(truth), "bars": bars}))


slim = lambda rel: ".dist-info/" not in rel and "__pycache__" not in rel
emit("py-target", app, lambda rel: True, [1, 1, 0.98])
emit("py-slim", app, slim, [0.97, 0.8, 0.98])
emit("py-bytecode-slim", work / "bytecode", lambda rel: slim(rel) and not rel.endswith(".py"), [0.95, 0.75, 0.98])
PY
python3 "$here/score.py" "$tool" "$work/out" "" "${SCORE:-}"
