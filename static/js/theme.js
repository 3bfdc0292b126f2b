// The theme switch at once, and kept by the server's cookie; charts hear of `themechange`.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const changed = () => document.dispatchEvent(new Event("themechange"));

const PAIR = /^light-dark\((#\w+), (#\w+)\)$/;

/** What colour tokens such as "gain" are now, as { gain: "#00705a" }: for canvases, which know no
 * tokens. Read as tokens.css has them, for asking an element would lay out the whole page. */
export function colours(tokens) {
  const style = getComputedStyle(root);
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  return Object.fromEntries(tokens.map((token) => {
    const [, light, night] = style.getPropertyValue(`--${token}`).trim().match(PAIR);
    return [token, dark ? night : light];
  }));
}

export function theme(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(event.submitter.value);
    const body = new FormData(form, event.submitter);
    fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
  });
}

system.addEventListener("change", changed);

function show(chosen) {
  if (chosen === "system") delete root.dataset.theme;
  else root.dataset.theme = chosen;
  for (const meta of document.querySelectorAll("meta[data-scheme]")) {
    const { scheme } = meta.dataset;
    const asked = `(prefers-color-scheme: ${scheme})`;
    meta.media = chosen === "system" ? asked : scheme === chosen ? "all" : "not all";
  }
  for (const button of document.querySelectorAll("[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen));
  }
  changed();
}
