// What happened, on a chart: a small bell where an alert rang, which tells on click or focus.
const ABOVE = 22;

export function mountNotes(drawn) {
  const layer = document.createElement("div");
  layer.className = "chart-notes";
  const note = document.createElement("div");
  note.className = "chart-note";
  note.setAttribute("role", "status");
  note.hidden = true;
  layer.append(note);
  drawn.element.append(layer);
  let buttons = [];

  function show(button, text) {
    note.textContent = text;
    note.hidden = false;
    const width = drawn.element.clientWidth;
    const left = Math.min(Math.max(button.offsetLeft, note.offsetWidth / 2 + 8), width - note.offsetWidth / 2 - 8);
    note.style.setProperty("left", `${left}px`);
    note.style.setProperty("top", `${Math.max(8, button.offsetTop + 14)}px`);
  }

  function hide() {
    note.hidden = true;
  }

  function newButton(marker) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chart-ring";
    button.setAttribute("aria-label", marker.label);
    button.addEventListener("focus", () => show(button, marker.text));
    button.addEventListener("click", () => show(button, marker.text));
    button.addEventListener("pointerenter", () => show(button, marker.text));
    button.addEventListener("pointerleave", () => document.activeElement === button || hide());
    button.addEventListener("blur", hide);
    button.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    return button;
  }

  function place() {
    const { width, height } = drawn.chart.paneSize();
    for (const { marker, button } of buttons) {
      const x = drawn.xOf(marker.time);
      const y = drawn.candles.priceToCoordinate(marker.price);
      const away = x === null || y === null || x < 0 || x > width || y < 0 || y > height;
      button.classList.toggle("away", away);
      if (away) continue;
      button.style.setProperty("left", `${x}px`);
      button.style.setProperty("top", `${Math.max(10, y - ABOVE)}px`);
    }
  }

  return {
    set(markers) {
      for (const { button } of buttons) button.remove();
      buttons = markers.map((marker) => ({ marker, button: newButton(marker) }));
      layer.prepend(...buttons.map(({ button }) => button));
      hide();
    },
    place,
    open(id) {
      buttons.find(({ marker }) => marker.id === id)?.button.focus();
    },
    remove: () => layer.remove(),
  };
}
