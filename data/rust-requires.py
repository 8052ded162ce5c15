"""Writes rust-requires.tsv, which crates a crate cannot be built without, rust-spare.tsv, which of its dependencies
it may be built without, and rust-pins.tsv, which versions of them it leaves no choice of.

Usage: rust-requires.py     (writes all beside itself; needs cargo; resolves the crates below and those of crate-names.txt,
downloads no code, takes a quarter of an hour; with SEEDS_HOME set to a folder it is done once)

One row for each run of versions that agree: crate, first version, last version, year and month in which the first one was
published, the crates that are always linked with it.
From cargo's own copy of the registry's index, for every published version from the oldest incompatible one that the crates
below still use, and of the five incompatible ones before it what all have in common (`old`), with the fewest features that
are possible: what is not optional, what the features that a dependant asks for bring, and so on down; where several versions
of a dependency will do, what the newer half of them needs. `NAME@linux` is needed on Linux, `NAME@macro` by procedural macros
alone. Left out: build and development dependencies, the macros themselves, crates that nothing in use
needs any more (what they are is not known), and what another one of the same row brings in any case.

rust-spare.tsv is of the same versions: crate, first version, last version (`+`: and newer compatible ones), what a lock file may
name that it depends on although a build for Linux by default does not have it (`NAME@0.9`: that version of a name), and what is
spare further down but brought by features that it asks for. Versions of which there is nothing to say have no row.

rust-pins.tsv has the dependencies of which only one version will do: crate, first version, last version, `NAME=` (always the one
that is called like its own) and `NAME@VERSION` (the only one that is published yet).
"""
import collections, functools, itertools, json, os, pathlib, re, subprocess, sys, tempfile

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

# Crates that are not in crate-names.txt because applications have modules and crates that are called so.
OFTEN_OWN = """
addr again age ambassador argmin barrel bitcoin bitfield bon built chardet creditcard dsa exif fake fang fixed fork ftp gitlab
globalcache gpx grass ical im infer ini interpolator iron jwt kml las license luhn markup money never nickel opml oracle orion
passwords patch pathfinding pdf peg pgp phonenumber poem postmark proj punycode rss rtmp rtp rug snmp snowflake soup spdx
stringmatch svg svgdom titlecase tl tough upon versions wax webbrowser webhook whirlpool wkb wkt worker ws
""".split()

TOOLKIT = {"proc-macro2", "quote", "syn"}
MACRO = re.compile(
    r"[-_](derive|macros?|impl|attr|attributes|internal|codegen|generator)$"
    r"|^(rustversion|paste|pastey|seq-macro|indoc|proc-macro-hack|document-features|multiversion_no_op|array-const-fn-init|cfg_aliases|rustc_version|version_check|autocfg|cc)$"
)
PROCESSORS = ("x86_64", "aarch64")
LINUX = {
    *("unix", "panic=unwind", "target_os=linux", "target_family=unix", "target_endian=little", "target_pointer_width=64"),
    *(f"target_has_atomic={width}" for width in ("8", "16", "32", "64", "ptr")),
}
# Other values of these names are known to be false on the systems that functions run on; of the rest nothing is known.
DECIDED = {
    *("target_arch", "target_os", "target_family", "target_endian", "target_pointer_width", "target_has_atomic"),
    *("windows", "target_vendor"),
}
# Names that the compiler sets.
OPEN = ("target_", "panic")
FOREIGN = {"wasm32", "wasm64", "sgx", "msvc"}


def semver(text):
    core = text.split("+")[0].split("-")[0]
    return tuple(int(n) for n in core.split("."))


def series(version):
    """The first version that is compatible with one."""
    major, minor, patch = semver(version)
    return (major, 0 if major else minor, 0 if major or minor else patch)


def dotted(at):
    """The first of compatible versions as a requirement writes it: `1`, `0.8`, `0.0.3`."""
    return ".".join(map(str, at[: 1 if at[0] else 2 if at[1] else 3]))


def compatible(requirement):
    """What versions that fulfil a requirement have in common, by its lower bound; empty where it has none."""
    return dotted(series(".".join(map(str, (bounds(requirement) or [((0, 0, 0), ())])[0][0]))))


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
    """Whether a platform expression is true on every Linux that functions run on, or on none; None where that depends."""
    one, *others = {holds(target, processor) for processor in PROCESSORS}
    return None if others else one


def holds(target, processor):
    if not target.startswith("cfg("):
        return None if "linux" in target else False
    true = {f"target_arch={processor}", *LINUX}
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
            if f"{word}={value}" in true:
                return True
            # A name of a crate's own (`curve25519_dalek_backend = "fiat"`) is a flag as below.
            return None if word.startswith(OPEN) and word not in DECIDED and value not in FOREIGN else False
        return word in LINUX  # other words are flags that whoever builds must set by hand: `miri`, `loom`, `tokio_unstable`

    at = 1  # behind the first parenthesis
    return expression()


