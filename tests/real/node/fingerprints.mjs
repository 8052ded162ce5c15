// Scores packages known by their code: bundles of applications that the index was not tuned on, minified and without maps, held
// against the bundlers' own module lists; and minified files of packages outside of the index, in which nothing may be claimed.
//
//   node tests/real/node/fingerprints.mjs [--set FILE] [--app TEXT] [--form TEXT] [--plimsoll PATH] [--build] [--verbose]
//
// --set: other applications than those of fingerprints.json, written as they are there: judge on what nothing was tuned to.
// Only claims of the detector `js-fingerprint` count, and only packages that `plimsoll fingerprints list` names. Builds are kept
// as score.mjs keeps its own, below PLIMSOLL_REAL; --build only builds. Prints a line for each form, the same by the size of a
// package's modules in the bundle, and how many claims of each confidence are true; exits with 1 where a goal is missed, or a bundle is
// not built: nothing is known of that.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const flag = (name) => process.argv.includes(`--${name}`);
const plimsoll = path.resolve(option('plimsoll', 'target/release/plimsoll'));
const work = process.env.PLIMSOLL_REAL || path.join(os.tmpdir(), 'plimsoll-real-bundles');
const tools = path.join(work, 'tools');
const bin = (name) => path.join(tools, 'node_modules/.bin', name);

const { apps: APPS, external: MORE_EXTERNAL = [], unrelated: UNRELATED = {} } = JSON.parse(fs.readFileSync(path.resolve(option('set', path.join(here, 'fingerprints.json'))), 'utf8'));

function run(command, args, cwd) {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 30 });
  } catch (e) {
    throw new Error(`${path.basename(command)} ${args.join(' ').slice(0, 60)} …: ${(e.stderr || '').slice(-600)}${(e.stdout || '').slice(-600)}`);
  }
}
const node = (script, cwd) => run(process.execPath, ['-e', script], cwd);

/** Packages of modules, `name@version`, each with the bytes that its modules have before they are bundled. */
function owners(modules, root) {
  const bytes = {};
  for (const module of new Set(modules.filter(Boolean).map((m) => m.replace(/^\0/, '').split('?')[0]))) {
    const at = module.lastIndexOf('node_modules/');
    if (at < 0) continue;
    const file = path.resolve(root, module.slice(module.indexOf('node_modules/')));
    const folder = file.slice(0, file.lastIndexOf('node_modules/') + 13);
    const [first, second] = file.slice(folder.length).split('/');
    try {
      const { name, version } = JSON.parse(fs.readFileSync(path.join(folder, first, first.startsWith('@') ? second : '', 'package.json'), 'utf8'));
      bytes[`${name}@${version}`] = (bytes[`${name}@${version}`] ?? 0) + fs.statSync(file).size;
    } catch { /* a module that the bundler made */ }
  }
  return bytes;
}

/** Modules of the source maps in a folder, which are then removed. */
function mapped(out) {
  const maps = fs.readdirSync(out, { recursive: true }).map((f) => path.join(out, f)).filter((f) => f.endsWith('.map'));
  const sources = maps.flatMap((f) => JSON.parse(fs.readFileSync(f, 'utf8')).sources);
  maps.forEach((f) => fs.rmSync(f));
  return sources;
}

const EXTERNAL = ['pg-native', 'mongodb-client-encryption', 'aws4', '@aws-sdk/credential-providers', 'kerberos', 'snappy', 'socks', '@mongodb-js/zstd', 'gcp-metadata', 'bufferutil', 'utf-8-validate',
  'pg-hstore', 'tedious', 'sqlite3', 'oracledb', 'mariadb', 'ibm_db', 'snowflake-sdk', 'cardinal', 'canvas', 'encoding', 'dtrace-provider', 'mv', 'safe-json-stringify', 'saslprep', 'supports-color', 'source-map-support', 'electron', 'coffee-script', ...MORE_EXTERNAL];

function esbuild(engine) {
  return (app, out) => {
    const options = { entryPoints: [`${app}/index.js`], bundle: true, minify: true, platform: 'node', target: 'node18', legalComments: 'none', outfile: `${out}/index.js`, metafile: true, logLevel: 'error', external: EXTERNAL, absWorkingDir: app };
    const { outputs } = JSON.parse(node(`require('${engine}').build(${JSON.stringify(options)}).then((r) => process.stdout.write(JSON.stringify(r.metafile)))`, tools));
    return Object.values(outputs).flatMap((o) => Object.entries(o.inputs)).filter(([, i]) => i.bytesInOutput > 0).map(([f]) => f);
  };
}

