#!/usr/bin/env python3
"""Packs lists of names, the most popular first, into advisories/names/*.gz.

python3 advisories/names/make.py FOLDER    FOLDER holds npm.txt, pypi.txt, crates.txt: one name a line

The output is the same for the same input on every machine. Crates that the list does not name are taken from
data/crate-names.txt and crates-seen.txt, behind it and a line that says that they have no rank.
"""
import gzip, io, pathlib, sys

# Too new to be ranked when the lists were made, and asked for by packages at their top.
NEW = {"pypi.txt": ["httpx2", "httpcore2"]}

here = pathlib.Path(__file__).parent
folder = pathlib.Path(sys.argv[1])
for source, target in [("npm.txt", "npm.txt"), ("pypi.txt", "PyPI.txt"), ("crates.txt", "crates.io.txt")]:
    names = (folder / source).read_text().split()
    if source == "crates.txt":
        names.append("# unranked")
        names += (here / "../../data/crate-names.txt").read_text().split()
        names += (here / "crates-seen.txt").read_text().split()
    names += NEW.get(source, [])
    names = list(dict.fromkeys(names))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as out:
        out.write(("\n".join(names) + "\n").encode())
    (here / f"{target}.gz").write_bytes(packed.getvalue())
    print(f"{target}.gz: {len(names)} names, {len(packed.getvalue())} bytes")
