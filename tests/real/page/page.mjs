// Opens the HTML report in a real browser: filter, sort, print view, hostile names, no request, no error on the console.
//
//   node tests/real/page/page.mjs [--plimsoll PATH] [--shots FOLDER]
//
// Needs Chromium (Debian's package `chromium`, which it installs where it may, or CHROMIUM=/path/to/it) and npm's registry for
// the driver, and says that it skips where one is missing. Every page is opened light and wide, and dark and narrow; the hostile one the other ways too.
// --shots keeps pictures of the page, light and dark, wide and narrow, and as printed.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const skip = (why) => {
  console.log(`skipped: ${why}; the page was not opened in a browser`);
  process.exit(0);
};
const plimsoll = path.resolve(option('plimsoll', 'target/release/plimsoll'));
const work = process.env.PLIMSOLL_REAL || path.join(os.tmpdir(), 'plimsoll-real-page');
const shots = option('shots', '') && path.resolve(option('shots', ''));
for (const folder of [work, shots].filter(Boolean)) fs.mkdirSync(folder, { recursive: true });

const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = () => places.find((place) => place && fs.existsSync(place));
if (!found() && process.getuid?.() === 0 && fs.existsSync('/usr/bin/apt-get')) {
  const quiet = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update'], quiet);
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], quiet);
}
const browserPath = found();
if (!browserPath) skip('no Chromium here (apt-get install chromium)');
fs.copyFileSync(path.join(here, 'package.json'), path.join(work, 'package.json'));
if (!fs.existsSync(path.join(work, 'node_modules/playwright-core'))) {
  const done = spawnSync('npm', ['install', '--silent', '--no-audit', '--no-fund'], { cwd: work, stdio: 'inherit' });
  if (done.status !== 0) skip('no playwright-core from npm');
}
const { chromium } = createRequire(path.join(work, 'package.json'))('playwright-core');

/** An artifact as a folder: names, versions and licences that would do harm as markup, and packages with known flaws. */
const hostile = path.join(work, 'hostile');
fs.rmSync(hostile, { recursive: true, force: true });
const evil = '<img src=x onerror="document.title=\'owned\'">';
const install = (folder, manifest) => {
  const at = path.join(hostile, 'node_modules', folder);
  fs.mkdirSync(at, { recursive: true });
  fs.writeFileSync(path.join(at, 'package.json'), JSON.stringify(manifest));
};
install('evil', { name: evil, version: '</script><script>document.title="owned"</script>', license: `${evil} ${'x'.repeat(300)}`, author: evil });
install('link', { name: '"><a href="javascript:document.title=1">x</a>', version: '1.0.0\u202e', license: '\u2028MIT' });
for (const [name, version] of [['minimist', '1.2.5'], ['lodash', '4.17.20'], ['axios', '0.21.0'], ['ms', '2.1.3'], ['Zed', '10.0.0'], ['@scope/name', '9.0.0']]) install(name, { name, version });
fs.writeFileSync(path.join(hostile, 'archive.zip'), 'PK\u0003\u0004 broken');

const pages = [['hostile', hostile]];
const corpus = path.join(process.env.PLIMSOLL_SHARED || path.join(here, '../../../../shared'), 'corpus');
for (const name of ['node-modules', 'py-slim']) {
  const zip = path.join(corpus, `${name}.zip`);
  if (fs.existsSync(zip)) pages.push([name, zip]);
}
// A long list: what is out of sight is laid out later.
const many = path.join(work, 'many');
if (!fs.existsSync(many)) {
  for (let i = 0; i < 1500; i += 1) {
    const at = path.join(many, 'node_modules', `package-${i}`);
    fs.mkdirSync(at, { recursive: true });
    fs.writeFileSync(path.join(at, 'package.json'), JSON.stringify({ name: `package-${i}`, version: `${i % 7}.${i % 10}.0` }));
  }
}
pages.push(['many', many]);

let passed = 0;
const failures = [];
const expect = (what, good, got) => {
  if (good) passed += 1;
  else {
    failures.push(what);
    console.log(`  failed: ${what}${got === undefined ? '' : `: ${JSON.stringify(got)}`}`);
  }
};

const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  for (const [name, artifact] of pages) {
    const file = path.join(work, `${name}.html`);
    const run = spawnSync(plimsoll, ['scan', '--offline', '--advisories', 'embedded', '--no-policy', '--quiet', '-o', `html=${file}`, artifact], { env: { ...process.env, SOURCE_DATE_EPOCH: '1795305600' } });
    expect(`${name}: a report is written`, fs.existsSync(file), run.stderr.toString());
    await examine(name, pathToFileURL(file).href);
  }
} finally {
  await browser.close();
}
if (shots) console.log(`pictures: ${shots}`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);

