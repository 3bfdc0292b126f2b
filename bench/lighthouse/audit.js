// Audits the pages named in the file of the first argument; prints what was found as JSON.
// Lighthouse's own settings for mobile: a slow phone on a slow network, simulated.
import { readFileSync, writeFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const [, , wanted, reports] = process.argv;
const { pages, chromium, runs } = JSON.parse(readFileSync(wanted, "utf8"));
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
  const requests = audits["network-requests"].details?.items ?? [];
  return {
    name,
    shown: lhr.finalDisplayedUrl,
    scores: scores(lhr),
    largest_paint_seconds: (audits["largest-contentful-paint"].numericValue ?? 1e6) / 1000,
    layout_shift: audits["cumulative-layout-shift"].numericValue ?? 1,
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

// In a new browser, so that nothing is in its cache.
async function auditAnew(page) {
  const chrome = await launch({
    chromePath: chromium,
    chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"],
  });
  try {
    return await audit(page, chrome.port);
  } finally {
    await chrome.kill();
  }
}

// The middle one by performance; a run in which the browser saw no page counts as the worst.
function middle(results) {
  const ordered = [...results].sort((a, b) => a.scores.performance - b.scores.performance);
  return ordered[Math.floor(ordered.length / 2)];
}

const found = [];
for (const page of pages) {
  const results = [];
  for (let run = 0; run < runs; run += 1) results.push(await auditAnew(page));
  const all = results.map(({ scores }) => scores.performance);
  found.push({ ...middle(results), performance_of_runs: all });
}
console.log(JSON.stringify(found));
