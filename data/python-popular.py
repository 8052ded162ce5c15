"""Prints rows for python-imports.tsv: imports of popular distributions that it does not have.

Usage: python-popular.py FOLDER NAMES [COUNT] > rows.tsv

NAMES is a file with one distribution a line, the most popular first, of which the first COUNT (5,000) are looked at. FOLDER
keeps the lists of files that were fetched: of the newest wheel and of one some versions before it.

Nobody has read these rows, so each has to prove itself: its marker is a file beside the import that both wheels have and whose
name is not one that an application's own module would have. An import without such a file gets a row only where it is called
as the distribution is, by a name that is no plain word.
"""
import collections, concurrent.futures, importlib, json, pathlib, re, sys

from wheels import names, normal, wheels

HERE = pathlib.Path(__file__).parent
BEFORE = 25  # versions between the two wheels
# What an application calls its own packages and modules.
PLAIN = set("""
abc account accounts action actions adapter adapters admin agent agents alert alerts analysis analytics api apis app apps args
asset assets async audit auth authentication authorization backend backends base batch bin blog bot bots builder builders cache
caching calc calculator callbacks camera cart case cases category chat check checker checks checkout cli client clients cloud
cmd code collection collections color colors command commands common compat components conf config configuration configs
conftest connection connections connector connectors console const constants context contrib control controller controllers
converter converters core cors cost crawler cron crypto csv custom customer customers daemon dashboard data database databases
dataset datasets date dates db debug decorators default defaults demo deploy dependencies detector dev device devices dict
dispatch dispatcher dist distro django docker docs document documents domain download downloader driver dummy email emails
encoder encoding engine entity entities entrypoints env environment error errors event events example examples exceptions
exporter extensions extract extractor factory features feed feeds fields file files filter filters finance flags flow flows
form formatter formatters forms function functions future game gateway generate generator generators git global graph graphs
group groups handler handlers health hello helper helpers history home hook hooks html http image images import importer index
info init input integration integrations interface interfaces internal inventory invoice io items job jobs json key keys label
lambda lambda_function layer layers lib libs library license list load loader loaders local lock log logger loggers logging
logs mail main manage manager managers map mapper mapping math mcp memory menu message messages meta metadata metrics
middleware middlewares migrate migration migrations misc mixins mock mocks mod mode model models module modules monitor
monitoring network node notebook notification notifications notifier objects operations operators options order orders output
page pages parse parser parsers partner patch path paths payment payments permission permissions pipeline pipelines platform
player plot plugin plugins policy pool post posts predict prediction preprocess print process processing processor processors
product products profile profiles project projects proto protocol protocols provider providers proxy py python query queue
queues random read reader realtime record records registry release report reporter reporting reports repositories repository
request requests_ resource resources response responses result results retry review role roles route router routers routes
routing rule rules run runner runtime sample samples scheduler schema schemas scoring scraper scrapers script scripts search
secret secrets security send sender serialize serializer serializers server servers service services session sessions settings
setup shared shell shop signals simple site social source sources spider spiders sql src stack start state static stats status
step steps storage store stores stream streams string strings support sync system table tables tag tags target task tasks
template templates test testing tests text theme thread threads time timer timezone token tokens tool toolkit tools trace
tracker trade trader trading train trainer training transaction transactions transform transformer transformers translate
tree trigger triggers type types ui upload uploader url urls user users util utilities utility utils uuid validate validation
validator validators vendor version video view views visualization watch watcher weather web webapp webhook webhooks widget
widgets word work worker workers workflow workflows world wrapper wrappers write writer xml yaml
""".split())

# Words of nine letters and more that are the names of distributions too.
WORDS = set("""
alabaster anybadge asynctest choreographer cloudflare codeowners confection constructs databricks datafusion frontmatter immutables disposable javascript kubernetes mediapipe pagerduty publication singledispatch
multitasking sentinels speech_recognition stockfish structured textparser trampoline verifiers
""".split())

# Its name is no identifier.
python_imports = importlib.import_module("python-imports")


