"""Holds python-imports.tsv against the metadata of real distributions.

Usage: python-imports.py FOLDER...

Each folder is searched for wheels and for *.dist-info folders. What a RECORD lists at the top (or below a namespace package,
one without __init__.py) are the distribution's imports. Prints rows that the table does not have, in its format, and rows
that it has otherwise; exits with 1 if any contradicts.
"""
import csv, email.parser, io, pathlib, re, sys, zipfile

from wheels import normal

SKIP = re.compile(r"^(tests?|docs?|examples?|scripts|bin|include|share|lib|\.\.|__pycache__|.*\.(dist-info|data|libs)|.*-stubs)$")


def imports(paths):
    """Import paths and forms of the files of one distribution."""
    packages = {p[: -len("/__init__.py")] for p in paths if p.endswith("/__init__.py")}
    found = {}
    for package in packages:
        parts = package.split("/")
        inner = any("/".join(parts[:i]) in packages for i in range(1, len(parts)))
        if not inner and len(parts) <= 3 and not any(SKIP.match(part) for part in parts):
            found[package] = "package"
    for path in paths:
        stem = path.split("/")[-1].split(".")[0]
        if "/" not in path and re.search(r"\.(py|so|pyd)$", path) and not SKIP.match(stem):
            found.setdefault(stem, "module")
    return found


def distributions(folder):
    """Name and files of every distribution below a folder."""
    for wheel in sorted(folder.rglob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            meta = next(n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
            yield email.parser.HeaderParser().parsestr(archive.read(meta).decode())["Name"], names
    for record in sorted(folder.rglob("*.dist-info/RECORD")):
        meta = record.parent / "METADATA"
        if meta.exists() and not any(p in ("_vendor", "vendored") for p in record.parts):
            name = email.parser.HeaderParser().parsestr(meta.read_text(encoding="utf-8"))["Name"]
            yield name, [row[0] for row in csv.reader(io.StringIO(record.read_text(encoding="utf-8"))) if row]


def main():
    table = {}
    for line in (pathlib.Path(__file__).parent / "python-imports.tsv").read_text().splitlines():
        if not line.startswith("#"):
            path, name, form, *_ = line.split("\t")
            table.setdefault(path, set()).add((normal(name), form))
    missing, wrong, agreed = set(), set(), 0
    for folder in sys.argv[1:]:
        for name, paths in distributions(pathlib.Path(folder)):
            for path, form in imports(paths).items():
                known = table.get(path)
                if known is None:
                    missing.add(f"{path}\t{name}\t{form}")
                elif (normal(name), form) not in known:
                    wrong.add(f"{path}: {name} as a {form}, the table says {sorted(known)}")
                else:
                    agreed += 1
    print(*sorted(missing, key=str.lower), sep="\n")
    print(f"{agreed} agree, {len(missing)} missing, {len(wrong)} contradict", *sorted(wrong), sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
