// Prices, changes and ages as web/words.py and services/market/money.py write them.
const MINUS = "\u2212", THIN = "\u202f", HARD = "\u00a0";

const grouped = (value, least, most) =>
  value.toLocaleString("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });

export function price(value) {
  const size = Math.abs(value);
  const text =
    size === 0 ? "0.00" :
    size >= 1 ? grouped(size, 2, 4) :
    size < 0.01 ? size.toFixed(8).replace(/0+$/, "") : size.toFixed(4);
  return (value < 0 ? MINUS : "") + text;
}

// From 10 on with two decimals, to be compared at a glance.
export const glance = (value) =>
  Math.abs(value) < 10 ? price(value) : (value < 0 ? MINUS : "") + grouped(Math.abs(value), 2, 2);

export function trend(percent) {
  const rounded = Math.round(percent * 100);
  return rounded > 0 ? "up" : rounded < 0 ? "down" : "flat";
}

export function percent(value) {
  const sign = { up: "+", down: MINUS, flat: "±" }[trend(value)];
  return `${sign}${grouped(Math.abs(value), 2, 2)}${THIN}%`;
}

export function volume(count) {
  let size = count, unit = "";
  for (const next of ["K", "M", "B", "T"]) {
    if (Math.abs(size) < 999.5) break;
    size /= 1000;
    unit = next;
  }
  if (!unit) return size.toFixed(0);
  return `${size.toFixed(size >= 99.95 ? 0 : 1)}${THIN}${unit}`;
}

export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (whole >= size) return `${Math.floor(whole / size)}${HARD}${unit}`;
  }
  return `${whole}${HARD}s`;
}
