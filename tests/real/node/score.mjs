// Builds real bundles and scores plimsoll against the bundlers' own module lists.
//
//   node tests/real/node/score.mjs [--set small|large|other|web|data|cloud|api|jobs] [--plimsoll PATH] [--only TEXT] [--verbose] [--indexed]
//
// Everything is built in a folder of its own below the system's temporary folder (or PLIMSOLL_REAL) and kept there, so that a
// second run only scores; where nothing can be installed it says that it skips. Bundlers come from package.json beside this file. Prints, for each form, recall of names, recall of
// versions alone and with the lock file, and precision; exits with 1 where a form that names its modules misses its mark.
// --indexed: only the packages whose fingerprints are known, and for each form how many were found, and their versions.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SETS } from './sets.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const set = option('set', 'small');
const plimsoll = path.resolve(option('plimsoll', 'target/release/plimsoll'));
const only = option('only', '');
const verbose = process.argv.includes('--verbose');
const indexed = process.argv.includes('--indexed');
const work = process.env.PLIMSOLL_REAL || path.join(os.tmpdir(), 'plimsoll-real-bundles');
const tools = path.join(work, 'tools');
const external = ['pg-native', 'pg-cloudflare', ...(SETS[set].external ?? [])];
const bin = (name) => path.join(tools, 'node_modules/.bin', name);

