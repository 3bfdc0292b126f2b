// The page of a symbol: the chart in place of its still, ranges without a new page, and news of
// all parts while the page is seen.
import { live } from "./live.js";
import { percent, price, trend, typed } from "./numbers.js";

const RETRIES = 20, SOON = 2000;
const MARKS = { up: "▲", down: "▼", flat: "■" };
const box = document.querySelector("[data-chart]");
const waiting = document.querySelector("[data-waiting]");
const PARTS = "[data-part]";
let chart = null, range = box?.dataset.range, tries = RETRIES;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const afterPaint = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
const partsOf = (data) => ({ levels: JSON.parse(data.levels), markers: JSON.parse(data.markers) });

async function barsOf(name) {
  for (let turn = 0; turn < RETRIES; turn += 1) {
    const answer = await fetch(`${box.dataset.bars}?range=${name}`, { headers: { Accept: "application/json" } });
    if (!answer.ok && answer.status !== 503) throw new Error(answer.statusText);
    const bars = answer.ok ? await answer.json() : { pending: true };
    if (!bars.pending) return bars;
    await pause(1000 * Number(answer.headers.get("Retry-After") ?? 1));
  }
  throw new Error("pending");
}

function dropped(level, price) {
  const asked = `level=${encodeURIComponent(typed(price))}`;
  location.assign(level ? `${box.dataset.alerts}/${level.id}/edit?${asked}` : `${box.dataset.drop}?${asked}`);
}

const ticked = () =>
  [...document.querySelectorAll("[data-averages] input:checked")].map(({ value }) => Number(value));

async function draw() {
  const [{ drawChart }, bars] = await Promise.all([import("./chart.js"), barsOf(range)]);
  if (!bars.close.length) return;
  chart = await drawChart(box, {
    bars, currency: bars.currency, ...partsOf(box.dataset),
    averages: ticked(), onLevelDragged: dropped, timeZone: box.dataset.zone,
    texts: { move: box.dataset.move, place: box.dataset.place },
  });
  box.classList.add("drawn");
  showAverages(bars);
}

function showAverages(bars) {
  const toggles = document.querySelector("[data-averages]");
  toggles.classList.toggle("unready", !bars.averages.length);
  for (const tick of toggles.querySelectorAll("input")) {
    const average = bars.averages.find(({ days }) => days === Number(tick.value));
    tick.disabled = !average?.values.some((value) => value !== null);
  }
}

/** Put the parts of a newer page in the place of those shown, but the one that is in use. */
function swap(page) {
  for (const part of page.querySelectorAll(PARTS)) {
    const shown = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!shown || shown.contains(document.activeElement) || shown.innerHTML === part.innerHTML) continue;
    const open = shown.querySelector("details[open]");
    shown.replaceWith(part);
    if (open) part.querySelector("details")?.setAttribute("open", "");
  }
}

async function pageAt(address) {
  const answer = await fetch(address);
  if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function choose(link) {
  range = link.dataset.range;
  const wanted = range;
  box.setAttribute("aria-busy", "true");
  const [page, bars] = await Promise.all([pageAt(link.href), barsOf(wanted)]);
  if (wanted !== range) return;
  history.replaceState(null, "", link.href);
  document.activeElement.blur();
  swap(page);
  document.querySelector(`[data-range="${wanted}"]`)?.focus();
  update(page, bars);
  box.removeAttribute("aria-busy");
}

function update(page, bars) {
  const { dataset } = page.querySelector("[data-chart]");
  chart?.setBars(bars, partsOf(dataset));
  showAverages(bars);
  askAgain(dataset);
}

// What workers still fetch is there soon.
function askAgain({ pending }) {
  if (pending && tries > 0) setTimeout(() => renew().catch(() => {}), SOON);
  tries -= 1;
}

async function renew() {
  if (document.hidden || chart?.busy) return;
  const [page, bars] = await Promise.all([pageAt(location.href), barsOf(range)]);
  if (chart?.busy) return;
  swap(page);
  update(page, bars);
}

function show(quote) {
  const head = document.querySelector("[data-part='head']");
  if (quote.missing || !head) return;
  head.querySelector("[data-price]").textContent = price(quote.price);
  const change = head.querySelector(".symbol-price .change");
  if (change && quote.change_percent !== null) {
    const way = trend(quote.change_percent);
    change.className = `change ${way}`;
    change.replaceChildren(change.firstElementChild, percent(quote.change_percent));
    change.firstElementChild.textContent = MARKS[way];
  }
  const read = head.querySelector("[data-just-now]");
  if (Date.now() - Date.parse(quote.fetched_at) < 60000) read.textContent = read.dataset.justNow;
  read.dateTime = quote.fetched_at;
  chart?.tick(quote);
}

function start() {
  const trouble = box.querySelector("[data-trouble]");
  const tell = () => {
    trouble.textContent = trouble.dataset.trouble;
    trouble.hidden = Boolean(chart);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-range]");
    if (!link || !chart || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose(link).catch(() => location.assign(link.href));
  });
  document.querySelector("[data-averages]").addEventListener("change", () => chart?.showAverages(ticked()));
  afterPaint().then(draw).catch(tell).then(() => askAgain(box.dataset));
  live({
    symbols: [box.dataset.symbol],
    onQuote: show,
    onTrigger: ({ symbol }) => symbol === box.dataset.symbol && renew().catch(tell),
  });
  setInterval(() => renew().catch(tell), Math.max(15, Number(box.dataset.refreshSeconds)) * 1000);
}

if (box) start();
if (waiting) setTimeout(() => location.reload(), 3000);
