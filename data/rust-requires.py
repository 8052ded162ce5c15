"""Writes rust-requires.tsv: which crates a crate cannot be built without.

Usage: rust-requires.py > rust-requires.tsv     (needs cargo; resolves the crates below, downloads no code)

One row for each run of versions that agree: crate, first version, last version, the crates that are always linked with it.
From cargo's own copy of the registry's index, for every published version from the oldest incompatible one that the crates
below still use, with the fewest features that are possible: what is not optional, what the features that a dependant asks for
bring, and so on down; where several versions of a dependency will do, what all of them need. `NAME@linux` is needed on Linux.
Left out: build and development dependencies, what runs in the compiler (procedural macros and their parts), and what
another one of the same row brings in any case.
"""
import functools, json, os, pathlib, re, subprocess, sys, tempfile

# What functions are commonly built from, at each incompatible version that is still in use.
SEEDS = """
actix-web=4 anyhow=1 argon2=0.5 async-trait=0.1 aws-config=1 aws-sdk-dynamodb=1 aws-sdk-s3=1 aws-sdk-sqs=1 aws_lambda_events=0.15
aws_lambda_events=0.16 axum=0.6 axum=0.7 axum=0.8 base64=0.13 base64=0.21 base64=0.22 bincode=1 bytes=1 chrono=0.4 clap=3 clap=4
crossbeam=0.8 csv=1 dashmap=5 dashmap=6 ed25519-dalek=2 env_logger=0.10 env_logger=0.11 eyre=0.6 flate2=1 futures=0.3
governor=0.6 h2=0.3 h2=0.4 hmac=0.12 http=0.2 http=1 hyper=0.14 hyper=1 hyper-rustls=0.24 hyper-tls=0.5 hyper-util=0.1 image=0.25
indexmap=1 indexmap=2 itertools=0.13 jsonwebtoken=8 jsonwebtoken=9 lambda_http=0.8 lambda_http=0.13 lambda_http=0.14
lambda_runtime=0.8 lambda_runtime=0.11 lambda_runtime=0.13 lambda_runtime=0.14 lettre=0.11 log=0.4 lru=0.12 minijinja=2 moka=0.12
mongodb=2 mongodb=3 native-tls=0.2 num-bigint=0.4 opentelemetry=0.22 opentelemetry=0.27 parking_lot=0.12 prost=0.12 prost=0.13
quick-xml=0.36 rand=0.8 rand=0.9 rayon=1 redis=0.25 redis=0.27 regex=1 reqwest=0.11 reqwest=0.12 ring=0.17 rust_decimal=1
rustls=0.21 rustls=0.22 rustls=0.23 scraper=0.20 semver=1 serde=1 serde_json=1 serde_yaml=0.9 sha2=0.10 smallvec=1
sqlx=0.8 tera=1 thiserror=1 thiserror=2 time=0.3 tokio=1 tokio-postgres=0.7 tokio-util=0.7 toml=0.8 tonic=0.11 tonic=0.12
tower=0.4 tower=0.5 tower-http=0.4 tower-http=0.5 tower-http=0.6 tracing=0.1 tracing-subscriber=0.3 tungstenite=0.24 url=2 uuid=1
validator=0.18 wasmtime=27 warp=0.3 zip=2 zstd=0.13
""".split()

TOOLKIT = {"proc-macro2", "quote", "syn"}
MACRO = re.compile(
    r"[-_](derive|macros?|impl|attr|attributes|internal|codegen|generator)$"
    r"|^(rustversion|paste|pastey|seq-macro|indoc|proc-macro-hack|document-features|cfg_aliases|rustc_version|version_check|autocfg|cc)$"
)
LINUX = {"unix", "panic=unwind", "target_os=linux", "target_family=unix", "target_endian=little", "target_pointer_width=64"}
# Other values of these names are known to be false on the systems that functions run on; of the rest nothing is known.
DECIDED = {"target_os", "target_family", "target_endian", "target_pointer_width", "windows", "target_vendor"}
FOREIGN = {"wasm32", "wasm64", "sgx", "msvc"}


def semver(text):
    core = text.split("+")[0].split("-")[0]
    return tuple(int(n) for n in core.split("."))