function run(command, args, cwd, env = {}) {
  try {
    return execFileSync(command, args, { cwd, env: { ...process.env, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 30 });
  } catch (e) {
    throw new Error(`${path.basename(command)} ${args.slice(0, 3).join(' ')} …: ${(e.stderr || '').slice(-600)}${(e.stdout || '').slice(-600)}`);
  }
}

/** Name and version of the package that a module belongs to; null for the application's own. */
function owner(module, root) {
  const clean = module.replace(/^\0/, '').split('?')[0];
  const absolute = path.resolve(root, clean);
  const at = absolute.lastIndexOf('node_modules/');
  if (at < 0) return null;
  const parts = absolute.slice(at + 13).split('/');
  const folder = absolute.slice(0, at + 13) + parts.slice(0, parts[0].startsWith('@') ? 2 : 1).join('/');
  try {
    const { name, version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    return `${name}@${version}`;
  } catch { return null; }
}
const owners = (modules, root) => [...new Set(modules.map((m) => owner(m, root)).filter(Boolean))].sort();

/** Modules of a source map, for bundlers that have no list of their own; the map itself is not shipped. */
function mapped(folder, root) {
  const sources = fs.readdirSync(folder).filter((f) => f.endsWith('.map'))
    .flatMap((f) => JSON.parse(fs.readFileSync(path.join(folder, f), 'utf8')).sources);
  return owners(sources.filter(Boolean).map((s) => { const at = s.indexOf('node_modules/'); return at < 0 ? 'x' : s.slice(at); }), root);
}

const FORMS = [];
/** `named`: the form names its modules, and is held to the mark. */
const form = (name, named, build) => FORMS.push({ name, named, build });

function esbuild(app, out, flags) {
  run(bin('esbuild'), ['index.js', '--bundle', '--platform=node', '--target=node18', `--outfile=${out}/index.js`, `--metafile=${out}.meta.json`, '--log-level=error',
    ...external.map((name) => `--external:${name}`), ...flags], app);
  const { outputs } = JSON.parse(fs.readFileSync(`${out}.meta.json`, 'utf8'));
  const inputs = Object.entries(outputs).filter(([file]) => file.endsWith('.js')).flatMap(([, o]) => Object.entries(o.inputs));
  return owners(inputs.filter(([, i]) => i.bytesInOutput > 0).map(([file]) => file), app);
}
form('esbuild', true, (app, out) => esbuild(app, out, []));
form('esbuild esm', true, (app, out) => esbuild(app, out, ['--format=esm']));
/** As functions with several handlers are built: what they share lies in chunks. */
form('esbuild split', true, (app, out) => {
  fs.writeFileSync(path.join(app, 'second.js'), fs.readFileSync(path.join(app, 'index.js')));
  run(bin('esbuild'), ['index.js', 'second.js', '--bundle', '--splitting', '--format=esm', '--platform=node', '--target=node18', `--outdir=${out}`, '--out-extension:.js=.mjs',
    `--metafile=${out}.meta.json`, '--log-level=error', ...external.map((name) => `--external:${name}`)], app);
  fs.rmSync(path.join(app, 'second.js'));
  const { outputs } = JSON.parse(fs.readFileSync(`${out}.meta.json`, 'utf8'));
  return owners(Object.values(outputs).flatMap((o) => Object.entries(o.inputs)).filter(([, i]) => i.bytesInOutput > 0).map(([file]) => file), app);
});
form('esbuild min', false, (app, out) => esbuild(app, out, ['--minify']));
form('esbuild min map', true, (app, out) => esbuild(app, out, ['--minify', '--sourcemap']));
form('esbuild inline map', true, (app, out) => esbuild(app, out, ['--minify', '--sourcemap=inline']));

function packed(engine, app, out, config) {
  const script = `
    const pack = require('${engine}');
    pack({ target: 'node', entry: '${app}/index.js', context: '${app}', output: { path: '${out}', filename: 'index.js', library: { type: 'commonjs2' } },
           externals: ${JSON.stringify(Object.fromEntries(external.map((name) => [name, `commonjs ${name}`])))}, ...${JSON.stringify(config)} }, (e, stats) => {
      if (e) throw e;
      const found = [];
      const walk = (ms) => { for (const m of ms || []) { if (m.nameForCondition) found.push(m.nameForCondition); walk(m.modules); } };
      walk(stats.toJson({ all: false, modules: true, nestedModules: true, modulesSpace: Infinity, nestedModulesSpace: Infinity, groupModulesByPath: false,
        groupModulesByType: false, groupModulesByLayer: false, groupModulesByAttributes: false, groupModulesByCacheStatus: false, groupModulesByExtension: false }).modules);
      process.stdout.write(JSON.stringify(found));
    });`;
  const listed = owners(JSON.parse(run(process.execPath, ['-e', script], tools)), app);
  // rspack's list leaves out modules that it joined to others; its map has them.
  const all = [...new Set([...listed, ...mapped(out, app)])].sort();
  if (config.devtool === 'hidden-source-map') for (const f of fs.readdirSync(out)) if (f.endsWith('.map')) fs.rmSync(path.join(out, f));
  return all;
}
for (const [label, engine] of [['webpack', 'webpack'], ['rspack', '@rspack/core']]) {
  form(`${label} dev`, true, (app, out) => packed(engine, app, out, { mode: 'development', devtool: false }));
  form(`${label} dev eval`, true, (app, out) => packed(engine, app, out, { mode: 'development', devtool: 'eval' }));
  form(`${label} prod`, false, (app, out) => packed(engine, app, out, { mode: 'production', devtool: 'hidden-source-map' }));
  form(`${label} chunks`, true, (app, out) => packed(engine, app, out, { mode: 'development', devtool: 'inline-cheap-module-source-map', optimization: { runtimeChunk: 'single', splitChunks: { chunks: 'all', maxSize: 200000 } },
    output: { path: out, filename: '[name].js', library: { type: 'commonjs2' } } }));
  form(`${label} prod map`, true, (app, out) => packed(engine, app, out, { mode: 'production', devtool: 'source-map' }));
}

function ncc(app, out, flags) {
  run(bin('ncc'), ['build', 'index.js', '-o', out, '-s', '--no-source-map-register', ...external.flatMap((name) => ['-e', name]), ...flags], app);
  const modules = mapped(out, app);
  for (const f of fs.readdirSync(out)) if (f.endsWith('.map')) fs.rmSync(path.join(out, f));
  return modules;
}
form('ncc', false, (app, out) => ncc(app, out, []));
form('ncc licences', true, (app, out) => ncc(app, out, ['--license', 'licenses.txt']));

async function rollup(app, out, { map, min, modules = false }) {
  const script = `
    const { rollup } = require('rollup');
    const plugin = (name) => { const p = require('@rollup/plugin-' + name); return p.default || p; };
    (async () => {
      const bundle = await rollup({ input: '${app}/index.js', onwarn() {}, external: ${JSON.stringify(external)},
        plugins: [plugin('node-resolve')({ preferBuiltins: true, exportConditions: ['node'] }), plugin('commonjs')({ ignoreDynamicRequires: true }), plugin('json')(), ...(${min} ? [plugin('terser')()] : [])] });
      const place = ${modules} ? { dir: '${out}', preserveModules: true } : { file: '${out}/index.js', inlineDynamicImports: true };
      const { output } = await bundle.write({ ...place, format: 'cjs', sourcemap: ${map} });
      process.stdout.write(JSON.stringify(output.flatMap((c) => Object.entries(c.modules || {})).filter(([, m]) => m.renderedLength > 0).map(([k]) => k)));
    })();`;
  return owners(JSON.parse(run(process.execPath, ['-e', script], tools)), app);
}
form('rollup', false, (app, out) => rollup(app, out, { map: false, min: false }));
form('rollup modules', true, (app, out) => rollup(app, out, { map: false, min: false, modules: true }));
form('rollup min map', true, (app, out) => rollup(app, out, { map: true, min: true }));

form('tsup', true, (app, out) => {
  const options = { entry: [`${app}/index.js`], config: false, format: ['cjs'], platform: 'node', outDir: out, metafile: true, silent: true, external };
  const script = `process.chdir('${app}'); require('${tools}/node_modules/tsup').build({ ...${JSON.stringify(options)}, noExternal: [/.*/] })`;
  run(process.execPath, ['-e', script], tools);
  const meta = path.join(out, 'metafile-cjs.json');
  const { outputs } = JSON.parse(fs.readFileSync(meta, 'utf8'));
  fs.rmSync(meta);
  return owners(Object.values(outputs).flatMap((o) => Object.entries(o.inputs)).filter(([, i]) => i.bytesInOutput > 0).map(([f]) => f), app);
});

function bun(app, out, flags, keep) {
  const args = ['build', 'index.js', '--target=node', '--format=cjs', `--outdir=${out}`, ...external.flatMap((name) => ['--external', name]), ...flags];
  run(bin('bun'), [...args, '--sourcemap=external'], app);
  const modules = mapped(out, app);
  if (!keep) fs.rmSync(path.join(out, 'index.js.map'));
  return modules;
}
form('bun', true, (app, out) => bun(app, out, [], false));
form('bun min', false, (app, out) => bun(app, out, ['--minify'], false));
form('bun min map', true, (app, out) => bun(app, out, ['--minify'], true));

function parcel(app, out, flags, keep) {
  const entry = path.join(app, 'parcel-entry.js');
  fs.copyFileSync(path.join(app, 'index.js'), entry);
  const pj = path.join(app, 'package.json');
  const before = fs.readFileSync(pj, 'utf8');
  fs.writeFileSync(pj, JSON.stringify({ ...JSON.parse(before), targets: { f: { context: 'node', includeNodeModules: true, engines: { node: '>=18' }, ...flags } } }));
  try {
    run(bin('parcel'), ['build', 'parcel-entry.js', '--target', 'f', '--dist-dir', out, '--no-cache', '--log-level', 'error'], app);
  } finally {
    fs.writeFileSync(pj, before);
  }
  const modules = mapped(out, app);
  if (!keep) for (const f of fs.readdirSync(out)) if (f.endsWith('.map')) fs.rmSync(path.join(out, f));
  return modules;
}
form('parcel', false, (app, out) => parcel(app, out, { optimize: false }, false));
form('parcel min map', true, (app, out) => parcel(app, out, { optimize: true }, true));

/** The application, installed with npm. */
function install() {
  const app = path.join(work, set, 'app');
  if (!fs.existsSync(path.join(tools, 'node_modules'))) {
    fs.mkdirSync(tools, { recursive: true });
    fs.copyFileSync(path.join(here, 'package.json'), path.join(tools, 'package.json'));
    run('npm', ['install', '--no-audit', '--no-fund', '--silent'], tools);
  }
  if (!fs.existsSync(path.join(app, 'node_modules'))) {
    fs.mkdirSync(app, { recursive: true });
    fs.writeFileSync(path.join(app, 'package.json'), JSON.stringify({ name: 'orders', version: '1.0.0', private: true, dependencies: SETS[set].dependencies }));
    fs.writeFileSync(path.join(app, 'index.js'), SETS[set].code);
    run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts'], app);
  }
  return app;
}
/** The same, installed with pnpm, for the forms that need it. */
function installPnpm() {
  if (!fs.existsSync(path.join(pnpm, 'node_modules'))) {
    fs.mkdirSync(pnpm, { recursive: true });
    for (const f of ['package.json', 'index.js']) fs.copyFileSync(path.join(app, f), path.join(pnpm, f));
    run(bin('pnpm'), ['install', '--silent', '--ignore-scripts', '--store-dir', path.join(work, 'store'), '--config.package-import-method=copy'], pnpm);
  }
}

function scan(folder, lock) {
  const args = ['scan', '--quiet', '--offline', '--fail-on', 'none', '-o', 'json', folder, ...(lock ? ['--lock', lock] : [])];
  const { stdout, stderr } = spawnSync(plimsoll, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (!stdout) throw new Error(`plimsoll: ${stderr}`);
  return JSON.parse(stdout).artifacts[0];
}

/** Folders' names that are not the package's, packages' own dependencies included. */
const aliases = new Set();

function score(artifact, truth) {
  const there = new Set(truth);
  const nameOf = (id) => id.slice(0, id.lastIndexOf('@'));
  const names = new Set(truth.map(nameOf));
  const seen = artifact.components.filter((c) => c.ecosystem === 'npm');
  const seenNames = new Set(seen.map((c) => c.name));
  const seenIds = new Set(seen.map((c) => `${c.name}@${c.version}`));
  // A bundle knows an aliased package by its folder; which package that is, only a manifest or a lock file tells.
  const known = (name) => names.has(name) || aliases.has(name);
  // What a lock file names and nothing else shows is reported as locked; it is no claim that it is there.
  const claimed = seen.filter((c) => c.evidence.some((e) => e.proof === 'installed' || e.proof === 'inferred'));
  const wrong = claimed.filter((c) => !known(c.name) || (c.version !== null && names.has(c.name) && !there.has(`${c.name}@${c.version}`)));
  return {
    names: [...names].filter((n) => seenNames.has(n)).length / names.size,
    versions: truth.filter((id) => seenIds.has(id)).length / truth.length,
    precision: seen.length ? 1 - wrong.length / seen.length : 1,
    missing: [...names].filter((n) => !seenNames.has(n)),
    unversioned: truth.filter((id) => !seenIds.has(id)),
    wrong: wrong.map((c) => `${c.name}@${c.version}`),
  };
}

/** Of the packages whose fingerprints are known: names found, claims that are true, versions told, and how well. */
function scoreIndexed(artifact, truth, known) {
  const nameOf = (id) => id.slice(0, id.lastIndexOf('@'));
  const names = new Set(truth.map(nameOf));
  const claims = artifact.components.filter((c) => c.ecosystem === 'npm' && c.evidence.some((e) => e.detector === 'js-fingerprint'));
  const claimed = new Set(claims.map((c) => c.name));
  const there = [...names].filter((n) => known.has(n));
  const told = { exact: 0, few: 0, many: 0, none: 0, wrong: 0 };
  const wrong = [];
  for (const id of truth.filter((id) => claimed.has(nameOf(id)))) {
    const sets = claims.filter((c) => c.name === nameOf(id)).map((c) => (c.version ? [c.version] : c.candidates ?? []));
    const version = id.slice(id.lastIndexOf('@') + 1);
    const right = sets.filter((s) => s.includes(version)).map((s) => s.length);
    const best = Math.min(...right);
    if (best === 1) told.exact += 1;
    else if (best <= 3) told.few += 1;
    else if (right.length) told.many += 1;
    else if (sets.some((s) => s.length === 0)) told.none += 1;
    else (told.wrong += 1, wrong.push(`${id} as ${sets.map((s) => s.slice(0, 4))}`));
  }
  const all = Math.max(1, Object.values(told).reduce((a, b) => a + b, 0));
  const f = (n) => n.toFixed(3);
  const truly = [...claimed].filter((n) => names.has(n)).length;
  return {
    line: `${String(there.length).padStart(7)}  ${f(there.filter((n) => claimed.has(n)).length / Math.max(1, there.length))}  ${f(truly / Math.max(1, claimed.size))}      `
      + ['exact', 'few', 'many', 'none', 'wrong'].map((k) => f(told[k] / all)).join('  '),
    wrong: [...claimed].filter((n) => !names.has(n)).concat(wrong),
    missing: there.filter((n) => !claimed.has(n)),
  };
}
if (indexed) {
  const list = execFileSync(plimsoll, ['fingerprints', 'list'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const known = new Set(list.trim().split('\n').map((line) => line.split(' ')[0]));
  console.log(`${'form'.padEnd(20)} indexed  names  precision  exact  2 or 3  more   none   wrong (versions)`);
  let passed = 0;
  for (const { name, named } of FORMS.filter((f) => f.name.includes(only) && !f.named)) {
    const out = path.join(work, set, name.replaceAll(' ', '-'));
    if (named || !fs.existsSync(`${out}.truth.json`)) continue;
    const { line, wrong, missing } = scoreIndexed(scan(out), JSON.parse(fs.readFileSync(`${out}.truth.json`, 'utf8')), known);
    console.log(`${name.padEnd(20)} ${line}`);
    if (verbose) console.log(`  missing: ${missing.join(' ')}\n  wrong: ${wrong.join('; ')}`);
    passed += 1;
  }
  console.log(`${passed} passed, 0 failed`);
  process.exit(passed ? 0 : 1);
}

let app;
const pnpm = path.join(work, set, 'pnpm-app');
try {
  app = install();
} catch (e) {
  console.log(`skipped: bundlers or packages cannot be installed here: ${e.message.slice(0, 300)}`);
  process.exit(0);
}
for (const [folder, { name }] of Object.entries(JSON.parse(fs.readFileSync(path.join(app, 'package-lock.json'), 'utf8')).packages)) {
  if (name && folder) aliases.add(folder.slice(folder.lastIndexOf('node_modules/') + 13));
}
/** Trees as package managers lay them out. What is there by the manager's own list. */
const npmList = () => {
  const { packages } = JSON.parse(fs.readFileSync(path.join(app, 'node_modules/.package-lock.json'), 'utf8'));
  const there = Object.entries(packages).filter(([folder]) => fs.existsSync(path.join(app, folder)));
  return [...new Set(there.map(([folder, { name, version }]) => `${name || folder.slice(folder.lastIndexOf('node_modules/') + 13)}@${version}`))];
};
const copy = (from, out) => {
  for (const f of ['index.js', 'node_modules']) fs.cpSync(path.join(from, f), path.join(out, f), { recursive: true, verbatimSymlinks: true });
};
form('npm tree', true, (_, out) => { copy(app, out); return npmList(); });
form('npm tree, bare', true, (_, out) => {
  copy(app, out);
  const modules = path.join(out, 'node_modules');
  fs.rmSync(path.join(modules, '.package-lock.json'));
  for (const f of fs.readdirSync(modules, { recursive: true })) if (path.basename(f) === 'package.json') fs.rmSync(path.join(modules, f));
  // What holds nothing that Node loads (type declarations, data) is not looked for.
  const loads = (folder) => fs.readdirSync(folder, { recursive: true }).some((f) => /\.([cm]?js|node|wasm)$/.test(f) && !f.includes('node_modules/'));
  const { packages } = JSON.parse(fs.readFileSync(path.join(app, 'node_modules/.package-lock.json'), 'utf8'));
  const there = Object.entries(packages).filter(([folder]) => fs.existsSync(path.join(app, folder)) && loads(path.join(app, folder)));
  return [...new Set(there.map(([folder, { name, version }]) => `${name || folder.slice(folder.lastIndexOf('node_modules/') + 13)}@${version}`))];
});
form('pnpm tree', true, (_, out) => {
  copy(pnpm, out);
  const stored = fs.readdirSync(path.join(pnpm, 'node_modules/.pnpm')).filter((f) => f.includes('@', 1));
  return [...new Set(stored.map((f) => /^(@[^+]+\+)?[^@]+@[^_(]+/.exec(f)[0].replace('+', '/')))];
});
form('yarn pnp', true, (_, out) => {
  for (const f of ['package.json', 'index.js']) fs.copyFileSync(path.join(app, f), path.join(out, f));
  fs.writeFileSync(path.join(out, 'yarn.lock'), '');
  const env = { YARN_ENABLE_GLOBAL_CACHE: '0', YARN_NODE_LINKER: 'pnp', YARN_ENABLE_SCRIPTS: '0', YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
    YARN_NPM_REGISTRY_SERVER: run('npm', ['config', 'get', 'registry'], app).trim().replace(/\/$/, '') };
  run(bin('yarn'), ['install'], out, env);
  const lines = run(bin('yarn'), ['info', '--all', '--recursive', '--json'], out, env).trim().split('\n').map((line) => JSON.parse(line).value);
  for (const f of ['yarn.lock', '.yarn/install-state.gz']) fs.rmSync(path.join(out, f));
  // `nick@virtual:…#npm:real@1.0.0`, `ms@npm:2.0.0`; what is for other systems only is in no cache.
  const cached = fs.readdirSync(path.join(out, '.yarn/cache'));
  const ids = lines.filter((v) => /npm:/.test(v)).map((v) => { const name = v.slice(0, v.indexOf('@', 1)); const r = v.slice(v.lastIndexOf('npm:') + 4); return r.includes('@', 1) ? r : `${name}@${r}`; });
  return [...new Set(ids)].filter((id) => cached.some((f) => f.startsWith(`${id.slice(0, id.lastIndexOf('@')).replace('/', '-')}-npm-${id.slice(id.lastIndexOf('@') + 1)}-`)));
});
form('esbuild pnpm map', true, (_, out) => esbuild(pnpm, out, ['--minify', '--sourcemap']));
let failed = 0;
let scored = 0;
console.log(`${'form'.padEnd(20)} modules'  names  versions  with lock  precision  with lock  components/application/unidentified`);
for (const { name, named, build } of FORMS.filter((f) => f.name.includes(only))) {
  const out = path.join(work, set, name.replaceAll(' ', '-'));
  const list = `${out}.truth.json`;
  if (!fs.existsSync(list)) {
    fs.rmSync(out, { recursive: true, force: true });
    fs.mkdirSync(out, { recursive: true });
    try {
      if (name.includes('pnpm')) installPnpm();
      fs.writeFileSync(list, JSON.stringify(await build(app, out)));
    } catch (e) {
      console.log(`${name.padEnd(20)} not built: ${e.message.slice(0, 300).replaceAll('\n', ' ')}`);
      continue;
    }
  }
  const truth = JSON.parse(fs.readFileSync(list, 'utf8'));
  const root = name.includes('pnpm') ? pnpm : app;
  const lock = path.join(root, name.includes('pnpm') ? 'pnpm-lock.yaml' : 'package-lock.json');
  const artifact = scan(out);
  const alone = score(artifact, truth);
  const locked = score(scan(out, lock), truth);
  const sum = (key) => (artifact.coverage || []).reduce((n, c) => n + c[key], 0);
  const share = ['components', 'application', 'unidentified'].map((key) => `${Math.round((100 * sum(key)) / Math.max(1, sum('bytes')))} %`);
  const figures = [alone.names, alone.versions, locked.versions, alone.precision, locked.precision].map((f) => f.toFixed(3));
  const [n, v, l, p, q] = figures;
  console.log(`${name.padEnd(20)} ${String(truth.length).padStart(8)}  ${n}     ${v}      ${l}      ${p}      ${q}  ${share.join(' / ')}`);
  scored += 1;
  const mark = name.startsWith('ncc') ? 0.9 : 0.99;
  if ((named && (alone.names < mark || locked.versions < mark)) || alone.precision < (named ? 0.98 : 0.85) || locked.precision < 0.98) {
    failed += 1;
    console.log(`  misses its mark: names ${alone.missing.slice(0, 12)}; versions ${locked.unversioned.slice(0, 12)}; wrong ${[...alone.wrong, '|', ...locked.wrong].slice(0, 24)}`);
  } else if (verbose) {
    console.log(`  names missing: ${alone.missing.slice(0, 12)}; wrong: ${alone.wrong}`);
  }
}
console.log(`${scored - failed} passed, ${failed} failed`);
process.exitCode = failed || !scored ? 1 : 0;
