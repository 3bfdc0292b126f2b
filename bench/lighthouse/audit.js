// Audits the pages named in the file of the first argument; prints what was found as JSON.
// Lighthouse's own settings for mobile: a slow phone on a slow network, simulated.
import { readFileSync, writeFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const [, , wanted, reports] = process.argv;
const { pages, chromium } = JSON.parse(readFileSync(wanted, "utf8"));
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];

function kilobytes(requests) {
  return requests.reduce((sum, one) => sum + one.transferSize, 0) / 1024;
}

function isOfChart(url) {
  return url.includes("/vendor/lightweight-charts/");
}

function scores({ categories }) {
  return Object.fromEntries(
    CATEGORIES.map((name) => [name, Math.round(100 * categories[name].score)]),
  );
}

// What keeps a category below 100.
function faults({ audits, categories }) {
  return CATEGORIES.flatMap((name) =>
    categories[name].auditRefs
      .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9)
      .map(({ id }) => `${name}: ${audits[id].title} (${id})`),
  );
}

async function audit({ name, address, cookie }, port) {
  const { lhr } = await lighthouse(address, {
    port,
    output: "json",
    logLevel: "error",
    onlyCategories: CATEGORIES,
    extraHeaders: cookie ? { Cookie: cookie } : {},
  });
  writeFileSync(`${reports}/${name}.json`, JSON.stringify(lhr));
  const { audits } = lhr;
  const requests = audits["network-requests"].details.items;
  return {
    name,
    shown: lhr.finalDisplayedUrl,
    scores: scores(lhr),
    largest_paint_seconds: audits["largest-contentful-paint"].numericValue / 1000,
    layout_shift: audits["cumulative-layout-shift"].numericValue,
    kilobytes: kilobytes(requests),
    script_kilobytes: kilobytes(
      requests.filter(({ resourceType, url }) => resourceType === "Script" && !isOfChart(url)),
    ),
    has_chart: requests.some(({ url }) => isOfChart(url)),
    requests: requests.length,
    faults: faults(lhr),
    trouble: lhr.runtimeError?.message ?? "",
  };
}

const found = [];
for (const page of pages) {
  // A new browser each, so that nothing is in its cache.
  const chrome = await launch({
    chromePath: chromium,
    chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"],
  });
  try {
    found.push(await audit(page, chrome.port));
  } finally {
    await chrome.kill();
  }
}
console.log(JSON.stringify(found));
