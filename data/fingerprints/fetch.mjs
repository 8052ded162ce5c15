// Downloads the packages that the embedded fingerprints are made from, with npm's own client library, and keeps them.
//
//   node data/fingerprints/fetch.mjs FOLDER POPULAR [OSV_FOLDER]
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

/** Packages in all. */
const MOST = Number(process.env.MOST || 800);
/** Popular names that are looked at: what comes after them is rarely in a function. */
const POPULAR = Number(process.env.POPULAR || 1500);
/** Versions of a package, by the bytes that its newest unpacks to; of those that come out every week, fewer. */
const HOW_MANY = [[150e3, 36], [500e3, 24], [1e6, 16], [3e6, 10], [12e6, 5]];
const WEEKLY = /^@(aws-sdk|smithy|azure|google-cloud|opentelemetry|sentry|aws-lambda-powertools)\//;
const WEEKLY_MANY = 8;

/** Build tools, test tools, types, browsers' and platforms' own: not what is deployed. */
const NOT_DEPLOYED = new RegExp('^(@(types|babel|jest|eslint|typescript-eslint|eslint-community|webassemblyjs|rollup|vitest|vitejs|next|radix-ui|floating-ui|tailwindcss|'
  + 'esbuild|img|swc|unrs|napi-rs|emnapi|tybys|istanbuljs|bcoe|tsconfig|testing-library|csstools|rolldown|jridgewell|ampproject|humanwhocodes|humanfs|sinonjs|'
  + 'cspotcode|asamuzakjp|dnd-kit|emotion|react-spring|storybook|nx|angular|vue|mui|tanstack|rtsao|playwright|adobe|pkgr|svgr|parcel|biomejs|oxc.*|nuxt|commitlint|npmcli|unified|cypress|reduxjs|xtuc)/'
  + '|(jest|eslint|babel|webpack|postcss|istanbul|regexpu|unicode-|vite|rollup|terser|css-|cssnano|stylelint|ts-jest|ts-node|tsx$|esbuild|caniuse|electron|browserslist|typescript|prettier|'
  + 'react|playwright|tailwind|lightningcss|@?swc|sass|karma|mocha|cypress|node-gyp|npm-|pnpm|husky|lint|listr|framer|autoprefixer|next$|svgo|csso|d3|hast|mdast|micromark|unist|'
  + 'remark|rehype|vfile|vscode|regenerate|regjs|core-js-compat|jsdom|nwsapi|cssom|cssstyle|fsevents|acorn-|es-module-lexer|tinybench|tinypool|lucide|zustand|telecom-|mdn-data|language-|axobject|aria-|axe-|'
  + 'type-fest|undici-types|node-releases|baseline-|update-browserslist|hermes|metro|expo|@?storybook|lerna|cosmiconfig|import-local|v8-to|test-exclude|emittery|bser|fb-watchman|walker|makeerror|tmpl|synckit|svelte|vue|@vue|use-))');

/** Packages that carry copies of others in files of their own: their fingerprints would name them wherever those others are. */
const CARRIERS = new Set(['@prisma/client', 'mailgun.js']);
const isDeployed = (name) => !NOT_DEPLOYED.test(name) && !CARRIERS.has(name);

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

/** The newest of each major and the one before it, what lies around the advisories' bounds, the last patches of the minors,
 *  and then whatever else there is, newest first. */
function choose(versions, advised) {
  const stable = versions.filter((v) => semver.valid(v) && !semver.prerelease(v)).sort(semver.rcompare);
  const line = (v) => (semver.major(v) ? `${semver.major(v)}` : `0.${semver.minor(v)}`);
  const minor = (v) => `${semver.major(v)}.${semver.minor(v)}`;
  const groups = (key) => Object.values(stable.reduce((all, v) => ({ ...all, [`v${key(v)}`]: [...(all[`v${key(v)}`] ?? []), v] }), {}));
  const picked = new Set();
  const add = (v) => v && picked.add(v);
  groups(line).slice(0, 5).forEach((g) => add(g[0]));
  for (const bound of advised) {
    const at = stable.findIndex((v) => semver.lte(v, bound));
    if (at < 0) continue;
    [stable[at], stable[at + 1]].forEach(add);
  }
  groups(line).slice(0, 3).forEach((g) => add(g[1]));
  stable.slice(0, 4).forEach(add);
  groups(minor).forEach((g) => add(g[0]));
  stable.forEach(add);
  return [...picked];
}

const advised = bounds();
const seeds = new Set(lines(path.join(here, 'seeds.txt')));
const listed = lines(popular).slice(0, POPULAR).filter((n) => isDeployed(n));
const byRank = new Map(lines(popular).map((n, i) => [n, i]));
const known = [...advised.keys()].filter((n) => (byRank.get(n) ?? Infinity) < 10000 && isDeployed(n));
const queue = [...new Set([...seeds, ...known, ...listed])];
const seen = new Set(queue);
const options = { fullMetadata: false, preferOffline: true };
fs.mkdirSync(folder, { recursive: true });

let packages = 0;
let files = 0;
async function one(name) {
  const { versions } = await pacote.packument(name, options).catch((e) => (console.error(`${name}: ${e.message}`), {}));
  if (!versions) return;
  const size = (v) => versions[v].dist?.unpackedSize ?? 0;
  const all = choose(Object.keys(versions), advised.get(name) ?? []);
  const room = HOW_MANY.find(([bytes]) => (all[0] ? size(all[0]) : 0) < bytes)?.[1] ?? 0;
  const chosen = all.slice(0, WEEKLY.test(name) ? Math.min(room, WEEKLY_MANY) : room);
  packages += 1;
  for (const [i, version] of chosen.entries()) {
    const { dependencies = {} } = versions[version];
    if (i === 0 && (advised.has(name) || seeds.has(name))) for (const d of Object.keys(dependencies)) if (!seen.has(d) && isDeployed(d)) (seen.add(d), queue.push(d));
    const file = path.join(folder, `${name.replace('/', '+')}-${version}.tgz`);
    if (!fs.existsSync(file)) await pacote.tarball.file(`${name}@${version}`, file, options).catch((e) => console.error(`${name}@${version}: ${e.message}`));
    files += 1;
  }
  // What was published, so that a version which is not here is known to exist, and what each depends on.
  const published = Object.entries(versions).filter(([v]) => semver.valid(v) && !semver.prerelease(v));
  const line = ([v, m]) => [v, ...Object.entries({ ...m.peerDependencies, ...m.dependencies }).map(([n, range]) => `${n} ${range}`)].join('\t');
  fs.writeFileSync(path.join(folder, `${name.replace('/', '+')}.versions`), published.map(line).join('\n'));
  if (packages % 50 === 0) console.error(`${packages} packages, ${files} versions`);
}
const worker = async () => {
  while (queue.length > 0 && packages < MOST) await one(queue.shift());
};
await Promise.all(Array.from({ length: 6 }, worker));
console.error(`${packages} packages, ${files} versions in ${folder}`);
