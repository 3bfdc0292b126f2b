// A watchlist: rows that can be moved, drawings that come later, markets that open and close.
import { reorder } from "./reorder.js";

const SOON_MS = [2500, 6000, 15000];
const AFTER_MS = 60_000;
const LONGEST_MS = 2 ** 31 - 1;

for (const list of document.querySelectorAll("[data-reorder]")) reorder(list);

// A menu's tick or choice needs no button.
for (const form of document.querySelectorAll(".view")) {
  form.querySelector("select").addEventListener("change", () => form.requestSubmit());
}

// A column of symbols becomes one line.
document.getElementById("symbol")?.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text");
  if (!/[\n\t]/.test(text.trim())) return;
  event.preventDefault();
  event.target.setRangeText(text.trim().split(/[\n\r\t]+/).join(", "), event.target.selectionStart, event.target.selectionEnd, "end");
  event.target.dispatchEvent(new Event("input", { bubbles: true }));
});

// What only the server can draw is taken from the page as it is now.
async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html");
  const markets = now.getElementById("markets");
  if (markets) document.getElementById("markets")?.replaceWith(markets);
  for (const cell of document.querySelectorAll("[data-spark]")) {
    const row = now.getElementById(cell.parentElement.id);
    const drawn = row?.querySelector("[data-spark]");
    if (drawn?.firstElementChild) cell.replaceChildren(...drawn.children);
  }
}

const isUndrawn = () => [...document.querySelectorAll("[data-row]")].some(
  (row) => row.querySelector("[data-price]") && row.querySelector("[data-spark]")?.matches(":empty"),
);
const attempt = () => renew().catch(() => {});  // the next one comes; being offline is told elsewhere

for (const after of SOON_MS) setTimeout(() => isUndrawn() && attempt(), after);

function awaitBell() {
  const changes = [...document.querySelectorAll("#markets [data-until]")]
    .map((place) => Date.parse(place.dataset.until) + AFTER_MS - Date.now());
  if (!changes.length) return;
  const wait = Math.min(LONGEST_MS, Math.max(AFTER_MS, ...[Math.min(...changes)]));
  setTimeout(() => attempt().then(awaitBell), wait);
}
awaitBell();
document.addEventListener("visibilitychange", () => {
  const isOver = [...document.querySelectorAll("#markets [data-until]")].some((place) => Date.parse(place.dataset.until) < Date.now());
  if (!document.hidden && isOver) attempt();
});
