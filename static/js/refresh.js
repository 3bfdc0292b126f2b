// Newer quotes in place, while the page is seen.
import { glance, percent, price, span, trend, volume } from "./numbers.js";

const MARKS = { up: "▲", down: "▼", flat: "■" };
const HOURS = { pre: "pre-market", post: "after hours", closed: "closed" };

export function refresh(table) {
  const every = Number(table.dataset.refresh) * 1000;
  const address = `/api/v1/quotes?symbols=${encodeURIComponent(table.dataset.symbols)}`;
  const offline = document.getElementById("offline");

  async function ask() {
    if (document.hidden) return;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(answer.statusText);
      const { items, missing } = await answer.json();
      offline.textContent = "";
      for (const quote of items) show(table, quote);
      for (const symbol of missing) if (row(table, symbol)?.querySelector(".pending")) location.reload();
    } catch {
      offline.textContent = "· No connection; these are the last known quotes.";
    }
  }

  setInterval(ask, every);
  setInterval(() => ages(table), 10000);
  document.addEventListener("visibilitychange", ask);
  if (table.querySelector(".pending")) setTimeout(ask, 1500);
}

const row = (table, symbol) => table.querySelector(`tr[data-symbol="${CSS.escape(symbol)}"]`);

function show(table, quote) {
  const line = row(table, quote.symbol);
  if (!line) return;
  if (line.querySelector(".pending")) return location.reload();
  write(line, "[data-price]", glance(quote.price), true);
  writeChange(line.querySelector("[data-change]"), quote.change_percent);
  write(line, "[data-low]", quote.day_low && price(quote.day_low));
  write(line, "[data-high]", quote.day_high && price(quote.day_high));
  write(line, "[data-volume]", quote.volume && volume(quote.volume));
  const share = (quote.price - quote.day_low) / (quote.day_high - quote.day_low);
  if (Number.isFinite(share)) {
    line.querySelector("[data-place]")?.setAttribute("cx", `${100 * Math.min(1, Math.max(0, share))}%`);
  }
  const late = quote.stale && quote.age_seconds >= 60;
  line.classList.toggle("stale", late);
  line.querySelector(".late").hidden = !late;
  line.querySelector("[data-market]").textContent = HOURS[quote.market_state] ?? "";
  line.querySelector("[data-age]").dateTime = quote.fetched_at;
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
  const shown = cell.querySelector(".change");
  if (value === null || !shown) return;
  const way = trend(value);
  shown.className = `change ${way}`;
  shown.replaceChildren(shown.firstElementChild, percent(value));
  shown.firstElementChild.textContent = MARKS[way];
}

function ages(table) {
  for (const time of table.querySelectorAll("[data-age]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const text = seconds < 60 ? "now" : span(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
}
