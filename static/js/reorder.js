// Rows that are dragged, or moved by Alt and the arrow keys; each move is kept by one request.
const DOTS = [[6, 4], [6, 8], [6, 12], [10, 4], [10, 8], [10, 12]];
const SVG = "http://www.w3.org/2000/svg";

export function reorder(list) {
  const body = list.tBodies?.[0] ?? list;
  const said = document.getElementById("moved");
  let waiting = Promise.resolve();

  for (const row of body.children) (row.cells?.[0] ?? row).prepend(grip(list.dataset.grip));

  body.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".grip");
    if (!handle || event.button) return;
    event.preventDefault();
    drag(handle, event.pointerId);
  });
  body.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const row = by && event.altKey && rowOf(event.target);
    if (!row) return;
    event.preventDefault();
    const before = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (!before) return;
    const focused = document.activeElement, from = row.nextElementSibling;
    before[by < 0 ? "before" : "after"](row);
    focused.focus();
    keep(row, from);
  });

  const rowOf = (element) => [...body.children].find((row) => row.contains(element));

  function drag(handle, pointer) {
    const row = rowOf(handle), from = row.nextElementSibling;
    const done = new AbortController(), { signal } = done;
    row.classList.add("moving");
    list.dataset.moving = "";
    handle.setPointerCapture(pointer);
    handle.addEventListener("pointermove", ({ clientX, clientY }) => {
      const over = rowOf(document.elementFromPoint(clientX, clientY));
      if (!over || over === row) return;
      const box = over.getBoundingClientRect();
      const isBelow = row.compareDocumentPosition(over) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (isBelow ? clientY < box.top + box.height / 2 : clientY > box.top + box.height / 2) return;
      const rows = [...body.children], at = rows.indexOf(row), to = rows.indexOf(over);
      // The others make way: a row that leaves its place loses the pointer.
      if (isBelow) row.before(...rows.slice(at + 1, to + 1));
      else row.after(...rows.slice(to, at));
    }, { signal });
    const end = (isKept) => {
      done.abort();
      row.classList.remove("moving");
      delete list.dataset.moving;
      if (row.nextElementSibling === from) return;
      if (isKept) keep(row, from);
      else body.insertBefore(row, from);
    };
    handle.addEventListener("pointerup", () => end(true), { signal });
    handle.addEventListener("pointercancel", () => end(false), { signal });
    document.addEventListener("keydown", ({ key }) => key === "Escape" && end(false), { signal });
  }

  // Shown at once; requests go one after the other, so that the last move is the last one kept.
  function keep(row, from) {
    const { symbol } = row.dataset;
    const place = [...body.children].indexOf(row) + 1;
    const neighbours = {
      before: row.nextElementSibling?.dataset.symbol ?? "",
      after: row.previousElementSibling?.dataset.symbol ?? "",
    };
    say(list.dataset.moved, { symbol, place, count: body.children.length });
    waiting = waiting.then(() => send(symbol, neighbours)).catch(() => {
      body.insertBefore(row, from?.parentElement === body ? from : null);
      say(list.dataset.unmoved, {});
    });
  }

  async function send(symbol, neighbours) {
    const answer = await fetch(list.dataset.reorder.replace("SYMBOL", encodeURIComponent(symbol)), {
      method: "POST",
      headers: { "X-CSRFToken": list.dataset.token },
      body: new URLSearchParams({ do: "place", ...neighbours }),
    });
    if (answer.status !== 204) throw new Error(answer.statusText);
  }

  function say(text, values) {
    said.textContent = text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }
}

// For pointers only: with keys a row is moved from any of its links, or on the page that edits it.
function grip(hint) {
  const handle = document.createElement("span");
  handle.className = "grip";
  handle.title = hint;
  handle.setAttribute("aria-hidden", "true");
  const icon = handle.appendChild(document.createElementNS(SVG, "svg"));
  icon.setAttribute("viewBox", "0 0 16 16");
  for (const [x, y] of DOTS) {
    const dot = icon.appendChild(document.createElementNS(SVG, "circle"));
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 1.2, fill: "currentColor" })) dot.setAttribute(name, value);
  }
  return handle;
}