function packed(engine, minimizer) {
  return (app, out) => {
    const script = `
      const pack = require('${engine}');
      // In one process: a worker of swc's would be given this very script, and begin a build of its own.
      const Terser = ${minimizer ? "require('terser-webpack-plugin')" : 'null'};
      pack({ target: 'node', mode: 'production', devtool: 'hidden-source-map', entry: '${app}/index.js', context: '${app}', output: { path: '${out}', filename: 'index.js', library: { type: 'commonjs2' } },
             externals: Object.fromEntries(${JSON.stringify(EXTERNAL)}.map((e) => [e, 'commonjs ' + e])), performance: false,
             ...(Terser && { optimization: { minimizer: [new Terser({ parallel: false, extractComments: false, minify: Terser.${minimizer}, terserOptions: { format: { comments: false } } })] } }) }, (e, stats) => {
        if (e || stats.hasErrors()) throw e || new Error(stats.toString({ all: false, errors: true }).slice(0, 300));
        const found = [];
        const walk = (ms) => { for (const m of ms || []) { if (m.nameForCondition) found.push(m.nameForCondition); walk(m.modules); } };
        walk(stats.toJson({ all: false, modules: true, nestedModules: true, modulesSpace: Infinity, nestedModulesSpace: Infinity, groupModulesByPath: false,
          groupModulesByType: false, groupModulesByLayer: false, groupModulesByAttributes: false, groupModulesByCacheStatus: false, groupModulesByExtension: false }).modules);
        process.stdout.write(JSON.stringify(found));
      });`;
    const listed = JSON.parse(node(script, tools));
    // rspack's list leaves out modules that it joined to others; its map has them. webpack's has some of which nothing is left.
    const there = mapped(out);
    return engine.includes('rspack') ? [...listed, ...there] : there;
  };
}

function rollup(min) {
  return (app, out) => JSON.parse(node(`
    const { rollup } = require('rollup');
    const plugin = (name) => { const p = require('@rollup/plugin-' + name); return p.default || p; };
    (async () => {
      const bundle = await rollup({ input: '${app}/index.js', onwarn() {}, external: ${JSON.stringify(EXTERNAL)},
        plugins: [plugin('node-resolve')({ preferBuiltins: true, exportConditions: ['node'] }), plugin('commonjs')({ ignoreDynamicRequires: true }), plugin('json')(), ...(${min} ? [plugin('terser')()] : [])] });
      const { output } = await bundle.write({ file: '${out}/index.js', format: 'cjs', inlineDynamicImports: true });
      process.stdout.write(JSON.stringify(output.flatMap((c) => Object.entries(c.modules || {})).filter(([, m]) => m.renderedLength > 0).map(([k]) => k)));
    })();`, tools));
}

function ncc(flags) {
  return (app, out) => {
    run(bin('ncc'), ['build', 'index.js', '-o', out, '-s', '--no-source-map-register', ...EXTERNAL.flatMap((e) => ['-e', e]), ...flags], app);
    return mapped(out);
  };
}

function tsup(app, out) {
  const options = { entry: [`${app}/index.js`], config: false, format: ['cjs'], platform: 'node', outDir: out, metafile: true, silent: true, minify: true, external: EXTERNAL };
  // What is said to be bundled goes before what is said not to be.
  const inside = new RegExp(`^(?!(?:${EXTERNAL.map((name) => name.replaceAll('/', '\\/')).join('|')})$)`);
  node(`process.chdir('${app}'); require('${tools}/node_modules/tsup').build({ ...${JSON.stringify(options)}, noExternal: [${inside}] })`, tools);
  const meta = path.join(out, 'metafile-cjs.json');
  const { outputs } = JSON.parse(fs.readFileSync(meta, 'utf8'));
  fs.rmSync(meta);
  return Object.values(outputs).flatMap((o) => Object.entries(o.inputs)).filter(([, i]) => i.bytesInOutput > 0).map(([f]) => f);
}