def month(row):
    """When a version was published: `2411`."""
    return row["pubtime"][2:7].replace("-", "")


def newer(rows):
    """The newer half of versions: cargo takes the newest that there is, so whatever was built in the last years has one of it."""
    return rows[len(rows) // 2 :]


class Index:
    """Cargo's copy of the registry's index."""

    def __init__(self, folder):
        self.crates = {}
        for path in folder.rglob("*"):
            if path.is_file():
                rows = [r for r in path.read_bytes().split(b"\0") if r.startswith(b'{"name"')]
                rows = [json.loads(r) for r in rows]
                if rows:
                    rows = [r for r in rows if "-" not in r["vers"].split("+")[0]]
                    self.crates[path.name] = sorted(rows, key=lambda r: semver(r["vers"]))
        self.published = {rows[0]["name"]: rows for rows in self.crates.values() if rows}
        standing = {name: [r for r in rows if not r["yanked"]] for name, rows in self.published.items()}
        self.real = {name: rows for name, rows in standing.items() if rows}
        self.open = set()

    def in_use(self, *locks):
        """Takes the crates of lock files as those in use, from the oldest incompatible version that the first one holds which
        has the crate; versions before that are `old`."""
        self.oldest = {}
        for lock in locks:
            oldest = {}
            for name, version in re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock):
                oldest[name] = min(oldest.get(name, series(version)), series(version))
            self.oldest = {**oldest, **self.oldest}
        self.used = {n: [r for r in rows if not self.is_old(r)] for n, rows in self.real.items()}

    def is_old(self, row):
        return row["name"] not in self.oldest or semver(row["vers"]) < self.oldest[row["name"]]

    def parts_of(self, rows):
        """Versions each by itself, but of those that nothing popular uses any more all of an incompatible one together, and of
        these the last five: of what is older nothing is said."""
        old = [list(part) for _, part in itertools.groupby(filter(self.is_old, rows), key=lambda row: series(row["vers"]))]
        return old[-5:] + [[row] for row in rows if not self.is_old(row)]

    def is_macro(self, row):
        """Whether this version runs in the compiler; a crate may have been a macro once."""
        needed = [d.get("package") or d["name"] for d in row["deps"] if d["kind"] == "normal" and not d["optional"]]
        name = row["name"]
        return name in TOOLKIT or name == "unicode-ident" or bool(MACRO.search(name)) or not TOOLKIT.isdisjoint(needed)

    @functools.lru_cache(None)
    def matching(self, name, requirement):
        """The versions that fulfil a requirement; none where it cannot be read or the crate is not known."""
        ranges = bounds(requirement)
        if ranges is None:
            return ()
        return tuple(r for r in self.real.get(name, []) if all(low <= semver(r["vers"]) < high for low, high in ranges))

    @functools.lru_cache(None)
    def ever(self, name, requirement):
        """The versions that fulfil a requirement or did before they were yanked."""
        ranges = bounds(requirement) or ()
        rows = self.published.get(name, [])
        return [r["vers"] for r in rows if all(low <= semver(r["vers"]) < high for low, high in ranges)]

    @functools.lru_cache(None)
    def may_be_linked(self, name, requirement):
        rows = self.matching(name, requirement)
        return bool(rows) and not any(map(self.is_macro, rows))

    @functools.lru_cache(None)
    def any_of(self, name, requirement, features, linux):
        """What every version that fulfils the requirement and is likely needs."""
        needs = None
        for row in newer(self.matching(name, requirement)):
            needs = self.needs(row, features, linux) if needs is None else needs & self.needs(row, features, linux)
            if not needs:
                break
        return needs or frozenset()

    @functools.lru_cache(None)
    def always(self, name):
        """What every version that is in use needs, everywhere and on Linux."""
        rows = self.used.get(name) or ()
        each = lambda linux: [self.needs(row, frozenset(), linux) for row in rows]
        return tuple(frozenset.intersection(*each(linux)) if rows else frozenset() for linux in (False, True))

    def shortened(self, everywhere, linux):
        """Without what another one of them brings in any case."""
        brought = set().union(*(self.always(n)[0] for n in everywhere))
        brought_on_linux = set().union(*(self.always(n)[1] for n in linux))
        only_linux = {n for n in linux - everywhere - brought_on_linux if "@" not in n}
        return sorted(everywhere - brought) + sorted(n + "@linux" for n in only_linux)

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
        on, asked = self.switched_on(row, features)
        found = set()
        for dep in row["deps"]:
            if dep["kind"] != "normal" or (dep["optional"] and "dep:" + dep["name"] not in on):
                continue
            if dep.get("target") and not (linux and on_linux(dep["target"]) is True):
                continue
            if dep.get("registry"):
                continue
            name = dep.get("package") or dep["name"]
            if not self.may_be_linked(name, dep["req"]):
                found |= {part + "@macro" for part in self.parts(name, dep["req"], self.wanted(dep, asked))}
                continue
            found.add(name)
            found |= self.any_of(name, dep["req"], self.wanted(dep, asked), linux)
        found.discard(row["name"])
        self.memory[key] = frozenset(found)
        return self.memory[key]

    @functools.lru_cache(None)
    def parts(self, name, requirement, features):
        """What a macro, or a part of one, is made of in any case: what ran in the compiler, but the macros themselves."""
        of_all = None
        for row in newer(self.matching(name, requirement)):
            on, asked = self.switched_on(row, features)
            found = set()
            for dep in row["deps"]:
                optional = dep["optional"] and "dep:" + dep["name"] not in on
                if dep["kind"] != "normal" or optional or dep.get("target"):
                    continue
                part = dep.get("package") or dep["name"]
                if not MACRO.search(part):
                    found.add(part)
                found |= self.parts(part, dep["req"], self.wanted(dep, asked))
            of_all = found if of_all is None else of_all & found
        return frozenset(of_all or ())

    def wanted(self, dep, asked):
        wanted = set(dep["features"]) | asked.get(dep["name"], set())
        if dep["default_features"]:
            wanted.add("default")
        return frozenset(wanted)

    @functools.cached_property
    def spares(self):
        return {}

    def spare(self, row):
        """What a lock file may name of a version that a build for Linux by default does not have: what only other systems or a
        build script need, and optional crates that a feature of another purpose configures if they are there (`name?/feature`),
        for cargo locks these whether they are or not."""
        key = (row["name"], row["vers"])
        if key not in self.spares:
            weak = {f.split("?/")[0] for to in self.features(row).values() for f in to if "?/" in f}
            used = {name for name, _, _ in self.linux_dependencies(row, frozenset({"default"}))}
            unused, kept = collections.defaultdict(set), set(used)
            for dep in row["deps"]:
                name = dep.get("package") or dep["name"]
                elsewhere = dep.get("target") and on_linux(dep["target"]) is False
                if dep["kind"] == "build" or elsewhere or (dep["optional"] and dep["name"] in weak):
                    unused[name].add(name + "@" + compatible(dep["req"]))
                elif dep["kind"] == "normal":
                    kept.add(name)
            of_each = (each if name in kept else {name} for name, each in unused.items() if name not in used)
            self.spares[key] = frozenset().union(*of_each)
        return self.spares[key]

    def pins(self, row):
        """Of what a version always needs on Linux what has one possible version: `NAME=` where it is the same and the only one
        for good, `NAME@VERSION` where no other one that will do is published yet, versions that were yanked since included."""
        for dep in row["deps"]:
            name = dep.get("package") or dep["name"]
            if dep["kind"] != "normal" or dep["optional"] or not self.may_be_linked(name, dep["req"]):
                continue
            if dep.get("target") and on_linux(dep["target"]) is not True:
                continue
            possible = self.ever(name, dep["req"])
            if len(possible) == 1:
                is_same = dep["req"].startswith("=") and possible[0] == row["vers"]
                yield name + ("=" if is_same else "@" + possible[0])

    def wakes(self, row, features):
        """Of what is spare by default somewhere below a version what the features that it asks for bring."""
        found = set()
        for name, requirement, wanted in self.linux_dependencies(row, features):
            rows = self.matching(name, requirement)
            if rows:
                found |= self.woken(name, rows[-1]["vers"], wanted)
        return frozenset(found)

    def woken(self, name, version, features):
        key = (name, version, features)
        if key in self.open:
            return frozenset()
        if key not in self.memory:
            self.open.add(key)
            row = next(row for row in self.real[name] if row["vers"] == version)
            used = {need for need, _, _ in self.linux_dependencies(row, features)}
            spare = {name.split("@")[0] for name in self.spare(row)}
            self.memory[key] = used & spare | self.wakes(row, features)
            self.open.discard(key)
        return self.memory[key]

    def linux_dependencies(self, row, features):
        """Name, requirement and features of each that may be linked with a version."""
        on, asked = self.switched_on(row, features)
        for dep in row["deps"]:
            if dep["kind"] != "normal" or (dep["optional"] and "dep:" + dep["name"] not in on):
                continue
            if not dep.get("target") or on_linux(dep["target"]) is not False:
                yield dep.get("package") or dep["name"], dep["req"], self.wanted(dep, asked)

    @staticmethod
    def features(row):
        return {**row["features"], **(row.get("features2") or {})}

    def switched_on(self, row, features):
        """Features, and what they ask of dependencies."""
        table = self.features(row)
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
        return on, asked


