// A chart of bars by Lightweight Charts: candles, volume, averages, levels that can be dragged,
// and markers that tell what happened. The library is fetched when the first chart is drawn.
//
// drawChart(element, options) resolves to a chart: { setBars, tick, setLevels, setMarkers,
// showAverages, openNote, remove, busy }. `element` has a size of its own and is positioned; its
// page has the sheet chart.css. Options:
//   bars            the answer of GET /api/v1/bars/SYMBOL, see docs/api.md
//   currency        as the quote states it; null where the bars tell it
//   levels          [{ id, price, label, state }]; a line each; `id` null for the one that is being
//                   set, beside which there is no handle for another new one
//   markers         [{ id, time, price, label, text }]; time in ISO 8601; with `text` a button
//                   that tells it, without one a mark on the canvas
//   averages        days of the averages to draw, such as [50, 200]
//   onLevelDragged  (level or null, price): a level, or the handle for a new one, was dropped
//   locale          of numbers and dates, by default the page's
//   timeZone        of the times of minutes, by default the reader's
//   texts           { move: "Move {label}, now {price}", place: "Set an alert at {price}" }
import { mountHandles } from "./handles.js";
import { mountNotes } from "./notes.js";
import { colours } from "./theme.js";

const LIBRARY = "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
const SHARE_OF_VOLUME = 0.2;
const RIGHT = 48;
const STRETCH = 0.6; // how far beyond the bars, as a share of their span, a level widens the scale
const INKS = ["ink", "muted", "line", "surface", "gain", "loss", "accent", "second", "brass"];

export async function drawChart(element, options) {
  const library = await import(LIBRARY);
  await othersFirst();
  const drawn = new Drawn(library, element, options);
  for (const _ of drawn.paint(options.bars)) await othersFirst();
  drawn.chart.chartElement().style.visibility = "";
  return drawn.handle();
}

// What waits, such as a tap, has its turn between the steps of drawing.
const othersFirst = () => new Promise((done) => setTimeout(done));

