// The theme switch at once, and kept by the server's cookie; charts hear of `themechange`.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const changed = () => document.dispatchEvent(new Event("themechange"));

/** What colour tokens such as "gain" are now, as { gain: "rgb(…)" }: for canvases, which know no
 * tokens. All at once, for styles are computed anew each time. */
export function colours(tokens) {
  const probe = document.createElement("i");
  probe.hidden = true;
  for (const token of tokens) {
    probe.append(document.createElement("i"));
    probe.lastChild.style.color = `var(--${token})`;
  }
  document.body.append(probe);
  const found = tokens.map((token, i) => [token, getComputedStyle(probe.children[i]).color]);
  probe.remove();
  return Object.fromEntries(found);
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