function bun(app, out) {
  run(bin('bun'), ['build', 'index.js', '--target=node', '--format=cjs', '--minify', `--outdir=${out}`, '--sourcemap=external', ...EXTERNAL.flatMap((e) => ['--external', e])], app);
  return mapped(out);
}

function parcel(app, out) {
  const entry = path.join(app, 'parcel-entry.js');
  const manifest = path.join(app, 'package.json');
  const before = fs.readFileSync(manifest, 'utf8');
  fs.copyFileSync(path.join(app, 'index.js'), entry);
  const includeNodeModules = Object.fromEntries(EXTERNAL.map((name) => [name, false]));
  const resolver = { packageExports: true };
  fs.writeFileSync(manifest, JSON.stringify({ ...JSON.parse(before), '@parcel/resolver-default': resolver, targets: { f: { context: 'node', includeNodeModules, engines: { node: '>=18' }, optimize: true } } }));
  try {
    run(bin('parcel'), ['build', 'parcel-entry.js', '--target', 'f', '--dist-dir', out, '--no-cache', '--log-level', 'error'], app);
  } finally {
    fs.writeFileSync(manifest, before);
  }
  return mapped(out);
}

/** Least of names, precision and versions that are told, and most of those that are wrong. */
const PLAIN = [0.93, 0.99, 0.95, 0.01];
const PACKED = [0.85, 0.98, 0.9, 0.01];
const FORMS = [
  ['esbuild', PLAIN, esbuild('esbuild')],
  ['esbuild 0.17', PLAIN, esbuild('esbuild-0.17')],
  ['tsup', PLAIN, tsup],
  ['bun', PLAIN, bun],
  ['ncc', PLAIN, ncc([])],
  ['ncc minified', PACKED, ncc(['-m'])],
  ['rollup', PLAIN, rollup(false)],
  ['rollup terser', PLAIN, rollup(true)],
  ['webpack terser', PACKED, packed('webpack', 'terserMinify')],
  ['webpack swc', PACKED, packed('webpack', 'swcMinify')],
  ['webpack 5.76', PACKED, packed('webpack-5.76', null)],
  ['rspack', PACKED, packed('@rspack/core', null)],
  ['parcel', PACKED, parcel],
].filter(([name]) => name.includes(option('form', '')));

/** What an application imports: everything by `require`, or by `import` three names of each package, or those that `names` has of it,
 *  so that the rest is shaken off. */
function install(name, { style, dependencies, names: own = {} }) {
  const app = path.join(work, name, 'app');
  if (fs.existsSync(path.join(app, 'index.js'))) return app;
  fs.mkdirSync(app, { recursive: true });
  fs.writeFileSync(path.join(app, 'package.json'), JSON.stringify({ name: 'orders', version: '1.0.0', private: true, dependencies }));
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts', '--legacy-peer-deps'], app);
  const names = Object.keys(dependencies);
  let code = names.map((n, i) => `const m${i} = require('${n}');\n`).join('') + `exports.handler = async () => [${names.map((_, i) => `m${i}`).join(', ')}];\n`;
  if (style === 'import') {
    fs.writeFileSync(path.join(app, 'names.mjs'), `
      const all = [];
      for (const name of ${JSON.stringify(names)}) {
        // What Node itself cannot import, a bundler may: then all of it is taken.
        const keys = Object.keys(await import(name).catch(() => ({}))).filter((k) => /^[A-Za-z_$][\\w$]*$/.test(k) && !['default', '__esModule', 'module.exports'].includes(k));
        all.push([name, keys.filter((_, i) => i % Math.ceil(keys.length / 3) === 0)]);
      }
      console.log('\\n' + JSON.stringify(all)); process.exit(0);`);
    const all = JSON.parse(run(process.execPath, ['names.mjs'], app).trim().split('\n').pop()).map(([n, keys]) => [n, own[n] ?? keys]);
    const uses = all.flatMap(([, keys], i) => (keys.length ? keys.map((_, j) => `m${i}_${j}`) : [`m${i}`]));
    code = all.map(([n, keys], i) => `import ${keys.length ? `{ ${keys.map((k, j) => `${k} as m${i}_${j}`).join(', ')} }` : `* as m${i}`} from '${n}';\n`).join('')
      + `export const handler = async (event) => [${uses.join(', ')}].map((u) => (typeof u === 'function' ? u(event) : u));\n`;
  }
  fs.writeFileSync(path.join(app, 'index.js'), code);
  return app;
}