def bounds(requirement):
    """A requirement as a list of half-open ranges of versions (its commas), or None where it is of a rarer form."""
    all_of = []
    for part in requirement.split(","):
        match = re.fullmatch(r"\s*(\^|~|>=|<=|>|<|=|)\s*(\d+)(?:\.(\d+|\*))?(?:\.(\d+|\*))?(?:[-+].*)?\s*", part)
        if part.strip() == "*":
            all_of.append(((0, 0, 0), (1 << 30,)))
            continue
        if not match:
            return None
        operator, *numbers = match.groups()
        if "*" in numbers:
            operator = "~"
        numbers = [int(n) for n in numbers if n not in (None, "*")]
        low = tuple(numbers + [0] * (3 - len(numbers)))
        step = lambda at: tuple(numbers[: at + 1])[:-1] + (numbers[at] + 1,) + (0,) * (2 - at)
        if operator in ("^", ""):
            significant = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
            all_of.append((low, step(significant)))
        elif operator == "~":
            all_of.append((low, step(min(1, len(numbers) - 1))))
        elif operator == "=":
            all_of.append((low, step(len(numbers) - 1)))
        elif operator == ">=":
            all_of.append((low, (1 << 30,)))
        elif operator == ">":
            all_of.append((step(len(numbers) - 1), (1 << 30,)))
        elif operator == "<":
            all_of.append(((0, 0, 0), low))
        else:
            all_of.append(((0, 0, 0), step(len(numbers) - 1)))
    return all_of


def on_linux(target):
    """Whether a platform expression is certainly true on every Linux that functions run on."""
    if not target.startswith("cfg("):
        return False
    tokens = re.findall(r'[a-z_0-9A-Z]+|"[^"]*"|[(),=]', target[3:])
    at = 0

    def expression():
        nonlocal at
        word = tokens[at]
        at += 1
        if word in ("all", "any", "not") and tokens[at] == "(":
            at += 1
            values = []
            while tokens[at] != ")":
                values.append(expression())
                if tokens[at] == ",":
                    at += 1
            at += 1
            if word == "not":
                return None if values[0] is None else not values[0]
            decisive = word == "any"
            return decisive if decisive in values else None if None in values else not decisive
        if at < len(tokens) and tokens[at] == "=":
            value = tokens[at + 1].strip('"')
            at += 2
            return True if f"{word}={value}" in LINUX else False if word in DECIDED or value in FOREIGN else None
        return True if word in LINUX else False if word in DECIDED else None

    at = 1  # behind the first parenthesis
    return expression() is True