async function examine(name, url) {
  const ways = [[1280, 'light'], [390, 'dark']];
  if (name === 'hostile') ways.push([1280, 'dark'], [390, 'light']);
  for (const [width, scheme] of ways) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
    const page = await context.newPage();
    const said = [];
    const asked = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    page.on('dialog', (dialog) => { said.push('a dialog'); dialog.dismiss(); });
    await page.goto(url);
    const about = `${name}, ${width} wide, ${scheme}`;

    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(`${about}: nothing is wider than the page`, overflow <= 0, overflow);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).map(Number));
    expect(`${about}: the ground is ${scheme}`, (ground[0] > 128) === (scheme === 'light'), ground);
    if (shots) await page.screenshot({ path: path.join(shots, `${name}-${width}-${scheme}.png`), fullPage: name !== 'many' });
    await page.click('#theme');
    const other = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    expect(`${about}: the button turns it`, (other[0] > 128) !== (scheme === 'light'), other);

    await filterAndSort(page, about, width);
    expect(`${about}: nothing is asked for but the page`, asked.length === 1 && asked[0] === url, asked);
    expect(`${about}: nothing is said on the console`, said.length === 0, said);
    const title = await page.title();
    expect(`${about}: no hostile text was carried out`, title.endsWith('· plimsoll'), title);
    if (width === 1280 && scheme === 'light') await printed(page, name, about);
    await context.close();
  }
}

async function filterAndSort(page, about, width) {
  const rows = (section) => page.locator(`#${section} .r:not(.h)`);
  const visible = async (section) => page.locator(`#${section} .r:not(.h):not([hidden])`).count();
  const all = await visible('components');
  const first = await rows('components').first().locator('.k').first().innerText();
  await page.fill('#components input[type=search]', first.toLowerCase().slice(0, 40));
  await page.waitForTimeout(100);
  const left = await visible('components');
  expect(`${about}: a filter leaves some of ${all}`, left >= 1 && (left < all || all === 1), left);
  await page.fill('#components input[type=search]', 'no such package anywhere');
  await page.waitForTimeout(100);
  expect(`${about}: a filter that nothing matches leaves nothing`, (await visible('components')) === 0);
  await page.fill('#components input[type=search]', '');
  await page.waitForTimeout(100);
  expect(`${about}: without a filter all are back`, (await visible('components')) === all);

  const chips = page.locator('#findings [data-chip]');
  if ((await chips.count()) > 1) {
    const chip = await chips.first().getAttribute('data-chip');
    await chips.first().click();
    await page.waitForTimeout(100);
    const kinds = await page.locator('#findings .r:not(.h):not([hidden])').evaluateAll((found) => found.map((row) => row.dataset.k));
    expect(`${about}: a chip leaves its kind alone`, kinds.length > 0 && kinds.every((kind) => kind === chip), kinds);
    await chips.first().click();
  }
  if (width < 900) return;
  const names = () => page.locator('#components .r:not(.h) .k').evaluateAll((found) => found.map((cell) => cell.closest('[role=cell]').textContent.trim()));
  const before = await names();
  const button = page.locator('#components .h button').first();
  await button.click();
  const up = await names();
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' }).compare;
  expect(`${about}: sorted upward`, up.every((text, i) => i === 0 || order(up[i - 1], text) <= 0), up.slice(0, 5));
  await button.click();
  const down = await names();
  expect(`${about}: sorted downward`, down.every((text, i) => i === 0 || order(down[i - 1], text) >= 0), down.slice(0, 5));
  await button.click();
  expect(`${about}: in its own order again`, JSON.stringify(await names()) === JSON.stringify(before));
}

async function printed(page, name, about) {
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(`${about}: paper is white`, ground === 'rgb(255, 255, 255)', ground);
  const tools = await page.evaluate(() => getComputedStyle(document.querySelector('.tools')).display);
  expect(`${about}: tools are not printed`, tools === 'none', tools);
  const pdf = path.join(shots || work, `${name}.pdf`);
  await page.pdf({ path: pdf, format: 'A4' });
  const size = fs.statSync(pdf).size;
  expect(`${about}: there is something on paper`, size > 10_000, size);
  if (shots && name !== 'many') await page.screenshot({ path: path.join(shots, `${name}-print.png`), fullPage: true });
}