function scan(folder) {
  const { stdout, stderr } = spawnSync(plimsoll, ['scan', '--quiet', '--offline', '--fail-on', 'none', '-o', 'json', folder], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (!stdout) throw new Error(`plimsoll: ${stderr}`);
  const { components } = JSON.parse(stdout).artifacts[0];
  return components.flatMap((c) => {
    const seen = c.evidence.filter((e) => e.detector === 'js-fingerprint');
    return seen.length ? [{ name: c.name, versions: c.version ? [c.version] : c.candidates ?? [], confidence: Math.max(...seen.map((e) => e.confidence)) }] : [];
  });
}

const nameOf = (id) => id.slice(0, id.lastIndexOf('@'));
const TOLD = ['exact', 'few', 'many', 'none', 'wrong'];
const SIZES = [[512, 'below 0.5 kB'], [2048, '0.5 to 2 kB'], [8192, '2 to 8 kB'], [32768, '8 to 32 kB'], [Infinity, 'from 32 kB']];
const tally = () => ({ there: 0, found: 0, claimed: 0, truly: 0, told: Object.fromEntries(TOLD.map((t) => [t, 0])) });

function told(id, claims) {
  const version = id.slice(id.lastIndexOf('@') + 1);
  const right = claims.filter((c) => c.versions.includes(version)).map((c) => c.versions.length);
  if (right.length) return Math.min(...right) === 1 ? 'exact' : Math.min(...right) <= 3 ? 'few' : 'many';
  return claims.some((c) => c.versions.length === 0) ? 'none' : 'wrong';
}

function line(label, { there, found, claimed, truly, told: t }) {
  const all = Math.max(1, TOLD.reduce((n, k) => n + t[k], 0));
  const f = (n) => n.toFixed(3);
  const figures = [found / Math.max(1, there), claimed ? truly / claimed : 1, (t.exact + t.few) / all, t.wrong / all];
  console.log(`${label.padEnd(26)} ${String(there).padStart(5)}  ${figures.map(f).join('  ')}   ${TOLD.map((k) => String(t[k]).padStart(5)).join(' ')}`);
  return figures;
}

function add(sum, part) {
  for (const key of ['there', 'found', 'claimed', 'truly']) sum[key] += part[key];
  for (const key of TOLD) sum.told[key] += part.told[key];
}

function ready() {
  if (fs.existsSync(path.join(tools, 'node_modules'))) return;
  fs.mkdirSync(tools, { recursive: true });
  fs.copyFileSync(path.join(here, 'package.json'), path.join(tools, 'package.json'));
  run('npm', ['install', '--no-audit', '--no-fund', '--silent'], tools);
}

const apps = Object.entries(APPS).filter(([name]) => name.includes(option('app', '')));
const unrelated = path.join(work, 'unrelated');
let failed = 0;
try {
  ready();
  for (const [name, app] of apps) {
    const root = install(name, app);
    for (const [form, , build] of FORMS) {
      const out = path.join(work, name, form.replaceAll(' ', '-'));
      const list = `${out}.owners.json`;
      if (fs.existsSync(list)) continue;
      fs.rmSync(out, { recursive: true, force: true });
      fs.mkdirSync(out, { recursive: true });
      try {
        fs.writeFileSync(list, JSON.stringify(owners(build(root, out), root)));
      } catch (e) {
        failed += 1;
        console.log(`${name} ${form}: not built: ${e.message.slice(0, 300).replaceAll('\n', ' ')}`);
      }
    }
  }
  if (!fs.existsSync(path.join(unrelated, 'node_modules'))) {
    fs.mkdirSync(unrelated, { recursive: true });
    fs.writeFileSync(path.join(unrelated, 'package.json'), JSON.stringify({ private: true, dependencies: UNRELATED }));
    run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts', '--legacy-peer-deps', '--omit=peer'], unrelated);
  }
} catch (e) {
  console.log(`skipped: bundlers or packages cannot be installed here: ${e.message.slice(0, 300)}`);
  process.exit(0);
}
if (flag('build')) process.exit(0);

const known = new Set(execFileSync(plimsoll, ['fingerprints', 'list'], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim().split('\n').map((l) => l.split(' ')[0]));
const sizes = SIZES.map(() => tally());
const sure = new Map();
console.log(`${''.padEnd(26)} there  names  prec.  vers.  wrong   ${TOLD.map((t) => t.padStart(5)).join(' ')}`);
for (const [form, goals] of FORMS) {
  const sum = tally();
  for (const [name] of apps) {
    const out = path.join(work, name, form.replaceAll(' ', '-'));
    if (!fs.existsSync(`${out}.owners.json`)) continue;
    const truth = JSON.parse(fs.readFileSync(`${out}.owners.json`, 'utf8'));
    const names = new Map();
    for (const [id, bytes] of Object.entries(truth)) names.set(nameOf(id), (names.get(nameOf(id)) ?? 0) + bytes);
    const claims = scan(out);
    const claimed = new Set(claims.map((c) => c.name));
    const one = tally();
    one.claimed = claimed.size;
    one.truly = [...claimed].filter((n) => names.has(n)).length;
    for (const c of claims) {
      const [all, right] = sure.get(c.confidence.toFixed(2)) ?? [0, 0];
      sure.set(c.confidence.toFixed(2), [all + 1, right + (names.has(c.name) ? 1 : 0)]);
    }
    const missing = [];
    const wrong = [...claimed].filter((n) => !names.has(n));
    for (const [n, bytes] of names) {
      if (!known.has(n)) continue;
      const size = sizes[SIZES.findIndex(([most]) => bytes < most)];
      for (const t of [one, size]) (t.there += 1, t.found += claimed.has(n) ? 1 : 0);
      if (!claimed.has(n)) missing.push(`${n} (${bytes})`);
      else {
        for (const id of Object.keys(truth).filter((i) => nameOf(i) === n)) {
          const mine = claims.filter((c) => c.name === n);
          const how = told(id, mine);
          for (const t of [one, size]) t.told[how] += 1;
          if (how === 'wrong') wrong.push(`${id} as ${mine.map((c) => c.versions.slice(0, 4))}`);
        }
      }
    }
    line(`${form} / ${name}`, one);
    if (flag('verbose')) console.log(`  missing: ${missing.join(' ')}\n  wrong: ${wrong.join('; ')}`);
    add(sum, one);
  }
  if (sum.there === 0) continue;
  const [names, precision, versions, wrong] = line(`${form} / all`, sum);
  if (names < goals[0] || precision < goals[1] || versions < goals[2] || wrong > goals[3]) {
    failed += 1;
    console.log(`  misses its goal: ${goals.join(', ')}`);
  }
}
console.log('\nby size of the modules that are in the bundle');
SIZES.forEach(([, label], i) => { add(sizes[i], { ...tally(), claimed: sizes[i].found, truly: sizes[i].found }); line(label, sizes[i]); });
console.log('\nconfidence, claims, of them true');
for (const [confidence, [all, right]] of [...sure].sort()) console.log(`${confidence}  ${all}  ${(right / all).toFixed(3)}`);

// The packages' own minified files: what comes along as a dependency may well be in the index. Packages whose builds carry copies
// of others (clipboard, fullpage.js, hls.js, intro.js, p5, paper, pouchdb, three, tinymce, video.js) are not among them: a claim there is true.
const files = Object.keys(UNRELATED).flatMap((name) => fs.readdirSync(path.join(unrelated, 'node_modules', name), { recursive: true })
  .filter((f) => /\.min\.[cm]?js$/.test(f) && !f.includes('node_modules/')).map((f) => `${name}/${f}`)).sort();
let clean = 0;
const alarms = [];
const one = path.join(work, 'one');
for (const file of files) {
  fs.rmSync(one, { recursive: true, force: true });
  fs.mkdirSync(one, { recursive: true });
  fs.copyFileSync(path.join(unrelated, 'node_modules', file), path.join(one, 'index.js'));
  const claims = scan(one);
  if (claims.length) alarms.push(`${file}: ${claims.map((c) => c.name)}`);
  else clean += 1;
}
console.log(`\n${files.length} unrelated files, ${clean} without a claim${alarms.map((a) => `\n  ${a}`).join('')}`);
if (alarms.length) failed += 1;
console.log(`${failed} missed`);
process.exitCode = failed ? 1 : 0;