class Index:
    """Cargo's copy of the registry's index."""

    def __init__(self, folder):
        self.crates = {}
        for path in folder.rglob("*"):
            if path.is_file():
                rows = [r for r in path.read_bytes().split(b"\0") if r.startswith(b'{"name"')]
                rows = [json.loads(r) for r in rows]
                if rows:
                    rows = [r for r in rows if not r["yanked"] and "-" not in r["vers"].split("+")[0]]
                    self.crates[path.name] = sorted(rows, key=lambda r: semver(r["vers"]))
        self.real = {rows[0]["name"]: rows for rows in self.crates.values() if rows}
        self.open = set()

    def in_use(self, lock):
        """Versions by crate, from the oldest incompatible one that a lock file holds."""
        oldest = {}
        for name, version in re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock):
            major, minor, _ = semver(version)
            series = (major, 0 if major else minor, 0)
            oldest[name] = min(oldest.get(name, series), series)
        self.used = {n: [r for r in self.real[n] if semver(r["vers"]) >= at] for n, at in oldest.items() if n in self.real}

    @functools.lru_cache(None)
    def is_macro(self, name):
        needed = [d for r in self.real.get(name, [])[-1:] for d in r["deps"] if d["kind"] == "normal" and not d["optional"]]
        uses = any((d.get("package") or d["name"]) in TOOLKIT for d in needed)
        return name in TOOLKIT or name == "unicode-ident" or bool(MACRO.search(name)) or uses

    @functools.lru_cache(None)
    def any_of(self, name, requirement, features, linux):
        """What every version that fulfils the requirement needs."""
        ranges = bounds(requirement)
        if ranges is None:
            return frozenset()
        matching = [r for r in self.real.get(name, []) if all(low <= semver(r["vers"]) < high for low, high in ranges)]
        needs = None
        for row in matching:
            needs = self.needs(row, features, linux) if needs is None else needs & self.needs(row, features, linux)
            if not needs:
                break
        return needs or frozenset()

    def always(self, name):
        """What every version needs, everywhere and on Linux."""
        rows = self.used[name]
        each = lambda linux: [self.needs(row, frozenset(), linux) for row in rows] 
        return frozenset.intersection(*each(False)), frozenset.intersection(*each(True))

    def needs(self, row, features, linux):
        key = (row["name"], row["vers"], features, linux)
        if key in self.open:
            return frozenset()  # a cycle of optional parts
        self.open.add(key)
        try:
            return self.needed(row, features, linux)
        finally:
            self.open.discard(key)

    @functools.cached_property
    def memory(self):
        return {}

    def needed(self, row, features, linux):
        key = (row["name"], row["vers"], features, linux)
        if key in self.memory:
            return self.memory[key]
        table = {**row["features"], **row.get("features2", {})} if row.get("features2") else row["features"]
        on, asked, todo = set(), {}, list(features)
        while todo:
            feature = todo.pop()
            if feature in on:
                continue
            on.add(feature)
            if feature.startswith("dep:"):
                continue
            if "/" in feature:
                dependency, inner = feature.split("/", 1)
                weak = dependency.endswith("?")
                asked.setdefault(dependency.rstrip("?"), set()).add(inner)
                if not weak:
                    todo += ["dep:" + dependency, dependency]
                continue
            todo += table.get(feature, ["dep:" + feature])
        found = set()
        for dep in row["deps"]:
            if dep["kind"] != "normal" or (dep["optional"] and "dep:" + dep["name"] not in on):
                continue
            if dep.get("target") and not (linux and on_linux(dep["target"])):
                continue
            if dep.get("registry"):
                continue
            name = dep.get("package") or dep["name"]
            if self.is_macro(name):
                continue
            wanted = set(dep["features"]) | asked.get(dep["name"], set())
            if dep["default_features"]:
                wanted.add("default")
            found.add(name)
            found |= self.any_of(name, dep["req"], frozenset(wanted), linux)
        found.discard(row["name"])
        self.memory[key] = frozenset(found)
        return self.memory[key]


def resolve(home):
    """Has cargo fetch the index entries of the seeds and of all they need."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "src").mkdir()
        (folder / "src/lib.rs").write_text("")
        manifest = '[package]\nname = "seeds"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
        for i, seed in enumerate(SEEDS):
            name, version = seed.split("=")
            manifest += f'd{i} = {{ package = "{name}", version = "{version}" }}\n'
        (folder / "Cargo.toml").write_text(manifest)
        subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, env={**os.environ, "CARGO_HOME": str(home)}, check=True)
        (home / "Cargo.lock").write_text((folder / "Cargo.lock").read_text())


def main():
    sys.setrecursionlimit(10_000)
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(os.environ.get("SEEDS_HOME", home))
        if not (home / "registry/index").exists():
            resolve(home)
        index = Index(home / "registry/index")
        print("# crate, first and last version of the run, what is always linked with it; written by rust-requires.py")
        index.in_use((home / "Cargo.lock").read_text())
        always = {name: index.always(name) for name, rows in index.used.items() if rows}
        for name in sorted(always):
            if index.is_macro(name):
                continue
            runs = []
            for row in index.used[name]:
                everywhere, linux = index.needs(row, frozenset(), False), index.needs(row, frozenset(), True)
                # What another one of them brings in any case need not be said again.
                brought = set().union(*(always.get(n, (set(), set()))[0] for n in everywhere))
                brought_on_linux = set().union(*(always.get(n, (set(), set()))[1] for n in linux))
                needs = sorted(everywhere - brought)
                needs += sorted(n + "@linux" for n in linux - everywhere - brought_on_linux)
                if runs and runs[-1][2] == needs:
                    runs[-1][1] = row["vers"]
                else:
                    runs.append([row["vers"], row["vers"], needs])
            if not any(needs for _, _, needs in runs):
                continue
            for first, last, needs in runs:
                print(name, first.split("+")[0], last.split("+")[0], ",".join(needs), sep="\t")


main()
