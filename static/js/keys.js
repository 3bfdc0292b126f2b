// Single keys for those who like them; the help dialog switches them off.
const SWITCH = "keys";
const LEADER_MS = 1500;
const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select, [contenteditable]";
const find = (where, selector) => where?.querySelector(selector);
const seen = (element) => element.checkVisibility();
let leading = -Infinity;

export function keys(help) {
  const tick = find(help, "[data-keys]");
  if (tick) {
    tick.checked = localStorage.getItem(SWITCH) !== "off";
    tick.addEventListener("change", () => localStorage.setItem(SWITCH, tick.checked ? "on" : "off"));
  }
  document.addEventListener("keydown", (event) => {
    if (isMeant(event) && act(event, help)) event.preventDefault();
  });
}

function isMeant(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return false;
  if (event.target.closest?.(TYPED_IN) || document.querySelector("dialog[open]")) return false;
  return localStorage.getItem(SWITCH) !== "off";
}

/** Do what a key stands for; whether it stood for anything. */
function act(event, help) {
  const { key, timeStamp } = event;
  const led = timeStamp - leading < LEADER_MS;
  leading = key === "g" ? timeStamp : -Infinity;
  if (led && key !== "g") return press(find(document, `[data-go="${CSS.escape(key)}"]`));
  if (key === "/") return reach(find(document, '[data-key="/"]'));
  if (key === "j") return step(1);
  if (key === "k") return step(-1);
  if (key === "a") return press(find(row() ?? document, row() ? "[data-alert]" : "[data-alert]:not([data-row] *)"));
  if (key === "?" && help) return open(help);
  return false;
}

const row = () => document.activeElement?.closest("[data-row]");

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter(seen);
  const at = rows.indexOf(row());
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
  return reach(rows[next] && (find(rows[next], "[data-main]") ?? find(rows[next], "a[href]")));
}

function press(link) {
  link?.click();
  return Boolean(link);
}

function reach(element) {
  element?.focus();
  if (element?.matches("input")) element.select();
  return Boolean(element);
}

function open(dialog) {
  dialog.showModal();
  return true;
}
