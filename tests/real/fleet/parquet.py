"""The questions of `plimsoll inventory`, asked of the Parquet files in SQL; the answers have to be the same."""

import json
import subprocess
import sys

import duckdb

plimsoll, work = sys.argv[1:]
db = duckdb.connect()
for table in ("functions", "components", "edges", "findings", "gaps"):
    db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{work}/lake/{table}/*/*.parquet', hive_partitioning = true)")
nights = [row[0] for row in db.execute("SELECT DISTINCT date FROM functions ORDER BY date").fetchall()]
assert len(nights) == 2, f"two partitions expected: {nights}"
last = f"date = '{nights[1]}'"


def ask(*words):
    run = subprocess.run([plimsoll, "inventory", *words, "-o", "json"], check=True, capture_output=True)
    return json.loads(run.stdout)


def same(what, sql, expected):
    got = sorted(db.execute(sql).fetchall(), key=repr)
    expected = sorted(map(tuple, expected), key=repr)
    if got != expected:
        difference = list(set(map(repr, got)) ^ set(map(repr, expected)))[:6]
        sys.exit(f"{what}: {len(got)} rows, expected {len(expected)}; {difference}")
    print(f"ok     {what}: {len(got)} rows")


SHIPPED = "functions f JOIN components c USING (digest, date)"

# Who ships it?
name, version = db.execute(
    f"SELECT c.name, c.version FROM {SHIPPED} WHERE f.gone IS NULL AND {last} GROUP BY 1, 2 ORDER BY count(*) DESC, 1 LIMIT 1"
).fetchone()
for question, where in ((f"npm:{name}", ""), (f"npm:{name}@{version}", f"AND c.version = '{version}'")):
    same(
        f"find {question}",
        f"SELECT f.name, f.source, c.purl, c.proof, c.direct FROM {SHIPPED} WHERE f.gone IS NULL AND {last} AND c.ecosystem = 'npm' AND c.name = '{name}' {where}",
        [[r["function"], r["source"], r["component"], r["proof"], r["direct"]] for r in ask("find", question)],
    )

# What is there?
same(
    "list",
    f"SELECT name, source, runtime, memory_mb, timeout_s, owner, last_modified, digest, array_to_string(layers, ' '), tags, failed FROM functions WHERE gone IS NULL AND {last}",
    [
        [r["name"], r["source"], r["runtime"], r["memory_mb"], r["timeout_s"], r["owner"], r["last_modified"], r["sha256"],
         " ".join(r["layers"]), json.dumps(r["tags"], separators=(",", ":")), r["failed"]]
        for r in ask("list")
    ],
)

# What is new, and what was fixed? By the lives of findings, and by the difference of two nights.
run = next(r for r in ask("runs") if r["kind"] == "audit")
changes = ask("diff", "--since", str(run.get("run", run.get("id"))))
since = f"TIMESTAMPTZ '{run['started']}'"
subject = "coalesce('pkg:npm/' || name || coalesce('@' || version, '') || ' ', '') || coalesce(advisory, rule)"
for change, where in (("+", f"first_seen > {since} AND fixed_on IS NULL"), ("-", f"first_seen <= {since} AND fixed_on > {since}")):
    same(
        f"diff, findings {change}",
        f"SELECT function, {subject} FROM findings WHERE {last} AND {where}",
        [[r["function"], r["name"]] for r in changes if r["what"] == "finding" and r["change"] == change],
    )
here, there = nights[1], nights[0]
for change in "+-":
    of = f"SELECT DISTINCT c.purl FROM {SHIPPED} WHERE f.gone IS NULL AND date = '%s'"
    same(
        f"diff, components {change}",
        f"({of % here}) EXCEPT ({of % there})",
        [[r["name"]] for r in changes if r["what"] == "component" and r["change"] == change],
    )
    here, there = there, here

# How much of everything?
counts = {
    "functions": "SELECT count(*) FROM functions WHERE gone IS NULL AND {}",
    "functions gone": "SELECT count(*) FROM functions WHERE gone IS NOT NULL AND {}",
    "functions not read": "SELECT count(*) FROM functions WHERE gone IS NULL AND failed IS NOT NULL AND {}",
    "open findings": "SELECT count(*) FROM findings WHERE fixed_on IS NULL AND {}",
    "fixed findings": "SELECT count(*) FROM findings WHERE fixed_on IS NOT NULL AND {}",
    "functions with findings": "SELECT count(DISTINCT (source, function)) FROM findings WHERE fixed_on IS NULL AND {}",
    "open findings, high": "SELECT count(*) FROM findings WHERE fixed_on IS NULL AND severity = 'high' AND {}",
    "runtime nodejs20.x": "SELECT count(*) FROM functions WHERE gone IS NULL AND runtime = 'nodejs20.x' AND {}",
}
# On the first night everything in the store is shipped; later it also remembers what no longer is.
first = {
    "artifacts": "SELECT count(DISTINCT digest) FROM functions WHERE {}",
    "components": "SELECT count(*) FROM components WHERE {}",
    "edges": "SELECT count(*) FROM edges WHERE {}",
    "partial gaps": "SELECT count(*) FROM gaps WHERE kind = 'partial' AND {}",
    "blind gaps": "SELECT count(*) FROM gaps WHERE kind = 'blind' AND {}",
}
for night, questions in ((1, {**counts, **first}), (2, counts)):
    stats = {r["what"]: r["count"] for r in json.load(open(f"{work}/stats-{night}.json"))}
    for what, sql in questions.items():
        (got,) = db.execute(sql.format(f"date = '{nights[night - 1]}'")).fetchone()
        if got != stats.get(what, 0):
            sys.exit(f"night {night}, {what}: {got}, expected {stats.get(what, 0)}")
    print(f"ok     stats of night {night}: {len(questions)} numbers")
