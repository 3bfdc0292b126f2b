// Prices, changes and ages as web/words.py and services/market/money.py write them: in English,
// then with the separators of the language of the page.
const MINUS = "\u2212", THIN = "\u202f", HARD = "\u00a0";

const written = new Intl.NumberFormat(document.documentElement.lang || "en").formatToParts(12345.6);
const part = (kind, usual) => written.find((one) => one.type === kind)?.value ?? usual;
const SEPARATORS = { ",": part("group", ","), ".": part("decimal", ".") };

const UNITS = (document.documentElement.dataset.units ?? "K M B T d h min s").split(" ");

const localized = (text) => text.replace(/[.,]/g, (sign) => SEPARATORS[sign]);
const grouped = (value, least, most) =>
  localized(value.toLocaleString("en-US", { minimumFractionDigits: least, maximumFractionDigits: most }));

// 7 digits in all, as sources mean them, and 2 decimals at least.
export function price(value) {
  const size = Math.abs(value);
  const digits = Math.max(2, 6 - (size && Math.floor(Math.log10(size))));
  const [whole, decimals] = size.toFixed(digits).split(".");
  const text = `${Number(whole).toLocaleString("en-US")}.${decimals.replace(/0+$/, "").padEnd(2, "0")}`;
  return (value < 0 ? MINUS : "") + localized(text);
}

// A number as it is typed into a field, without groups.
export const typed = (plain) => String(plain).replace(".", SEPARATORS["."]);

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
  for (const next of UNITS.slice(0, 4)) {
    if (Math.abs(size) < 999.5) break;
    size /= 1000;
    unit = next;
  }
  if (!unit) return size.toFixed(0);
  return `${localized(size.toFixed(size >= 99.95 ? 0 : 1))}${THIN}${unit}`;
}

export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), sizes = [86400, 3600, 60, 1];
  const place = Math.max(0, sizes.findIndex((size) => whole >= size || size === 1));
  return `${Math.floor(whole / sizes[place])}${HARD}${UNITS[4 + place]}`;
}
