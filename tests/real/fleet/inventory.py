"""What the scripts beside this one share: packages to put somewhere, `plimsoll inventory`, and what holds of every object store."""

import io
import json
import os
import subprocess
import zipfile


def package(name, version, filler=0):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.js", "exports.handler = async () => 1;\n")
        archive.writestr(f"node_modules/{name}/package.json", json.dumps({"name": name, "version": version}))
        archive.writestr(f"node_modules/{name}/index.js", "module.exports = 1;\n")
        if filler:
            archive.writestr("filler.bin", os.urandom(filler))
    return out.getvalue()


def ok(what, condition, figure=""):
    assert condition, f"{what}: {figure}"
    print(f"ok     {what} {figure}")


class Inventory:
    """The program with variables of its own, an empty one taken away; `secrets` must never be told."""

    def __init__(self, plimsoll, secrets=(), **env):
        self.plimsoll, self.secrets, self.env = plimsoll, secrets, env

    def run(self, *words, code=0, env=None):
        env = {name: value for name, value in {**os.environ, **self.env, **(env or {})}.items() if value}
        done = subprocess.run([self.plimsoll, "inventory", *words], capture_output=True, text=True, env=env)
        said = done.stdout + done.stderr
        told = [secret for secret in self.secrets if secret in said]
        assert not told, f"a secret is told: {told[0]}: {said}"
        assert done.returncode == code, f"{words}: exit code {done.returncode}, expected {code}: {said}"
        return said

    def ask(self, *words):
        return json.loads(self.run(*words, "-o", "json"))


def bucket(inventory, scheme, put, delete, store, pages=1005):
    """What holds of every object store: `put(KEY, BYTES)` and `delete(KEY)` change the bucket `code` there."""
    run, ask = inventory.run, inventory.ask
    store = ("--store", store)
    # Over a page of the list; most of them are the same.
    same = package("lodash", "4.17.20")
    for i in range(pages):
        put(f"nightly/f-{i:04}.zip", same)
    put("nightly/deep/er/minimist one.zip", package("minimist", "1.2.5"))
    put("nightly/access.log", b"not an archive")
    put("other/elsewhere.zip", package("axios", "0.27.2"))

    last = lambda said: said.strip().splitlines()[-1]
    first = lambda said: said.strip().splitlines()[0]
    said = run("sync", f"{scheme}://code/nightly/", *store)
    ok(f"{scheme}: first night", f"{pages + 1} functions" in said and "0 failed" in said, last(said))
    found = ask("find", "npm:lodash", *store)
    ok(f"{scheme}: every object of every page", len(found) == pages, f"{len(found)} ship lodash")
    names = {row["name"] for row in ask("list", *store)}
    ok(f"{scheme}: nested keys, and no logs", "deep/er/minimist one.zip" in names and len(names) == pages + 1)
    said = run("sync", f"{scheme}://code/nightly/", *store)
    ok(f"{scheme}: second night reads nothing", f"{pages + 1} unchanged" in said and "0 artifacts read" in said, last(said))
    put("nightly/f-0000.zip", package("axios", "0.27.2"))
    delete("nightly/f-0001.zip")
    said = run("sync", f"{scheme}://code/nightly/", *store)
    changed = [f"{pages - 1} unchanged", "1 artifacts read", "1 gone"]
    ok(f"{scheme}: one changed, one gone", all(part in said for part in changed), last(said))
    put("nightly/large.zip", package("left-pad", "1.3.0", filler=3 << 20))
    said = run("sync", f"{scheme}://code/nightly/", "--limit", "artifact-bytes=1048576", *store, code=2)
    ok(f"{scheme}: over the limit, told", "large.zip" in said and "limit" in said, first(said))
    said = run("sync", f"{scheme}://code/other/elsewhere.zip", *store)
    ok(f"{scheme}: one object", "1 functions" in said)
    said = run("sync", f"{scheme}://nobody/", *store, code=2)
    ok(f"{scheme}: no such bucket, told", "nobody" in said and "NotFound" in said or "NoSuchBucket" in said, first(said))
