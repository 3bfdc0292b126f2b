// The offer to install Bellwether, where a page has one; never by itself.
let prompt = null;

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  prompt = event;
  show("[data-install-now]", true);
});
addEventListener("appinstalled", () => show("[data-install-now]", false));

export function install() {
  document.querySelector("[data-install-now] button")?.addEventListener("click", () => prompt?.prompt());
  if (prompt) show("[data-install-now]", true);
  if (navigator.standalone === false) show("[data-install-ios]", true);  // only iOS knows the word
}

function show(where, isShown) {
  const part = document.querySelector(where);
  if (!part) return;
  part.hidden = !isShown;
  const card = part.closest("[data-install]");
  card.hidden = [...card.querySelectorAll(":scope > div")].every((one) => one.hidden);
}
