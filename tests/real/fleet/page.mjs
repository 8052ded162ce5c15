// Looks at the inventory's page in a real browser: paint, filter latency, requests, errors, hostile names.
//
//   node page.mjs CHROMIUM PAGE.html [SCREENSHOTS] [URL TOKEN]
import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";
import { join, resolve } from "node:path";

const [executablePath, file, folder, url, token] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
let failed = 0;
const check = (what, ok, figure = "") => {
  console.log(`${ok ? "ok    " : "FAILED"} ${what} ${figure}`);
  if (!ok) failed += 1;
};
// Times are told and never judged: what they are depends on who else is at work on the machine.
const tell = (what, figure) => console.log(`figure ${what}: ${figure}`);
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const looked = async (address, options, allowed) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const seen = { requests: [], errors: [], dialogs: 0 };
  page.on("request", (request) => {
    if (!request.url().startsWith(allowed)) seen.requests.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") seen.errors.push(message.text());
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("dialog", (dialog) => {
    seen.dialogs += 1;
    dialog.dismiss();
  });
  await page.goto(address, { waitUntil: "load" });
  return { context, page, seen };
};

const address = pathToFileURL(resolve(file)).href;
for (const [name, options] of [
  ["light-wide", { viewport: { width: 1280, height: 900 }, colorScheme: "light" }],
  ["dark-wide", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
  ["light-narrow", { viewport: { width: 390, height: 844 }, colorScheme: "light" }],
  ["dark-narrow", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }],
]) {
  const { context, page, seen } = await looked(address, options, address);
  if (name === "light-wide") {
    // A small page is loaded before it is painted, and its first paint is on record only afterwards.
    const painted = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime, null, { timeout: 60000 });
    const paint = await painted.jsonValue();
    const load = await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
    const functions = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).functions.length);
    tell("first paint (asked: under 5 s)", `${paint.toFixed(0)} ms, loaded after ${load.toFixed(0)} ms, ${functions} functions`);

    const filter = (text) =>
      page.evaluate(async (text) => {
        const input = document.querySelector("#functions input");
        const start = performance.now();
        input.value = text;
        input.dispatchEvent(new Event("input"));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
        return { time: performance.now() - start, shown: document.querySelector("#functions .n").textContent, rows: document.querySelectorAll("#functions .all .r").length };
      }, text);
    // Processor time of the page's thread: what somebody else does on this machine is not its latency.
    const cdp = await context.newCDPSession(page);
    await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
    const busy = async () => (await cdp.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value * 1000;
    const first = await filter("f");
    const [times, work] = [[], []];
    for (const text of ["fu", "fun", "func", "function-0000", "package-01", "GHSA", "zzz", ""]) {
      const before = await busy();
      times.push((await filter(text)).time);
      work.push((await busy()) - before);
    }
    const worst = (numbers) => Math.max(...numbers).toFixed(1);
    tell("filter latency (asked: under 100 ms of processor time)", `${median(work).toFixed(1)} ms, worst ${worst(work)} ms; by the clock ${median(times).toFixed(1)} ms, worst ${worst(times)} ms, the first ${first.time.toFixed(1)} ms`);
    const none = await filter("no such function");
    check("nothing matches nothing", none.rows === 0 && none.shown.startsWith("0 of"), none.shown);
    const all = await filter("");
    check("few rows are in the document", all.rows > 0 && all.rows < 100, `${all.rows} rows`);
    await page.evaluate(() => (document.querySelector("#functions .window").scrollTop = 1e9));
    await page.waitForTimeout(100);
    const last = await page.evaluate(() => Math.max(...Array.from(document.querySelectorAll("#functions .all .r"), (row) => Number(row.getAttribute("aria-rowindex")))));
    check("the last row is reached", last === functions + 1, String(last));
    await page.evaluate(() => (document.querySelector("#functions .window").scrollTop = 0));
    await page.click("#functions [data-key=open]");
    await page.waitForTimeout(60);
    await page.click("#functions .all .r >> nth=0");
    check("a function opens", await page.evaluate(() => document.getElementById("detail").open));
    if (folder) await page.screenshot({ path: join(folder, "detail.png") });
    await page.keyboard.press("Escape");
    await page.click("#components [data-key=functions]");
    await page.waitForTimeout(60);
    await page.click("#components .all .r >> nth=0");
    await page.waitForTimeout(60);
    const who = await page.textContent("#functions .n");
    check("a package shows who ships it", /^[\d,]+ of [\d,]+ that ship /.test(who), who);
    await page.keyboard.press("Escape");
    await filter("<img");
    const hostile = await page.evaluate(() => ({
      images: document.querySelectorAll("img, iframe, object, a[href^=javascript]").length,
      scripts: document.querySelectorAll("script").length,
      text: Array.from(document.querySelectorAll("#functions .all .k"), (cell) => cell.textContent).join("\n"),
    }));
    check("hostile names stay text", hostile.images === 0 && hostile.scripts === 2 && hostile.text.includes("<img src=x"), hostile.text.slice(0, 60));
    await filter("");
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  check(`${name}: nothing is wider than the window`, wide);
  check(`${name}: no request leaves it`, seen.requests.length === 0, seen.requests.join(" "));
  check(`${name}: no error, no dialog`, seen.errors.length === 0 && seen.dialogs === 0, seen.errors.join(" "));
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  await context.close();
}

if (url) {
  const headers = { authorization: `Bearer ${token}` };
  const refused = await fetch(url);
  check("served: nobody without the token", refused.status === 401, String(refused.status));
  const posted = await fetch(url, { method: "POST", headers });
  check("served: read-only", posted.status === 405, String(posted.status));
  const data = await (await fetch(`${url}data.json`, { headers })).json();
  check("served: the data behind it", data.schema === "plimsoll/inventory-page/1" && data.functions.length > 0, `${data.functions.length} functions`);
  const { context, page, seen } = await looked(url, { httpCredentials: { username: "anybody", password: token } }, url);
  const rows = await page.evaluate(() => document.querySelectorAll("#functions .all .r").length);
  const refusals = seen.errors.filter((error) => !error.includes("401"));
  check("served: the page, by a browser", rows > 0 && refusals.length === 0 && seen.requests.length === 0, `${rows} rows ${refusals.join(" ")}`);
  await context.close();
}
await browser.close();
process.exit(failed ? 1 : 0);