def resolve(home):
    """Has cargo fetch the index entries of the seeds and of all they need; what cannot be resolved together is, by halves."""
    names = (pathlib.Path(__file__).parent / "crate-names.txt").read_text().split() + OFTEN_OWN
    locks = []

    def together(part):
        manifest = '[package]\nname = "seeds"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
        for i, (name, version) in enumerate(part):
            manifest += f'd{i} = {{ package = "{name}", version = "{version}" }}\n'
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "src").mkdir()
            (folder / "src/lib.rs").write_text("")
            (folder / "Cargo.toml").write_text(manifest)
            command = ["cargo", "generate-lockfile", "--quiet"]
            run = subprocess.run(command, cwd=folder, env={**os.environ, "CARGO_HOME": str(home)}, stderr=subprocess.PIPE)
            if run.returncode == 0:
                locks.append((folder / "Cargo.lock").read_text())
            elif len(part) > 1:
                together(part[: len(part) // 2])
                together(part[len(part) // 2 :])
            else:
                print(f"left out: {part[0][0]}: {run.stderr.decode().strip()[:200]}", file=sys.stderr)

    def fetch(seeds):
        for at in range(0, len(seeds), 60):
            together(seeds[at : at + 60])

    for file, seeds in [("seeds.lock", [seed.split("=") for seed in SEEDS]), ("others.lock", [[name, "*"] for name in names])]:
        locks.clear()
        fetch(seeds)
        (home / file).write_text("\n".join(locks))
    # What older versions need may be in no lock file any more.
    known = Index(home / "registry/index").real
    earlier = lambda rows: sorted({series(r["vers"]) for r in rows}, reverse=True)[1:4]
    fetch([[name, dotted(at)] for name in names for at in earlier(known.get(name, []))])


def requires(index):
    """Rows of rust-requires.tsv."""
    for name in sorted(index.real):
        runs = []
        for rows in index.parts_of([row for row in index.real[name] if not index.is_macro(row)]):
            everywhere, linux = (
                frozenset.intersection(*(index.needs(row, frozenset(), linux) for row in rows)) for linux in (False, True)
            )
            needs, old = index.shortened(everywhere, linux), index.is_old(rows[0])
            if runs and runs[-1][2:] == [needs, old]:
                runs[-1][1] = rows[-1]["vers"]
            elif needs or not old:
                runs.append([rows[0], rows[-1]["vers"], needs, old])
        if any(needs for _, _, needs, _ in runs):
            for first, last, needs, old in runs:
                yield name, first["vers"].split("+")[0], last.split("+")[0], month(first), ",".join(needs), *["old"] * old


def spare(index):
    """Rows of rust-spare.tsv."""
    for name in sorted(index.real):
        runs = []
        for rows in index.parts_of(index.real[name]):
            spare = frozenset.intersection(*map(index.spare, rows))
            woken = frozenset().union(*(index.wakes(row, frozenset({"default"})) for row in rows))
            said = [",".join(sorted(spare)), ",".join(sorted(woken))]
            if runs and runs[-1][2] == said:
                runs[-1][1] = rows[-1]["vers"]
            else:
                runs.append([rows[0]["vers"], rows[-1]["vers"], said])
        newest = {series(row["vers"]): row["vers"] for row in index.real[name]}
        for first, last, said in runs:
            if any(said):
                end = last.split("+")[0] + "+" * (last in newest.values())
                yield "\t".join([name, first.split("+")[0], end, *said]).rstrip("\t").split("\t")


def pins(index):
    """Rows of rust-pins.tsv."""
    for name in sorted(index.real):
        runs = []
        for row in index.real[name]:
            pinned = "" if index.is_old(row) else ",".join(sorted(index.pins(row)))
            if runs and runs[-1][2] == pinned:
                runs[-1][1] = row["vers"]
            else:
                runs.append([row["vers"], row["vers"], pinned])
        for first, last, pinned in runs:
            if pinned:
                yield name, first.split("+")[0], last.split("+")[0], pinned


def main():
    sys.setrecursionlimit(20_000)
    data = pathlib.Path(__file__).parent
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(os.environ.get("SEEDS_HOME", home))
        if not (home / "registry/index").exists():
            resolve(home)
        index = Index(home / "registry/index")
        index.in_use(*((home / file).read_text() for file in ("seeds.lock", "others.lock")))
        for file, rows, what in [
            ("rust-requires.tsv", requires, "month in which it begins, what is always linked with it, whether that is old"),
            ("rust-spare.tsv", spare, "what lock files name and builds by default do not have, what of it its features bring further down"),
            ("rust-pins.tsv", pins, "what it needs of which only one version will do"),
        ]:
            lines = ["\t".join(row) for row in rows(index)]
            (data / file).write_text("\n".join([f"# crate, first and last version of the run, {what}; written by rust-requires.py", *lines, ""]))


if __name__ == "__main__":
    main()
