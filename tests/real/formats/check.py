"""Holds plimsoll's documents against their schemas; run.sh installs what this needs and says how it is called."""

import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import jsonschema
import junitparser
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

tool, top, sarif, spdx, others, *more = sys.argv[1:]
shared = os.environ.get("PLIMSOLL_SHARED") or os.path.join(top, "..", "shared")
work = tempfile.mkdtemp(prefix="plimsoll-formats-")
environment = {**os.environ, "SOURCE_DATE_EPOCH": "1795305600"}
checked, wrong = collections.Counter(), []


def complain(what, about):
    wrong.append(f"{what}: {about}")
    print(f"  {what}: {about}"[:400])


def scan(path, *outputs):
    """Exit code and stderr of a scan with the embedded advisories."""
    flags = [flag for output in outputs for flag in ("-o", output)]
    command = [tool, "scan", "--offline", "--advisories", "embedded", "--no-policy", "--quiet", *flags, "--", path]
    run = subprocess.run(command, env=environment, cwd=work, capture_output=True, text=True, timeout=120)
    return run.returncode, run.stderr


def schema(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    return jsonschema.validators.validator_for(document)(document, format_checker=jsonschema.FormatChecker())


SARIF, SPDX, CYCLONEDX = schema(sarif), schema(spdx), JsonStrictValidator(SchemaVersion.V1_6)


def valid(what, validator, path):
    with open(path, encoding="utf-8") as file:
        for error in list(validator.iter_errors(json.load(file)))[:3]:
            complain(what, f"{error.json_path}: {error.message}")


def cyclonedx(what, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    error = CYCLONEDX.validate_str(text)
    if error:
        complain(what, error)
    # What no schema can say: every reference leads somewhere.
    document = json.loads(text)
    known = {document["metadata"]["component"]["bom-ref"]} | {c["bom-ref"] for c in document["components"]}
    used = {d["ref"] for d in document["dependencies"]} | {r for d in document["dependencies"] for r in d.get("dependsOn", [])}
    used |= {a["ref"] for v in document.get("vulnerabilities", []) for a in v["affects"]}
    used |= {r for c in document["compositions"] for r in c.get("assemblies", []) + c.get("dependencies", [])}
    if used - known:
        complain(what, f"references to nothing: {sorted(used - known)[:3]}")
    if len(known) != len(document["components"]) + 1:
        complain(what, "one bom-ref is used twice")


def spdx_document(what, path):
    valid(what, SPDX, path)
    try:
        messages = validate_full_spdx_document(parse_file(path))
    except Exception as error:  # the library has a dozen kinds
        complain(what, f"not parsed: {error!r}")
        return
    for message in messages[:3]:
        complain(what, f"{message.context.spdx_id}: {message.validation_message}")


def sarif_document(what, path):
    valid(what, SARIF, path)
    with open(path, encoding="utf-8") as file:
        [run] = json.load(file)["runs"]
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    if len(prints) != len(set(prints)):
        complain(what, "two results have one fingerprint")
    if not all(result["locations"] for result in run["results"]):
        complain(what, "a result without a location")


def junit(what, path, report):
    suites = junitparser.JUnitXml.fromfile(path)
    cases = [case for suite in suites for case in suite]
    failed = sum(any(isinstance(r, junitparser.Failure) for r in case.result) for case in cases)
    if (suites.tests, suites.failures) != (len(cases), failed):
        complain(what, f"says {suites.tests} tests and {suites.failures} failures, has {len(cases)} and {failed}")
    if bool(failed) != bool(report["summary"]["findings"]["error"]):
        complain(what, f"{failed} failures, and {report['summary']['findings']['error']} errors in the report")


def findings(report):
    """What is found of packages; what concerns the archive's bytes alone, or a binary's symbols, is not in an SBOM."""
    bytes_alone = ("tampered", "ambiguous-archive")
    keys = ("rule", "level", "component", "advisory", "aliases", "severity", "score", "fixed_in", "message", "locations")

    def told(finding):
        values = {key: finding.get(key) for key in keys}
        if finding.get("function") is not None:
            values["message"] = values["message"].rsplit("; ", 1)[0]
        return list(values.values())

    rows = [told(f) for a in report["artifacts"] for f in a["findings"] if f["rule"] not in bytes_alone]
    return sorted(rows, key=repr)


def packages(report):
    return [[c["purl"], c["version"]] for a in report["artifacts"] for c in a["components"]]


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def check(path):
    name = os.path.basename(path.rstrip("/"))
    at = lambda suffix: os.path.join(work, f"document.{suffix}")
    suffixes = {"json": "json", "sarif": "sarif", "cyclonedx": "cdx.json", "spdx": "spdx.json", "junit": "xml"}
    for suffix in suffixes.values():
        if os.path.exists(at(suffix)):
            os.remove(at(suffix))
    code, stderr = scan(path, *(f"{format}={at(suffix)}" for format, suffix in suffixes.items()))
    if code not in (0, 1, 2, 3):
        complain(name, f"exit code {code}: {stderr}")
        return
    report = load(at("json"))
    sarif_document(f"{name}, SARIF", at("sarif"))
    junit(f"{name}, JUnit", at("xml"), report)
    checked["SARIF"] += 1
    checked["JUnit"] += 1
    if code == 2 or not report["artifacts"]:
        return
    cyclonedx(f"{name}, CycloneDX", at("cdx.json"))
    spdx_document(f"{name}, SPDX", at("spdx.json"))
    checked["CycloneDX"] += 1
    checked["SPDX"] += 1
    for suffix in ("cdx.json", "spdx.json"):
        again, stderr = scan(at(suffix), f"json={at('again')}")
        if again == 2:
            complain(f"{name}, {suffix}", f"is not read again: {stderr}")
            continue
        second = load(at("again"))
        for what, of in (("findings", findings), ("packages", packages)):
            if of(second) != of(report):
                first = next((pair for pair in zip(of(report), of(second)) if pair[0] != pair[1]), "their number")
                complain(f"{name}, {suffix}", f"other {what} when it is read again: {first}")
        checked["round trip"] += 1


def read(path):
    """Another tool's SBOM: it is read, and every package of npm, PyPI and crates.io in it is found."""
    name = os.path.basename(path)
    code, stderr = scan(path, f"json={os.path.join(work, 'other.json')}")
    if code == 2:
        complain(name, f"is not read: {stderr}")
        return
    document, listed = load(path), set()
    for component in document.get("components", []):
        listed.add(component.get("purl"))
    for package in document.get("packages", []):
        listed |= {r["referenceLocator"] for r in package.get("externalRefs", []) if r["referenceType"] == "purl"}
    listed = {purl.split("?")[0] for purl in listed if purl and purl.startswith(("pkg:npm/", "pkg:pypi/", "pkg:cargo/"))}
    found = {purl for purl, _ in packages(load(os.path.join(work, "other.json")))}
    # One name has several spellings on PyPI (PEP 503); plimsoll writes the normal one.
    normal = lambda purl: re.sub("[-_.]+", "-", purl.partition("@")[0]).lower() + "".join(purl.partition("@")[1:])
    listed = {normal(purl) if purl.startswith("pkg:pypi/") else purl for purl in listed}
    # The application itself is listed by some; it is no dependency of itself.
    missing = {purl for purl in listed - found if not purl.startswith("pkg:npm/others@")}
    if not listed or missing:
        complain(name, f"{len(listed)} packages are listed, of which these are not found: {sorted(missing)[:5]}")
    checked[f"{len(listed)} packages of {name}"] += 1


def own():
    """plimsoll's SBOM of itself, from its own lock file."""
    lock = os.path.join(top, "Cargo.lock")
    path = os.path.join(work, "plimsoll.cdx.json")
    subprocess.run([tool, "sbom", "--quiet", "-o", f"cyclonedx={path}", lock], env=environment, cwd=work, check=True)
    cyclonedx("plimsoll itself", path)
    with open(lock, encoding="utf-8") as file:
        locked = file.read().count("\nsource = ")
    there = len(load(path)["components"])
    if there < locked:
        complain("plimsoll itself", f"{there} components, and {locked} locked from a registry")
    checked[f"{there} components of plimsoll itself"] += 1


fixtures = sorted(p for p in glob.glob(os.path.join(top, "fixtures", "*")) if not p.endswith(".md"))
real = sorted(glob.glob(os.path.join(shared, "corpus", "*.zip")))
hostile = sorted(glob.glob(os.path.join(shared, "hostile", "inject", "*.zip")))
if not real:
    print("skipped: no real zips beside the project")
for path in fixtures + real + hostile + [tool] + more:
    check(path)
for path in sorted(glob.glob(os.path.join(others, "*.json"))):
    read(path)
own()
print("; ".join(f"{what}: {n}" for what, n in checked.items()))
print(f"{sum(checked.values())} passed, {len(wrong)} failed")
sys.exit(1 if wrong else 0)