class Drawn {
  constructor(library, element, options) {
    this.library = library;
    this.element = element;
    this.options = { levels: [], markers: [], averages: [], texts: {}, ...options };
    this.locale = options.locale ?? document.documentElement.lang;
    this.shown = new Set(this.options.averages);
    this.averages = new Map();
    this.marks = null;
    this.inks = inksNow();
    this.chart = library.createChart(element, this.look());
    this.chart.chartElement().style.visibility = "hidden";
    this.candles = this.chart.addSeries(library.CandlestickSeries, this.candleLook());
    this.volume = this.chart.addSeries(library.HistogramSeries, this.volumeLook());
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 1 - SHARE_OF_VOLUME, bottom: 0 } });
    this.handles = mountHandles(this);
    this.notes = mountNotes(this);
    // Drawn with every frame, so that what lies above the canvas stays beside what it tells of.
    this.candles.attachPrimitive({ updateAllViews: () => this.place() });
    const ends = [followTheme(() => this.recolour()), followWidth(element, () => this.fit())];
    this.follow = () => ends.forEach((end) => end());
  }

  handle() {
    const drawn = this;
    return {
      setBars: (bars, { levels, markers } = {}) => this.setBars(bars, levels, markers),
      tick: (quote) => this.tick(quote),
      setLevels: (levels) => this.setLevels(levels),
      setMarkers: (markers) => this.setMarkers(markers),
      showAverages: (days) => this.showAverages(days),
      openNote: (id) => this.notes.open(id),
      remove: () => this.remove(),
      get busy() {
        return drawn.element.contains(document.activeElement);
      },
    };
  }

  setBars(bars, levels, markers) {
    for (const _ of this.paint(bars, levels, markers));
  }

  // Step by step: between them the caller may let others have their turn.
  *paint(bars, levels = this.options.levels, markers = this.options.markers) {
    yield;
    const renewed = this.bars?.range === bars.range && this.bars?.symbol === bars.symbol;
    this.bars = bars;
    this.times = timesOf(bars);
    this.decimals = decimalsFor(bars.close);
    this.prices = new Intl.NumberFormat(this.locale, {
      minimumFractionDigits: this.decimals, maximumFractionDigits: this.decimals,
    });
    this.chart.applyOptions({ localization: this.localization() });
    this.chart.timeScale().applyOptions({ timeVisible: isOfMinutes(bars) });
    this.candles.applyOptions({ priceFormat: this.priceFormat() });
    yield;
    this.candles.setData(this.times.map((time, i) => ({
      time, open: bars.open[i], high: bars.high[i], low: bars.low[i], close: bars.close[i],
    })));
    if (!renewed) this.fit();
    yield;
    this.paintVolume();
    this.setAverages();
    yield;
    this.setLevels(levels);
    this.setMarkers(markers);
  }

  fit() {
    this.chart.timeScale().fitContent();
  }

  // A newer price of the last bar; one of another bar comes with the next bars.
  tick({ price, as_of: at }) {
    const { open, high, low, close, times, interval } = this.bars, last = close.length - 1;
    const lasts = isOfMinutes(this.bars) ? 60000 * parseInt(interval, 10) : Infinity;
    if (last < 0 || !Number.isFinite(price) || Date.parse(at) - Date.parse(times[last]) >= lasts) return;
    close[last] = price;
    high[last] = Math.max(high[last], price);
    low[last] = Math.min(low[last], price);
    const bar = { time: this.times[last], open: open[last], high: high[last], low: low[last], close: price };
    this.candles.update(bar);
  }

  setLevels(levels) {
    this.options.levels = levels;
    this.handles.set(levels);
    this.candles.applyOptions({ autoscaleInfoProvider: (original) => this.scale(original()) });
  }

  setMarkers(markers) {
    this.options.markers = markers;
    const silent = markers.filter(({ text }) => !text);
    this.marks ??= this.library.createSeriesMarkers(this.candles, []);
    this.marks.setMarkers(silent.map((marker) => this.markOf(marker)).filter(Boolean));
    this.notes.set(markers.filter(({ text }) => text));
  }

  showAverages(days) {
    this.shown = new Set(days);
    for (const [n, line] of this.averages) line.applyOptions({ visible: this.shown.has(n) });
  }

  remove() {
    this.follow();
    this.handles.remove();
    this.notes.remove();
    this.chart.remove();
  }

  place() {
    this.handles.place();
    this.notes.place();
  }

  priceText(price) {
    return this.prices.format(price);
  }

  // The x of a moment: that of the bar which holds it. Null while it is out of sight.
  xOf(time) {
    const at = this.barAt(time);
    return at < 0 ? null : this.chart.timeScale().timeToCoordinate(this.times[at]);
  }

  barAt(time) {
    const wanted = isOfMinutes(this.bars) ? Date.parse(time) / 1000 : Date.parse(time.slice(0, 10)) / 1000;
    let at = -1;
    while (at + 1 < this.times.length && secondsOf(this.times[at + 1]) <= wanted) at += 1;
    return at;
  }

  // Levels widen the scale a little, far ones do not press the bars flat.
  scale(info) {
    if (!info?.priceRange) return info;
    const { minValue, maxValue } = info.priceRange;
    const reach = (maxValue - minValue || Math.abs(maxValue) * 0.02) * STRETCH;
    const near = this.options.levels
      .map(({ price }) => price)
      .filter((price) => price > minValue - reach && price < maxValue + reach);
    return {
      ...info,
      priceRange: { minValue: Math.min(minValue, ...near), maxValue: Math.max(maxValue, ...near) },
    };
  }

  setAverages() {
    const wanted = this.bars.averages ?? [];
    for (const [n, line] of this.averages) {
      if (wanted.some(({ days }) => days === n)) continue;
      this.chart.removeSeries(line);
      this.averages.delete(n);
    }
    for (const { days, values } of wanted) {
      const line = this.averages.get(days) ?? this.chart.addSeries(this.library.LineSeries, this.averageLook(days));
      this.averages.set(days, line);
      const points = this.times.map((time, i) => (values[i] === null ? { time } : { time, value: values[i] }));
      line.setData(points);
      line.applyOptions({ visible: this.shown.has(days) });
    }
  }

  paintVolume() {
    const { open, close, volume } = this.bars;
    const data = volume.some((count) => count > 0)
      ? this.times.map((time, i) => ({ time, value: volume[i], color: faint(close[i] < open[i] ? this.inks.loss : this.inks.gain) }))
      : [];
    this.volume.setData(data);
    const bottom = data.length ? SHARE_OF_VOLUME + 0.04 : 0.08;
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom } });
  }

  markOf({ id, time, label }) {
    const at = this.barAt(time);
    return at < 0 ? null : {
      id, time: this.times[at], position: "aboveBar", shape: "arrowDown", color: this.inks.brass, text: label,
    };
  }

  recolour() {
    this.inks = inksNow();
    this.chart.applyOptions(this.look());
    this.candles.applyOptions(this.candleLook());
    for (const [days, line] of this.averages) line.applyOptions(this.averageLook(days));
    this.paintVolume();
    this.handles.recolour();
    this.setMarkers(this.options.markers);
  }

  look() {
    const { ink, line, surface, muted } = this.inks;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return {
      autoSize: true,
      layout: {
        background: { type: "solid", color: surface },
        textColor: ink,
        fontFamily: getComputedStyle(this.element).fontFamily,
        fontSize: 12,
        attributionLogo: false, // it would add a <style>; the page says whose chart this is
      },
      grid: { vertLines: { visible: false }, horzLines: { color: line } },
      rightPriceScale: { borderVisible: false, entireTextOnly: true },
      // Right of the last bar there is room for a handle, so that it covers no bell.
      timeScale: { borderColor: line, fixLeftEdge: true, rightOffsetPixels: RIGHT },
      crosshair: { mode: 0, vertLine: { color: muted }, horzLine: { color: muted } },
      // The wheel and a finger's way up and down scroll the page.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false, axisPressedMouseMove: false },
      kineticScroll: { touch: !still, mouse: false },
    };
  }

  // Rising candles are hollow, falling ones full: told apart without their colours.
  candleLook() {
    const { gain, loss, surface } = this.inks;
    return {
      upColor: surface, borderUpColor: gain, wickUpColor: gain,
      downColor: loss, borderDownColor: loss, wickDownColor: loss,
      priceLineColor: this.inks.muted,
    };
  }

  volumeLook() {
    return { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false };
  }

  averageLook(days) {
    const slow = days === Math.max(...(this.bars?.averages ?? []).map((average) => average.days));
    return {
      color: slow ? this.inks.second : this.inks.accent,
      lineStyle: slow ? 2 : 0,
      lineWidth: 2, lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false,
    };
  }

  priceFormat() {
    return { type: "custom", minMove: 10 ** -this.decimals, formatter: (price) => this.priceText(price) };
  }

  localization() {
    const zone = isOfMinutes(this.bars) ? this.options.timeZone : "UTC";
    const day = new Intl.DateTimeFormat(this.locale, { timeZone: zone, dateStyle: "medium" });
    const moment = new Intl.DateTimeFormat(this.locale, { timeZone: zone, dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
    const shown = isOfMinutes(this.bars) ? moment : day;
    this.chart.timeScale().applyOptions({ tickMarkFormatter: ticks(this.locale, zone) });
    return { locale: this.locale, timeFormatter: (time) => shown.format(dateOf(time)) };
  }
}

export const isOfMinutes = (bars) => bars.interval.endsWith("m");

// Minutes are placed by their moment, days and weeks by their session.
const timesOf = (bars) =>
  isOfMinutes(bars) ? bars.times.map((time) => Date.parse(time) / 1000) : bars.sessions;

const secondsOf = (time) => (typeof time === "number" ? time : Date.parse(time) / 1000);

function dateOf(time) {
  if (typeof time === "number") return new Date(time * 1000);
  if (typeof time === "string") return new Date(time);
  return new Date(Date.UTC(time.year, time.month - 1, time.day));
}

// The year, month, day or time of a tick, by its weight (0 year, 1 month, 2 day, 3 and 4 time).
function ticks(locale, timeZone) {
  const parts = [
    { year: "numeric" }, { month: "short" }, { day: "numeric", month: "short" },
    ...Array(2).fill({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
  ].map((part) => new Intl.DateTimeFormat(locale, { timeZone, ...part }));
  return (time, weight) => parts[weight].format(dateOf(time));
}

// As many decimals as tell four digits of the last price, at least two.
function decimalsFor(closes) {
  const last = Math.abs(closes.at(-1) ?? 0);
  if (!last) return 2;
  return Math.min(12, Math.max(2, 3 - Math.floor(Math.log10(last))));
}

const inksNow = () => colours(INKS);

const faint = (colour) => `${colour}59`; // about a third of it

// A phone that is turned shows the same span as before; the library would keep the bars' width.
function followWidth(element, change) {
  let width = element.clientWidth, frame = 0;
  const sizes = new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    frame = requestAnimationFrame(change);
  });
  sizes.observe(element);
  return () => {
    sizes.disconnect();
    cancelAnimationFrame(frame);
  };
}

function followTheme(change) {
  document.addEventListener("themechange", change);
  return () => document.removeEventListener("themechange", change);
}
