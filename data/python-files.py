"""Writes python-files.tsv: by which of its files a distribution whose code states no version tells its version.

Usage: python-files.py fetch FOLDER PLIMSOLL   wheels of the distributions that plimsoll cannot tell the version of
       python-files.py table FOLDER [PYTHON...] > python-files.tsv      of all below FOLDER: a choice of them may be linked there

`fetch` takes the newest wheel of each distribution of python-imports.tsv without its metadata, and asks a plimsoll whether it
knows which version that is; of those that it does not, and of those that have rows already, it takes the versions before that
one too. It keeps what it has.

`table` writes one row for each content of a file: distribution, path below the import root, `s` for source or `b` for
bytecode, hash, the versions that have it. Source is hashed as it is. Of bytecode, which every CPython makes otherwise, the
identifiers are hashed: each PYTHON (a command; this one unless given) compiles the files, and where they differ there are
several rows. Of each distribution the few files that tell most versions apart are kept.
"""
import concurrent.futures, hashlib, json, pathlib, re, subprocess, sys

from wheels import normal, unpack, wheels

NEWEST = 24  # versions of each
FILES = 4
HERE = pathlib.Path(__file__).parent

WALK = r'''
import hashlib, json, re, sys
word = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
def walk(value, found):
    if isinstance(value, str):
        found.add(value)
    elif isinstance(value, (tuple, frozenset)):
        for part in value: walk(part, found)
    elif hasattr(value, "co_consts"):
        for part in (value.co_consts, value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars, value.co_name):
            walk(part, found)
out = {}
for path in sys.stdin.read().splitlines():
    found = set()
    try:
        walk(compile(open(path, "rb").read(), "x", "exec", dont_inherit=True), found)
    except SyntaxError:
        continue
    words = sorted(w for w in found if word.match(w) and not (w.startswith("__") and w.endswith("__")))
    out[path] = hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
print(json.dumps(out))
'''


def knows(plimsoll, name, version, target):
    out = subprocess.run([plimsoll, "sbom", "-o", "cyclonedx", target], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    seen = {(c["name"], c.get("version")) for c in json.loads(out or "{}").get("components", [])}
    return (name, version) in seen


def fetch(folder, plimsoll):
    rows = lambda file, column: {line.split("\t")[column] for line in (HERE / file).read_text().splitlines() if line[0] != "#"}
    hashed = rows("python-files.tsv", 0)

    def one(name):
        for i, (version, url, _) in enumerate(wheels(name)[:NEWEST]):
            target = folder / name / version
            if not target.exists():
                unpack(url, target)
            if name not in hashed and (i == 0 or i % 4 == 0) and knows(plimsoll, name, version, target):
                break  # from here back its code states it
        return name

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = {pool.submit(one, name): name for name in sorted({normal(n) for n in rows("python-imports.tsv", 1)})}
        for done in concurrent.futures.as_completed(asked):
            if done.exception():
                print(f"{asked[done]}: {done.exception()}", file=sys.stderr)


def sources(target):
    """Python files of a version by path, with their hash."""
    files = {}
    for path in target.rglob("*.py"):
        rel = path.relative_to(target).as_posix()
        if ".dist-info/" not in rel and "/tests/" not in rel and not rel.startswith("bin/"):
            files[rel] = (hashlib.sha256(path.read_bytes()).hexdigest()[:16], path)
    return files


def choose(versions):
    """The files that, one after the other, part most of what the ones before leave together."""
    groups, chosen = [set(versions)], []
    candidates = {path for files in versions.values() for path in files}
    while len(chosen) < FILES and any(len(group) > 1 for group in groups):
        def parted(path):
            return [{v for v in g if versions[v].get(path, ("",))[0] == h} for g in groups for h in {versions[v].get(path, ("",))[0] for v in g}]
        best = max(sorted(candidates), key=lambda path: len(parted(path)))
        if len(parted(best)) == len(groups):
            break
        groups, chosen = parted(best), [*chosen, best]
    return chosen or sorted(candidates, key=len)[:1]


def table(folder, pythons):
    rows, wanted = {}, {}
    for dist in sorted(p for p in folder.iterdir() if p.is_dir()):
        versions = {v.name: sources(v) for v in dist.iterdir() if v.is_dir() and v.suffix != ".part"}
        versions = {v: files for v, files in versions.items() if files}
        if len(versions) < 2:
            continue  # what is known by its code, and what has no Python
        for path in choose(versions):
            for version, files in versions.items():
                if path in files:
                    digest, place = files[path]
                    rows.setdefault((dist.name, path, "s", digest), set()).add(version)
                    wanted.setdefault(digest, (str(place), []))[1].append((dist.name, path, version))
    paths = {place: owners for place, owners in wanted.values()}
    for python in pythons:
        done = subprocess.run([python, "-W", "ignore", "-c", WALK], input="\n".join(paths), stdout=subprocess.PIPE, text=True, check=True).stdout
        for place, digest in json.loads(done).items():
            for dist, path, version in paths[place]:
                rows.setdefault((dist, path, "b", digest), set()).add(version)
    order = lambda version: [int(n) for n in re.findall(r"\d+", version)]
    print("# distribution	file	s: source, b: bytecode	hash	versions; written by python-files.py")
    for key in sorted(rows):
        print(*key, " ".join(sorted(rows[key], key=order)), sep="	")


def main():
    command, folder, *rest = sys.argv[1:]
    folder = pathlib.Path(folder)
    fetch(folder, rest[0]) if command == "fetch" else table(folder, rest or [sys.executable])


main()
