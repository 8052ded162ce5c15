"""Wheels of the package registry that pip asks, for the scripts beside this one."""
import io, json, os, pathlib, re, ssl, time, urllib.request, zipfile

LARGEST = 20_000_000  # bytes of a wheel
TRUSTED = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def get(url, accept="*/*", part=None):
    for attempt in range(4):
        try:
            request = urllib.request.Request(url, headers={"Accept": accept, **({"Range": part} if part else {})})
            return urllib.request.urlopen(request, context=TRUSTED, timeout=60).read()
        except OSError:
            if attempt == 3:
                raise
            time.sleep(2**attempt)


def wheels(name):
    """Version, address and size of a wheel of each version, the newest first."""
    # Where pip asks, in the form that the registry's simple API has for programs (PEP 691).
    from pip._internal.models.index import PyPI
    from pip._vendor.packaging.version import InvalidVersion, Version

    listed = json.loads(get(f"{PyPI.simple_url}/{name}/", "application/vnd.pypi.simple.v1+json"))
    best = {}
    for file in listed["files"]:
        # PEP 427: the last three parts are tags.
        parts = file["filename"].removesuffix(".whl").split("-")
        if not file["filename"].endswith(".whl") or len(parts) < 5 or file.get("yanked") or (file.get("size") or 0) > LARGEST:
            continue
        python, _, platform = parts[-3:]
        newest = max(int(n) for n in [*re.findall(r"cp3(\d+)", python), "0"])
        rank = (platform == "any", "manylinux" in platform and "x86_64" in platform, newest)
        if parts[1] not in best or rank > best[parts[1]][0]:
            best[parts[1]] = (rank, file["url"], file.get("size") or 0)
    versions = {}
    for text in best:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        versions[version] = best[text][1:]
    # Some are published as betas alone (opentelemetry-instrumentation).
    final = {version: wheel for version, wheel in versions.items() if not version.is_prerelease}
    versions = final or versions
    return [(str(version), *versions[version]) for version in sorted(versions, reverse=True)]


def unpack(url, target):
    """The Python files of a wheel, without its metadata."""
    part = target.with_name(target.name + ".part")
    with zipfile.ZipFile(io.BytesIO(get(url))) as wheel:
        for entry in wheel.infolist():
            path = pathlib.PurePosixPath(re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", entry.filename))
            if path.suffix == ".py" and ".." not in path.parts and not path.is_absolute():
                (part / path).parent.mkdir(parents=True, exist_ok=True)
                (part / path).write_bytes(wheel.read(entry))
    part.mkdir(parents=True, exist_ok=True)
    part.rename(target)


class Remote(io.RawIOBase):
    """A file at an address, of which only what is read is fetched: a zip's directory is a thousandth of it."""

    def __init__(self, url, size):
        self.url, self.size, self.at = url, size, 0

    def seekable(self):
        return True

    def readable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def tell(self):
        return self.at

    def readinto(self, buffer):
        end = min(self.at + len(buffer), self.size)
        if end <= self.at:
            return 0
        got = get(self.url, part=f"bytes={self.at}-{end - 1}")
        buffer[: len(got)] = got
        self.at += len(got)
        return len(got)


def names(url, size):
    """The paths in a wheel."""
    with zipfile.ZipFile(io.BufferedReader(Remote(url, size), 1 << 16)) as wheel:
        return [re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name) for name in wheel.namelist()]
