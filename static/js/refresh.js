// Newer quotes in the rows that are seen, in place.
import { live } from "./live.js";
import { glance, percent, span, trend, volume } from "./numbers.js";

const MARKS = { up: "▲", down: "▼", flat: "■" };
const AGES_TICK = 10000;

export function refresh(table) {
  const seen = new Set();
  let following = null;
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target.dataset.symbol);
      else seen.delete(target.dataset.symbol);
    }
    if (following) return following.want(seen);
    following = live({
      symbols: seen,
      onQuote: (quote) => show(table, quote),
      onState: (state) => tell(state),
    });
  }, { rootMargin: "50% 0px" });
  for (const line of table.querySelectorAll("[data-symbol]")) watch.observe(line);
  ages(table);
  setInterval(() => ages(table), AGES_TICK);
}

// What is said of the connection stands in the page; nothing is said of one that works.
function tell(state) {
  const place = document.getElementById("offline");
  if (place) place.textContent = place.dataset[state] ?? "";
}

const row = (table, symbol) => table.querySelector(`[data-symbol="${CSS.escape(symbol)}"]`);

function show(table, quote) {
  const line = row(table, quote.symbol);
  if (!line) return;
  if (line.querySelector(".pending")) return location.reload();
  if (quote.price === undefined) return;
  write(line, "[data-price]", glance(quote.price), true);
  writeChange(line.querySelector("[data-change]"), quote.change_percent);
  write(line, "[data-low]", quote.day_low && glance(quote.day_low));
  write(line, "[data-high]", quote.day_high && glance(quote.day_high));
  write(line, "[data-volume]", quote.volume && volume(quote.volume));
  const share = (quote.price - quote.day_low) / (quote.day_high - quote.day_low);
  if (Number.isFinite(share)) {
    line.querySelector("[data-place]")?.setAttribute("cx", `${100 * Math.min(1, Math.max(0, share))}%`);
  }
  const age = line.querySelector("[data-age]");
  if (age) age.dateTime = quote.fetched_at;
  writeAge(age);
  const late = Boolean(quote.stale && secondsSince(age) >= 60);
  line.classList.toggle("stale", late);
  const mark = line.querySelector(".late");
  if (mark) mark.hidden = !late;
  writeMarket(line.querySelector("[data-market]"), table, quote.market_state);
}

function write(line, where, text, flash = false) {
  const target = line.querySelector(where);
  if (!target || !text || target.textContent.trim() === text) return;
  target.textContent = text;
  if (flash) {
    target.classList.remove("changed");
    void target.offsetWidth;
    target.classList.add("changed");
  }
}

function writeChange(cell, value) {
  const shown = cell?.querySelector(".change");
  if (value === null || value === undefined || !shown) return;
  const way = trend(value);
  shown.className = `change ${way}`;
  shown.replaceChildren(shown.firstElementChild, percent(value));
  shown.firstElementChild.textContent = MARKS[way];
}

// The page says how the market stands when it is loaded; from then on, what changes.
function writeMarket(place, table, state) {
  if (!place) return;
  const before = place.dataset.state;
  place.dataset.state = state;
  if (before && before !== state) place.textContent = table.getAttribute(`data-market-${state}`) ?? "";
}

const secondsSince = (time) => (time ? (Date.now() - Date.parse(time.dateTime)) / 1000 : 0);

function writeAge(time) {
  if (!time) return;
  const seconds = secondsSince(time);
  const now = time.closest("[data-now]")?.dataset.now ?? "";
  const text = seconds < 60 && now ? now : span(seconds);
  if (time.textContent !== text) time.textContent = text;
}

function ages(table) {
  for (const time of table.querySelectorAll("[data-age]")) writeAge(time);
}
