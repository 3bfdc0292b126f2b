// A short word about what has just happened; it leaves by itself, unless it is read.
const SHOWN_MS = 6000;

/** Show text or an element; `kind` is "", "good" or "bad". Returns what closes it. */
export function toast(said, kind = "") {
  const box = document.createElement("p");
  box.className = `toast ${kind}`;
  box.append(said);
  document.getElementById("toasts").append(box);
  const close = () => box.remove();
  let timer = setTimeout(close, SHOWN_MS);
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("focusin", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => (timer = setTimeout(close, SHOWN_MS)));
  return close;
}
