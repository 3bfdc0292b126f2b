// The levels of a chart: a line each, and a handle at its right end by which it is dragged, with a
// pointer or a finger, or moved with the arrow keys. One more handle waits at the last price.
const STEP = 0.005; // of the price, for each press of an arrow key
const FAR = 4;
const WIDE = 34, HIGH = 26; // of a handle, with the room around it

export function mountHandles(drawn) {
  const layer = document.createElement("div");
  layer.className = "chart-handles";
  drawn.element.append(layer);
  const pane = { drawn, layer };
  let handles = [];

  return {
    set(levels) {
      for (const handle of handles) handle.remove();
      const isSetting = levels.some(({ id }) => id === null);
      const offersNew = drawn.options.onLevelDragged && drawn.bars.close.length && !isSetting;
      handles = [...(offersNew ? [null] : []), ...levels].map((level) => new Handle(pane, level));
    },
    place() {
      const placed = [];
      for (const handle of handles) {
        const y = handle.y();
        const near = placed.filter((other) => Math.abs(other.y - y) < HIGH).map(({ lane }) => lane);
        let lane = 0;
        while (near.includes(lane)) lane += 1;
        handle.place(y, lane);
        if (y !== null) placed.push({ y, lane });
      }
    },
    recolour: () => handles.forEach((handle) => handle.recolour()),
    remove: () => layer.remove(),
  };
}

class Handle {
  constructor(pane, level) {
    this.drawn = pane.drawn;
    this.level = level;
    this.price = level?.price ?? null;
    this.lane = 0;
    this.line = level && this.newLine();
    if (this.drawn.options.onLevelDragged) this.mount(pane.layer);
  }

  get resting() {
    return this.level?.price ?? this.drawn.bars.close.at(-1);
  }

  get moved() {
    return this.price !== null && this.price !== this.resting;
  }

  mount(layer) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = this.level ? `chart-handle ${this.level.state ?? ""}` : "chart-handle new";
    button.setAttribute("role", "slider");
    button.setAttribute("aria-orientation", "vertical");
    button.addEventListener("pointerdown", (event) => this.grab(event));
    button.addEventListener("keydown", (event) => this.key(event));
    button.addEventListener("blur", () => this.moved && this.putBack());
    this.button = button;
    this.say();
    layer.append(button);
  }

  newLine() {
    return this.drawn.candles.createPriceLine({
      price: this.price, title: "", lineWidth: 1, axisLabelVisible: true, ...this.colours(),
    });
  }

  colours() {
    const { accent, brass, surface } = this.drawn.inks;
    const waits = this.level?.state === "waiting";
    const color = this.level && !waits ? brass : accent;
    return { color, lineStyle: waits ? 1 : 2, axisLabelColor: color, axisLabelTextColor: surface };
  }

  recolour() {
    this.line?.applyOptions(this.colours());
  }

  // How far from the top of the chart it stands; null where that is out of sight.
  y() {
    const y = this.drawn.candles.priceToCoordinate(this.price ?? this.resting);
    const height = this.drawn.chart.paneSize().height;
    return y === null || y < -FAR || y > height + FAR ? null : Math.min(height, Math.max(0, y));
  }

  // Handles side by side do not cover each other: each has a lane, counted from the right.
  place(y = this.y(), lane = this.lane) {
    if (!this.button) return;
    if (!this.button.classList.contains("moving")) this.lane = lane;
    this.button.classList.toggle("away", y === null);
    if (y === null) return;
    const right = this.drawn.chart.priceScale("right").width() + this.lane * WIDE;
    this.button.style.setProperty("top", `${y}px`);
    this.button.style.setProperty("right", `${right}px`);
  }

  say() {
    const { move = "{label}", place = "{price}" } = this.drawn.options.texts;
    const price = this.drawn.priceText(this.price ?? this.resting);
    const text = (this.level ? move : place).replace("{label}", this.level?.label ?? "").replace("{price}", price);
    this.button.setAttribute("aria-label", text);
    this.button.setAttribute("aria-valuenow", String(this.price ?? this.resting));
    this.button.setAttribute("aria-valuetext", price);
    this.button.title = text;
  }

  moveTo(price) {
    if (!Number.isFinite(price)) return;
    this.price = Number(price.toFixed(this.drawn.decimals));
    this.line ??= this.newLine();
    this.line.applyOptions({ price: this.price });
    this.button.classList.add("moving");
    this.place();
    this.say();
  }

  putBack() {
    this.button.classList.remove("moving");
    this.price = this.level?.price ?? null;
    if (this.level) {
      this.line.applyOptions({ price: this.price });
    } else if (this.line) {
      this.drawn.candles.removePriceLine(this.line);
      this.line = null;
    }
    this.place();
    this.say();
  }

  drop() {
    if (!this.moved) return this.putBack();
    this.button.classList.remove("moving");
    this.drawn.options.onLevelDragged(this.level, this.price);
  }

  grab(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.button.focus({ preventScroll: true });
    this.button.setPointerCapture(event.pointerId);
    const top = this.drawn.element.getBoundingClientRect().top;
    const height = this.drawn.chart.paneSize().height;
    const begin = event.clientY;
    let dragged = false;
    const follow = ({ clientY }) => {
      dragged ||= Math.abs(clientY - begin) > FAR;
      if (dragged) this.moveTo(this.drawn.candles.coordinateToPrice(Math.min(height, Math.max(0, clientY - top))));
    };
    const end = ({ type }) => {
      for (const kind of ["pointerup", "pointercancel"]) this.button.removeEventListener(kind, end);
      this.button.removeEventListener("pointermove", follow);
      if (type === "pointerup") this.drop();
      else this.putBack();
    };
    this.button.addEventListener("pointermove", follow);
    for (const kind of ["pointerup", "pointercancel"]) this.button.addEventListener(kind, end);
  }

  key(event) {
    const price = this.price ?? this.resting;
    const step = Math.max(Math.abs(price) * STEP, 10 ** -this.drawn.decimals);
    const steps = { ArrowUp: 1, ArrowDown: -1, ArrowRight: 1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };
    if (event.key in steps) this.moveTo(price + steps[event.key] * step);
    else if (event.key === "Enter" || event.key === " ") this.drop();
    else if (event.key === "Escape") this.putBack();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  remove() {
    if (this.line) this.drawn.candles.removePriceLine(this.line);
    this.button?.remove();
  }
}
