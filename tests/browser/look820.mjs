// Opens a page in Chromium at each width, light and dark, and prints as JSON what a person or a tool would object to.
// node look.mjs NODE_MODULES CHROMIUM FOLDER URL; the screenshots go to FOLDER.
import { createRequire } from "node:module";

const [modules, chromium, folder, url] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const puppeteer = require("puppeteer-core");
const axe = require.resolve("axe-core/axe.min.js");
const WIDTHS = [390, 820, 1600];

const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const found = [];
for (const width of WIDTHS) {
  for (const scheme of ["light", "dark"]) {
    found.push(await look(width, scheme));
  }
}
const page = await browser.newPage();
await page.goto(url);
await page.pdf({ path: `${folder}/print.pdf`, format: "A4" });
await browser.close();
console.log(JSON.stringify(found));

async function look(width, scheme) {
  const page = await browser.newPage();
  const messages = [], requests = [];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(url, { waitUntil: "load" });
  await page.screenshot({ path: `${folder}/${width}-${scheme}.png`, fullPage: true });
  await open(page);
  await page.screenshot({ path: `${folder}/${width}-${scheme}-open.png`, fullPage: true });
  const overflows = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  const requested = requests.filter((one) => one !== url && !one.startsWith("data:"));
  const said = [...messages];
  // only now, as the policy of the page lets no script in
  await page.setBypassCSP(true);
  await page.reload({ waitUntil: "load" });
  await open(page);
  await page.addScriptTag({ path: axe });
  const result = await page.evaluate(() => window.axe.run());
  const violations = result.violations.map(
    (one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.target).join(" ")}`,
  );
  await page.close();
  return { width, scheme, messages: said, requests: requested, overflows, violations };
}

async function open(page) {
  await page.evaluate(async () => {
    document.querySelectorAll("details").forEach((one) => { one.open = true; });
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  });
}
