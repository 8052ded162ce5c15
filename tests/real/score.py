"""Scores plimsoll on real artifacts against what is truly in them.

Usage: score.py PLIMSOLL FOLDER [PREFIX] [v]

FOLDER holds NAME.zip with NAME.truth.json: {"components": [[ecosystem, name, version], ...]}, and "bars": [names, versions,
precision] where it has to reach some: exits with 1 where one is missed. For each pair one line:
names found / there, name recall, versions found / there, version recall, precision, milliseconds of the scan. Precision
counts components: one that names a package of the truth in a version that is not there is wrong, one without a version
is right when the name is.
"""
import json, pathlib, re, subprocess, sys, time


def main():
    tool, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    prefix = sys.argv[3] if len(sys.argv) > 3 and sys.argv[3] != "v" else ""
    verbose = sys.argv[-1] == "v"
    print(f"{'artifact':<24} {'names':>9} {'recall':>6} {'versions':>9} {'recall':>6} {'precision':>9} {'ms':>5}")
    missed = []
    for truth in sorted(folder.glob(f"{prefix}*.truth.json")):
        name = truth.name.removesuffix(".truth.json")
        truth = json.loads(truth.read_text())
        there = {(e, normal(e, n), v) for e, n, v in truth["components"]}
        ecosystems = {e for e, _, _ in there}
        start = time.perf_counter()
        run = subprocess.run([tool, "scan", "-q", "--offline", "-o", "json", folder / f"{name}.zip"], stdout=subprocess.PIPE)
        took = (time.perf_counter() - start) * 1000
        report = json.loads(run.stdout)
        seen = {(c["ecosystem"], c["name"], c["version"]) for a in report["artifacts"] for c in a["components"]}
        seen = {c for c in seen if c[0] in ecosystems}
        names, seen_names = {c[:2] for c in there}, {c[:2] for c in seen}
        right = {c for c in seen if c in there or (c[2] is None and c[:2] in names)}
        hit, exact = len(names & seen_names), len(there & seen)
        precision = len(right) / len(seen) if seen else 1
        print(
            f"{name:<24} {hit:>4}/{len(names):<4} {hit / len(names):>6.2f} {exact:>4}/{len(there):<4} "
            f"{exact / len(there):>6.2f} {precision:>9.3f} {took:>5.0f}"
        )
        reached = (hit / len(names), exact / len(there), precision)
        missed += [name for bar, value in zip(truth.get("bars", []), reached) if value < bar]
        if verbose:
            print("   names missing:", *sorted(n for _, n in names - seen_names))
            print("   versions missing:", *sorted(f"{n}@{v}" for e, n, v in there - seen if (e, n) in seen_names))
            print("   wrong:", *sorted(f"{n}@{v}" for _, n, v in seen - right))
    if missed:
        sys.exit(f"below the bar: {', '.join(sorted(set(missed)))}")


def normal(ecosystem, name):
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "pypi" else name


main()
