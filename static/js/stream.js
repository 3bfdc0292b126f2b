// The one stream of a browser: Server-Sent Events, or questions now and then where those fail.
const LAST = "bellwether-last";
const SILENCE = 50000, PATIENCE = 4000, LONGEST = 60000;

export class Stream {
  #hear;
  #symbols = [];
  #source = null;
  #known = new Map();
  #failures = 0;
  #state = "";
  #timers = {};

  // `hear` has quote(quote), trigger(trigger) and state("live" | "connecting" | "polling" | "offline").
  constructor(hear) {
    this.#hear = hear;
    addEventListener("online", () => this.#source && this.#connect());
  }

  // Follow these symbols from now on; triggers always come.
  follow(symbols) {
    this.#symbols = symbols;
    this.#connect();
  }

  close() {
    this.#source?.close();
    this.#source = null;
    for (const name of Object.keys(this.#timers)) this.#stop(name);
  }

  // What was last heard of a symbol.
  known(symbol) {
    return this.#known.get(symbol);
  }

  #connect() {
    this.close();
    const asked = new URLSearchParams({ symbols: this.#symbols.join(","), after: last() });
    const source = this.#source = new EventSource(`/live?${asked}`);
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#failed(source));
    source.addEventListener("beat", (event) => this.#keep(event));
    source.addEventListener("quotes", (event) => {
      this.#keep(event);
      for (const item of JSON.parse(event.data).items) this.#take(item);
    });
    source.addEventListener("trigger", (event) => {
      this.#keep(event);
      this.#hear.trigger(JSON.parse(event.data));
    });
    this.#start("impatience", () => this.#ask(), PATIENCE);
  }

  #opened() {
    this.#stop("impatience");
    this.#stop("question");
    this.#say("live");
  }

  // Heartbeats come every 15 s; a connection that is silent for longer is gone without a word.
  #keep(event) {
    this.#failures = 0;
    if (event.lastEventId) keepLast(event.lastEventId);
    this.#start("silence", () => this.#connect(), SILENCE);
  }

  #failed(source) {
    const wasLive = this.#state === "live";
    if (wasLive) this.#say("connecting");
    if (source.readyState !== EventSource.CLOSED) {
      if (!this.#timers.question) this.#start("impatience", () => this.#ask(), wasLive ? PATIENCE : 0);
      return;
    }
    this.#failures += 1;
    const wait = Math.min(LONGEST, 1000 * 2 ** this.#failures) * (0.75 + Math.random() / 2);
    this.#start("again", () => this.#connect(), wait);
    if (!this.#timers.question) this.#ask();
  }

  async #ask() {
    const table = document.querySelector("[data-refresh]");
    this.#start("question", () => this.#ask(), 1000 * Number(table?.dataset.refresh ?? 30));
    if (!this.#symbols.length) return;
    const asked = this.#source;
    try {
      const answer = await fetch(`/api/v1/quotes?symbols=${encodeURIComponent(this.#symbols)}`);
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(answer.statusText);
      const { items, missing } = await answer.json();
      if (this.#source !== asked) return;
      for (const item of items) this.#take(item);
      for (const symbol of missing) this.#take({ symbol, missing: true });
      this.#say("polling");
    } catch {
      if (this.#source === asked) this.#say("offline");
    }
  }

  // An item holds what has changed of a quote, all of it or only when it was last looked at.
  #take(item) {
    const quote = { ...this.#known.get(item.symbol), missing: false, ...item };
    this.#known.set(item.symbol, quote);
    if (quote.price !== undefined || quote.missing) this.#hear.quote(quote);
  }

  #say(state) {
    this.#state = state;
    this.#hear.state(state);
  }

  #start(name, act, after) {
    this.#stop(name);
    this.#timers[name] = setTimeout(() => { delete this.#timers[name]; act(); }, after);
  }

  #stop(name) {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }
}

// Kept between pages, so that what rings while one is left and the next loads is told there.
function last() {
  try { return localStorage.getItem(LAST) ?? ""; } catch { return ""; }
}

function keepLast(id) {
  try { localStorage.setItem(LAST, id); } catch { /* kept nowhere: this page goes on without */ }
}
