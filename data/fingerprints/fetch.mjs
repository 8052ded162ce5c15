// Downloads the packages that the embedded fingerprints are made from, with npm's own client library, and keeps them.
//
//   node data/fingerprints/fetch.mjs FOLDER POPULAR [OSV_FOLDER]      FOLDER is its own: what is not asked for any more is removed
//
// POPULAR: names, most popular first, one a line. OSV_FOLDER: advisories in OSV's bucket layout, unpacked or not asked for.
// Then: plimsoll fingerprints build --from FOLDER -o data/fingerprints/npm.fingerprints
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [folder, popular, osv] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const npm = path.join(execFileSync('npm', ['root', '-g'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(), 'npm/');
const require = createRequire(npm);
const pacote = require('pacote');
const semver = require('semver');

/** Packages of what functions are built from, and in all. */
const MOST = Number(process.env.MOST || 1600);
const ALL = Number(process.env.ALL || 1700);
/** Popular names that are looked at: what comes after them is rarely in a function. */
const POPULAR = Number(process.env.POPULAR || 1500);
/** Versions of a package, and bytes that these unpack to; of those that come out every week, fewer. */
const MANY = 250;
const ROOM = 300e6;
const WEEKLY = /^@(aws-sdk|smithy|azure|google-cloud|opentelemetry|sentry|aws-lambda-powertools)\/|^(aws-sdk|@types\/.*)$/;
const WEEKLY_MANY = 24;
/** The same of what few packages depend on: mostly small ones, which every function has some of. */
const REST = Number(process.env.REST || 2900);
const REST_MANY = 40;
/** What was published before is in no function any more, unless it is among the last so many of a package. */
const SINCE = '2015-01-01';
const LAST = 10;
/** Prereleases of a package that are looked into before others. */
const SHIPPED = 12;
/** Release lines of a package whose newest version says what it depends on. */
const LINES = 5;
/** And so does whatever of it was published since. */
const WALKED = '2018-01-01';
/** How far weight goes from what functions are built from, and how much of it a step takes. */
const ROUNDS = 8;
const DAMPED = 0.8;

/** Build tools, test tools, types, browsers' and platforms' own: not what is deployed. */
const NOT_DEPLOYED = new RegExp('^(@(types|babel|jest|eslint|typescript-eslint|eslint-community|webassemblyjs|rollup|vitest|vitejs|next|radix-ui|floating-ui|tailwindcss|'
  + 'esbuild|img|swc|unrs|napi-rs|emnapi|tybys|istanbuljs|bcoe|tsconfig|testing-library|csstools|rolldown|jridgewell|ampproject|humanwhocodes|humanfs|sinonjs|'
  + 'cspotcode|asamuzakjp|dnd-kit|emotion|react-spring|storybook|nx|angular|vue|mui|tanstack|rtsao|playwright|adobe|pkgr|svgr|parcel|biomejs|oxc.*|nuxt|commitlint|npmcli|unified|cypress|reduxjs|xtuc|changesets|manypkg|semantic-release|bevry|codemirror|cspell)/'
  + '|(jest|eslint|babel|webpack|postcss|istanbul|regexpu|unicode-|vite|rollup|terser|css-(loader|minimizer|blank|has|prefers|declaration|db|color|functions)|cssnano|stylelint|ts-jest|ts-node|tsx$|esbuild|caniuse|electron|browserslist|typescript|prettier|'
  + 'react|playwright|tailwind|lightningcss|@?swc|sass|karma|mocha|cypress|node-gyp|npm-|pnpm|husky|lint|listr|framer|autoprefixer|next$|svgo|csso|d3|hast|mdast|micromark|unist|'
  + 'remark|rehype|vfile|vscode|regenerate|regjs|core-js-compat|jsdom|nwsapi|cssom|cssstyle|fsevents|acorn-|es-module-lexer|tinybench|tinypool|lucide|zustand|telecom-|mdn-data|language-|axobject|aria-|axe-|'
  + 'type-fest|undici-types|node-releases|baseline-|update-browserslist|hermes|metro|expo|@?storybook|lerna|cosmiconfig|import-local|v8-to|test-exclude|emittery|bser|fb-watchman|walker|makeerror|tmpl|synckit|svelte|vue|@vue|use-|jiti$))');

/** Packages that carry copies of others in files of their own: their fingerprints would name them wherever those others are. */
const CARRIERS = new Set(['@ethersproject/base64', '@vercel/cli-config', 'zen-observable-ts', 'lodash.deburr', 'lodash.escaperegexp', 'lodash.keys', 'lodash.words', '@neondatabase/serverless', '@prisma/client', 'contentful', 'mailgun.js', 'swagger-ui-dist']);
const isDeployed = (name) => !NOT_DEPLOYED.test(name) && !CARRIERS.has(name) && !name.startsWith('lodash._');

const lines = (file) => fs.readFileSync(file, 'utf8').split('\n').map((l) => l.trim()).filter((l) => l && !l.startsWith('#'));

/** Versions at which an advisory begins or ends, by package. */
function bounds() {
  const found = new Map();
  if (!osv) return found;
  for (const file of fs.readdirSync(osv).filter((f) => f.endsWith('.json') && !f.startsWith('MAL-'))) {
    for (const { package: p, ranges = [] } of JSON.parse(fs.readFileSync(path.join(osv, file), 'utf8')).affected ?? []) {
      const events = ranges.flatMap((r) => r.events).flatMap((e) => [e.introduced, e.fixed, e.last_affected]).filter((v) => semver.valid(v));
      if (p?.ecosystem === 'npm') found.set(p.name, [...(found.get(p.name) ?? []), ...events]);
    }
  }
  return found;
}

/** Prereleases that releases of others depend on by name, or that are a package's latest, by package: these and those in a row with
 *  them (`1.0.0-rc`) are shipped as releases are. What comes out every week is out of them. */
const shipped = new Map();
const row = (version) => `${semver.parse(version)?.toString().split('-')[0]}-${semver.prerelease(version)?.[0]}`;
const ship = (name, version) => !WEEKLY.test(name) && shipped.set(name, (shipped.get(name) ?? new Set()).add(row(version)));
function shipPrereleases(name, packument) {
  const latest = packument['dist-tags']?.latest;
  if (latest && semver.prerelease(latest)) ship(name, latest);
  for (const [own, { dependencies = {} }] of Object.entries(packument.versions)) {
    if (semver.prerelease(own)) continue;
    for (const [need, range] of Object.entries(dependencies)) {
      for (const version of String(range).match(/\d+\.\d+\.\d+-[\w.-]+/g) ?? []) ship(need, version);
    }
  }
}

/** Versions of a package that functions ship, newest first. */
function released(name, versions) {
  const isShipped = (v) => !semver.prerelease(v) || shipped.get(name)?.has(row(v));
  return Object.keys(versions).filter((v) => semver.valid(v) && isShipped(v)).sort(semver.rcompare);
}

/** At most so many versions: the newest of each major and the one before it, what lies around the advisories' bounds, the last
 *  patches of the minors, and then whatever else there is, newest first; of a package that comes out every week, evenly spread. */
function choose(name, { versions, time }, advised, most) {
  const usable = released(name, versions).filter((v, i) => i < LAST || (time?.[v] ?? SINCE) >= SINCE);
  const line = (v) => (semver.major(v) ? `${semver.major(v)}` : `0.${semver.minor(v)}`);
  const minor = (v) => `${semver.major(v)}.${semver.minor(v)}`;
  const groups = (key) => Object.values(usable.reduce((all, v) => ({ ...all, [`v${key(v)}`]: [...(all[`v${key(v)}`] ?? []), v] }), {}));
  const picked = new Set();
  const add = (v) => v && picked.add(v);
  groups(line).slice(0, 5).forEach((g) => add(g[0]));
  usable.filter((v) => semver.prerelease(v)).slice(0, SHIPPED).forEach(add);
  for (const bound of advised) {
    const at = usable.findIndex((v) => semver.lte(v, bound));
    if (at < 0) continue;
    [usable[at], usable[at + 1]].forEach(add);
  }
  groups(line).slice(0, 3).forEach((g) => add(g[1]));
  usable.slice(0, 4).forEach(add);
  const left = Math.max(1, most - picked.size);
  if (most < MANY) for (let i = 0; i < left; i += 1) add(usable[Math.floor((i * usable.length) / left)]);
  groups(minor).forEach((g) => add(g[0]));
  usable.forEach(add);
  return [...picked].slice(0, most);
}

const advised = bounds();
const seeds = new Set(lines(path.join(here, 'seeds.txt')));
const listed = lines(popular).slice(0, POPULAR).filter((n) => isDeployed(n));
const options = { fullMetadata: true, preferOffline: true };
fs.mkdirSync(folder, { recursive: true });
const byRank = new Map(lines(popular).map((n, i) => [n, i]));
const known = [...advised.keys()].filter((n) => (byRank.get(n) ?? Infinity) < 3000 && isDeployed(n));
/** Calls one function for each, eight at a time; what it adds to the list meanwhile included. */
async function each(list, work) {
  let at = 0;
  let running = 0;
  await new Promise((done) => {
    const more = () => {
      while (at < list.length && running < 8) {
        running += 1;
        work(list[at++]).catch((e) => console.error(e.message)).finally(() => ((running -= 1), more()));
      }
      if (at >= list.length && running === 0) done();
    };
    more();
  });
}

/** The oldest Node that functions run on: what asks for a newer one is taken by those that have it, and by others what came before. */
const NODE = '20.19.0';
const isAvoided = ({ deprecated, engines }) => Boolean(deprecated) || (semver.validRange(engines?.node) !== null && !semver.satisfies(NODE, engines.node));

/** Packages of which fewer versions are looked into. */
let rest = new Set();

/** Published versions of a package, and which of them are looked into, what matters most first. */
async function releases(name) {
  const packument = await pacote.packument(name, options);
  shipPrereleases(name, packument);
  const chosen = choose(name, packument, advised.get(name) ?? [], WEEKLY.test(name) ? WEEKLY_MANY : rest.has(name) ? REST_MANY : MANY);
  return { versions: packument.versions, time: packument.time, chosen };
}

// What functions are built from, with all that this depends on in what it shipped; then what advisories are of, and what is popular.
const closure = [...seeds];
const parts = new Map();
/** Of each package that another depends on, in which share of its versions. */
async function walk(name) {
  const { versions, time, chosen } = await releases(name);
  // What comes out every week is made of other parts every year, and old ones stay in functions.
  const isWalked = (v, i) => WEEKLY.test(name) || i < LINES || semver.prerelease(v) || (time?.[v] ?? '') >= WALKED;
  const walked = chosen.filter(isWalked);
  const asked = new Map();
  for (const need of walked.flatMap((v) => Object.keys(versions[v].dependencies ?? {})).filter(isDeployed)) {
    asked.set(need, (asked.get(need) ?? 0) + 1 / walked.length);
    if (!met.has(need)) closure.push(need);
    met.add(need);
  }
  parts.set(name, asked);
}
const met = new Set(closure);
await each(closure, walk);
// Which prereleases are shipped is known when all have been read, and what these depend on then.
const before = closure.length;
await each(closure.filter((name) => shipped.has(name)), walk);
await each(closure.slice(before), walk);

/** How much is built from a package: of each that depends on it, as much as is built from that, by the share of its versions. */
let weights = new Map();
for (let round = 0; round < ROUNDS; round += 1) {
  const next = new Map(closure.map((name) => [name, seeds.has(name) ? 1 : 0]));
  for (const [name, asked] of parts) for (const [need, share] of asked) next.set(need, next.get(need) + DAMPED * share * (weights.get(name) ?? 0));
  weights = next;
}
closure.sort((a, b) => seeds.has(b) - seeds.has(a) || weights.get(b) - weights.get(a) || (a < b ? -1 : 1));
const names = [...new Set([...closure.slice(0, MOST), ...known, ...listed])].slice(0, ALL);
rest = new Set(closure.filter((name) => !names.includes(name)).slice(0, REST));
names.push(...rest);
console.error(`${closure.length} packages are what functions are built from, ${names.length} are looked into`);

let packages = 0;
const kept = new Set(['names.txt']);
await each(names, async (name) => {
  const { versions, chosen } = await releases(name);
  let room = ROOM;
  for (const version of chosen) {
    room -= versions[version].dist?.unpackedSize ?? 1e6;
    if (room < 0) break;
    const file = path.join(folder, `${name.replace('/', '+')}-${version}.tgz`);
    kept.add(path.basename(file));
    if (!fs.existsSync(file)) await pacote.tarball.file(`${name}@${version}`, file, options).catch((e) => console.error(`${name}@${version}: ${e.message}`));
  }
  // What was published, so that a version which is not here is known to exist, and what each depends on; marked where a package
  // manager on NODE takes any other first.
  const published = released(name, versions).map((v) => [v, versions[v]]);
  // What it can do without is seldom there.
  const wants = (m) => Object.entries({ ...m.peerDependencies, ...m.dependencies }).filter(([n]) => !m.peerDependenciesMeta?.[n]?.optional);
  const line = ([v, m]) => [isAvoided(m) ? `${v}!` : v, ...wants(m).map(([n, range]) => `${n} ${range}`)].join('\t');
  const list = `${name.replace('/', '+')}.versions`;
  kept.add(list);
  fs.writeFileSync(path.join(folder, list), published.map(line).join('\n'));
  packages += 1;
  if (packages % 50 === 0) console.error(`${packages} packages`);
});
fs.writeFileSync(path.join(folder, 'names.txt'), names.map((n) => `${n}\n`).join(''));
// What an earlier run asked for and this one did not.
for (const file of fs.readdirSync(folder)) if (/\.(tgz|versions)$/.test(file) && !kept.has(file)) fs.rmSync(path.join(folder, file));
console.error(`${packages} packages, ${kept.size - 1 - packages} versions in ${folder}`);
