// Live prices and triggers for any part of a page. Of all tabs that are seen, one holds the
// stream (a web lock says which) and tells the others; while none is seen there is no stream.
//
//   const following = live({ symbols: ["AAPL"], onQuote, onTrigger, onState });
//   following.want(["AAPL", "MSFT"]);   // other symbols from now on
//   following.end();
//
// onQuote gets a quote as /api/v1/quotes gives it, or { symbol, missing: true }; onTrigger
// { id, alert_id, symbol, ... }; onState "live", "connecting", "polling" or "offline".
import { Stream } from "./stream.js";

const NAME = "bellwether-live";
const MOST = 100, SETTLED = 400, FIRST = 80;
const parts = new Set();
const me = `${Date.now()}-${Math.random()}`;
const wishes = new Map();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(NAME) : null;
let stream = null, leaving = null, followed = null, settling = 0, state = "";

export function live({ symbols = [], onQuote, onTrigger, onState }) {
  const part = { symbols: new Set(symbols), onQuote, onTrigger, onState };
  parts.add(part);
  join();
  changed();
  if (state) onState?.(state);
  return {
    want(wanted) { part.symbols = new Set(wanted); changed(); },
    end() { parts.delete(part); changed(); },
  };
}

const hear = {
  quote(quote) {
    for (const part of parts) if (part.symbols.has(quote.symbol)) part.onQuote?.(quote);
  },
  trigger(trigger) {
    for (const part of parts) part.onTrigger?.(trigger);
  },
  state(now) {
    if (state === now) return;
    state = now;
    for (const part of parts) part.onState?.(now);
  },
};

// Tell this tab and all others.
const tell = Object.fromEntries(
  Object.keys(hear).map((kind) => [kind, (value) => {
    hear[kind](value);
    channel?.postMessage({ kind, value });
  }]),
);

const mine = () => [...new Set([...parts].flatMap((part) => [...part.symbols]))];

function changed() {
  clearTimeout(settling);
  settling = setTimeout(() => {
    if (stream) follow();
    else if (leaving) channel?.postMessage({ kind: "want", tab: me, symbols: mine() });
  }, followed ? SETTLED : FIRST);
}

// What is followed already is enough, unless it has become much more than is wanted.
function follow() {
  const wanted = [...new Set([...mine(), ...[...wishes.values()].flat()])].slice(0, MOST);
  const enough = followed && wanted.every((symbol) => followed.has(symbol));
  if (enough && followed.size <= 2 * wanted.length + 10) return;
  followed = new Set(wanted);
  stream.follow(wanted);
}

function join() {
  if (leaving || document.hidden) return;
  leaving = new AbortController();
  const { signal } = leaving;
  if (!navigator.locks || !channel) return lead(signal);
  navigator.locks.request(NAME, { signal }, () => lead(signal)).catch((error) => {
    if (error.name !== "AbortError") throw error;
  });
  channel.postMessage({ kind: "want", tab: me, symbols: mine() });
}

// Lasts as long as the tab holds the stream.
function lead(signal) {
  if (signal.aborted) return;
  stream = new Stream(tell);
  wishes.clear();
  followed = null;
  channel?.postMessage({ kind: "who" });
  changed();
  return new Promise((done) => signal.addEventListener("abort", () => {
    stream.close();
    stream = followed = null;
    done();
  }));
}

function leave() {
  leaving?.abort();
  leaving = null;
  channel?.postMessage({ kind: "bye", tab: me });
}

const answers = {
  ...hear,
  who: () => leaving && changed(),
  want({ tab, symbols }) {
    if (!stream) return;
    wishes.set(tab, symbols);
    for (const symbol of symbols) if (stream.known(symbol)) tell.quote(stream.known(symbol));
    if (state) channel.postMessage({ kind: "state", value: state });
    changed();
  },
  bye: ({ tab }) => wishes.delete(tab) && changed(),
};

channel?.addEventListener("message", ({ data }) => {
  if (data.kind in hear) { if (leaving && !stream) hear[data.kind](data.value); }
  else answers[data.kind]?.(data);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave();
  else if (parts.size) { join(); changed(); }
});
addEventListener("pagehide", leave);
addEventListener("pageshow", ({ persisted }) => { if (persisted && parts.size) { join(); changed(); } });
