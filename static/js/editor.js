// The sentence of an alert while it is typed: what the server knows of it is put in its places,
// and the year behind it is drawn as a chart once somebody has begun.
import { typed } from "./numbers.js";

const PAUSE = 350, SOON = 400, AGAIN = 1500, TRIES = 8;

const place = (name) => document.getElementById(name);

/** The form's fields that somebody else filled in. */
function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements[name];
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value === "yes";
    else field.value = value;
  }
}

/** What stands on the page stays where it says the same, and where somebody is at it. */
function put(answer) {
  for (const part of answer.querySelectorAll("[data-place]")) {
    const held = place(part.dataset.place);
    if (!held || held.innerHTML.trim() === part.innerHTML.trim()) continue;
    const open = [...held.querySelectorAll("details")].map((details) => details.open);
    const focused = held.contains(document.activeElement) && document.activeElement.name;
    held.replaceChildren(...part.childNodes);
    held.querySelectorAll("details").forEach((details, i) => { details.open = open[i] ?? false; });
    if (focused) (held.querySelector(`[name="${focused}"]`) ?? held.querySelector("button"))?.focus();
  }
}

function markFaults(form) {
  for (const field of form.querySelectorAll(".telling [aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  for (const fault of form.querySelectorAll(".faults [id^='fault-']")) {
    const field = form.elements[fault.id.slice("fault-".length)];
    if (!(field instanceof Element)) continue;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", fault.id);
  }
}

async function asked(address, body, signal) {
  const answer = await fetch(address, { method: "POST", body, signal, redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  const parts = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { parts, more: answer.status === 202 };
}

class Editor {
  constructor(form) {
    this.form = form;
    this.drawn = null;
    this.touched = false; // a page that is only looked at needs no more than what is drawn on it
    this.bars = new Map();
    form.addEventListener("input", (event) => this.heed(event));
    form.addEventListener("change", (event) => this.heed(event));
    form.addEventListener("click", (event) => this.tapped(event));
    if ("pending" in form.dataset) this.later(SOON);
  }

  // A symbol counts when it is whole: half of one is another.
  heed(event) {
    if (event.target.name === "symbol" && event.type === "input") return;
    this.touched = true;
    this.later(event.type === "change" ? 0 : PAUSE);
  }

  tapped(event) {
    const chip = event.target.closest("[data-fill]");
    if (!chip) return;
    event.preventDefault();
    this.take(JSON.parse(chip.dataset.fill));
    this.form.elements.symbol.focus();
    this.form.scrollIntoView({ block: "nearest" });
  }

  take(values) {
    fill(this.form, values);
    this.touched = true;
    this.later(0);
  }

  later(pause, tries = TRIES) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(tries), pause);
  }

  async look(tries) {
    this.turn?.abort();
    const turn = this.turn = new AbortController();
    const past = place("past");
    past.setAttribute("aria-busy", "true");
    try {
      const { parts, more } = await asked(this.form.dataset.look, new FormData(this.form), turn.signal);
      this.show(parts);
      if (more && tries > 0) this.later(AGAIN, tries - 1);
    } catch (error) {
      if (error.name !== "AbortError") this.fail(past);
    } finally {
      if (this.turn === turn) past.removeAttribute("aria-busy");
    }
  }

  // The drawn chart outlives the part that brought it: of the new one only the words are taken.
  show(parts) {
    const figure = parts.querySelector(".past"), held = place("past").querySelector(".past");
    if (this.drawn && figure.dataset.symbol === this.symbol && figure.querySelector(".year")) {
      const words = held.querySelector("figcaption");
      if (words.innerHTML !== figure.querySelector("figcaption").innerHTML) {
        const open = words.querySelector("details")?.open ?? false;
        words.replaceWith(figure.querySelector("figcaption"));
        for (const dates of held.querySelectorAll("details")) dates.open = open;
      }
      for (const name of ["level", "rings"]) {
        if (name in figure.dataset) held.dataset[name] = figure.dataset[name];
        else delete held.dataset[name];
      }
      parts.querySelector("[data-place='past']").remove();
    }
    put(parts);
    markFaults(this.form);
    if (this.touched) this.draw(place("past").querySelector(".past"));
  }

  fail(past) {
    const told = past.querySelector("figcaption");
    if (told) told.textContent = past.dataset.failed;
  }

  async draw(figure) {
    const { symbol, level, rings } = figure.dataset;
    const levels = level ? [{ id: null, price: Number(level), label: "", state: "armed" }] : [];
    const markers = JSON.parse(rings);
    if (this.drawn && this.symbol === symbol) {
      this.drawn.setLevels(levels);
      this.drawn.setMarkers(markers);
    } else if (figure.querySelector(".year")) {
      const bars = await this.barsOf(symbol);
      if (bars && figure.isConnected) await this.redraw(figure, symbol, { bars, levels, markers });
    }
  }

  async redraw(figure, symbol, options) {
    const { drawChart } = await import("./chart.js");
    if (!figure.isConnected) return;
    this.drawn?.remove();
    const canvas = Object.assign(document.createElement("div"), { className: "past-chart" });
    figure.querySelector(".past-box").replaceChildren(canvas);
    this.symbol = symbol;
    const { move, put: set } = place("past").dataset;
    this.drawn = await drawChart(canvas, {
      ...options, texts: { move, place: set }, onLevelDragged: (_, price) => this.drag(price),
    });
  }

  // A level that is dragged is a price, whatever the sentence said before.
  drag(price) {
    const last = this.bars.get(this.symbol).close.at(-1), { kind } = this.form.elements;
    const values = { level: typed(Number(price.toPrecision(6))) };
    if (!kind.value.startsWith("price_")) values.kind = price < last ? "price_falls_to" : "price_rises_to";
    this.take(values);
  }

  async barsOf(symbol) {
    if (!this.bars.has(symbol)) {
      const answer = await fetch(`/api/v1/bars/${encodeURIComponent(symbol)}?range=1y`).catch(() => null);
      const bars = answer?.ok ? await answer.json() : null;
      if (!bars || bars.pending || !bars.times.length) return null;
      this.bars.set(symbol, bars);
    }
    return this.bars.get(symbol);
  }
}

/** Words fill the sentence while they are typed. */
function listen(field, editor) {
  let timer, turn;

  async function ask() {
    turn?.abort();
    turn = new AbortController();
    try {
      const { parts } = await asked(field.dataset.says, new FormData(field.form), turn.signal);
      const said = parts.querySelector("[data-place]");
      const values = said?.dataset.fill;
      put(parts);
      if (values) editor.take(JSON.parse(values));
    } catch { /* The words are still there, and the button sets them. */ }
  }

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
}

for (const form of document.querySelectorAll("form[data-look]")) {
  const editor = new Editor(form);
  for (const field of document.querySelectorAll("[data-says]")) listen(field, editor);
}
