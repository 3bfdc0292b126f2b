// Suggestions under a symbol field: an ARIA combobox with a list of matches.
const PAUSE = 180;
let count = 0;

export function suggest(field) {
  const list = document.createElement("ul");
  list.id = `matches-${++count}`;
  list.className = "options";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.dataset.matches ?? field.labels[0]?.textContent ?? "");
  list.hidden = true;
  field.parentElement.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) field.setAttribute(name, value);

  let timer, asked = 0, active = -1;

  function close() {
    list.hidden = true;
    active = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function choose(option) {
    field.value = option.dataset.symbol;
    close();
    if (field.dataset.suggest === "submit") field.form.requestSubmit();
    else field.focus();
  }

  function mark(next) {
    active = (next + list.children.length) % list.children.length;
    [...list.children].forEach((option, i) => option.setAttribute("aria-selected", i === active));
    field.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function open(matches) {
    list.replaceChildren(...matches.map(({ symbol, name, exchange }, i) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${i}`;
      option.dataset.symbol = symbol;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      for (const [tag, text] of [["strong", symbol], ["bdi", name], ["small", exchange]]) {
        const part = document.createElement(tag);
        part.textContent = text;
        option.append(part);
      }
      option.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(option); });
      return option;
    }));
    active = -1;
    list.hidden = !matches.length;
    field.setAttribute("aria-expanded", String(matches.length > 0));
  }

  async function ask() {
    const text = field.value.trim(), turn = ++asked;
    if (!text || /\s.*\d|[,;]/.test(text)) return close();  // nothing, an alert in words, or several symbols
    try {
      const answer = await fetch(`/api/v1/symbols?q=${encodeURIComponent(text)}`);
      const { items } = answer.ok ? await answer.json() : { items: [] };
      if (turn === asked && document.activeElement === field) open(items);
    } catch { close(); }
  }

  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp") mark(active < 0 ? -1 : active - 1);
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && active >= 0) choose(list.children[active]);
    else return;
    event.preventDefault();
  });
}