def lists(folder, name):
    """The files of two wheels; kept."""
    kept = folder / f"{normal(name)}.json"
    if not kept.exists():
        all = wheels(name)
        two = [names(url, size) for _, url, size in [*all[:1], *all[1 : BEFORE + 1][-1:]]]
        kept.write_text(json.dumps(two))
    return json.loads(kept.read_text())


def marker(path, newest, older):
    """What stands beside an import in both wheels under a name of its own."""
    inner = [p[len(path) + 1 :] for p in newest if p.startswith(path + "/") and p in older and p.endswith(".py")]
    stems = [p[: -len(".py")] for p in inner]
    own = [s for s in stems if s.count("/") <= 1 and own_name(s.split("/")[-1]) and not any(t in s.split("/") for t in ("test", "tests"))]
    # At the top of it rather than below, and the longest name: it is the least likely to be somebody else's.
    own.sort(key=lambda s: (s.count("/"), -len(s), s))
    # Where all have plain names, one that is not meant for others to see.
    own += sorted((s for s in stems if re.search(r"(^|/)_[a-z]", s) and not s.startswith("_vendor")), key=lambda s: (s.count("/"), -len(s), s))
    return f"{path}/{own[0]}" if own else None


def own_name(stem):
    words = [w for w in stem.lower().split("_") if w]
    return len(stem) >= 4 and not stem.startswith("__") and any(w not in PLAIN and not w.isdigit() for w in words)


def row(name, lists):
    if not lists:
        return None
    newest, older = lists[0], set(lists[-1])
    squash = lambda text: re.sub(r"[-_./]+", "", text).lower()
    found = python_imports.imports(newest)
    found = {p: f for p, f in found.items() if p.split("/")[-1] not in PLAIN or "/" in p or squash(p) == squash(name)}
    found = {p: f for p, f in found.items() if all(part.isidentifier() for part in p.split("/"))}
    if not found:
        return None
    files = collections.Counter(p for p in found for file in newest if file.startswith(p + "/"))
    same = lambda p: squash(p) == squash(name) or squash(p) == re.sub(r"^(python|py)|(python|py)$", "", squash(name))
    path = max(sorted(found), key=lambda p: (same(p), files[p]))
    mark = marker(path, newest, older) if found[path] == "package" else None
    plain = all(word in PLAIN for word in re.split(r"[_/]", path.lower())) or path in sys.stdlib_module_names
    # One word alone is what an application calls its side of something (`cloudflare`, `publication`).
    word = len(squash(path)) < (6 if re.search(r"[_/0-9]", path) else 9)
    if mark is None and (not same(path) or plain or word or path in WORDS):
        return None
    return same(path), (path, name, found[path], mark or "")


def main():
    folder, popular = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text().split()
    folder.mkdir(parents=True, exist_ok=True)
    table = [line.split("\t") for line in (HERE / "python-imports.tsv").read_text().splitlines() if line[0] != "#"]
    paths, known = {r[0] for r in table}, {normal(r[1]) for r in table}
    wanted = [n for n in popular[: int(sys.argv[3]) if len(sys.argv) > 3 else 5000] if normal(n) not in known]

    def one(name):
        try:
            return row(name, lists(folder, name))
        except Exception as e:  # one that cannot be had is left out, and said
            print(f"{name}: {e}", file=sys.stderr)

    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        found = [f for f in pool.map(one, wanted) if f]
    # Of two that share an import the one that is called like it has it (pypandoc, and not pypandoc-binary), or the more popular;
    # both where the marker of neither is in the other.
    holders = {}
    for same, made in sorted(found, key=lambda f: not (f[0] and f[1][3])):
        path, name, _, mark = made
        files = lists(folder, name)[0]
        there = lambda mark, files: any(file.startswith(mark) for file in files)
        apart = all(mark and m and not there(mark, f) and not there(m, files) for m, f in holders.get(path, []))
        if path not in paths and apart:
            holders.setdefault(path, []).append((mark, files))
            print(*made, sep="\t")


main()
