// What a browser with scripts does beyond what the pages do alone.
import { bell } from "./bell.js";
import { install } from "./install.js";
import { kept } from "./kept.js";
import { keys } from "./keys.js";
import { refresh } from "./refresh.js";
import { suggest } from "./suggest.js";
import { theme } from "./theme.js";
import { toast } from "./toast.js";
import { understand } from "./understand.js";

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// A form that is on its way is not sent twice; one that the Back button shows again may be.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  if (form.dataset.sent) event.preventDefault();
  else form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens);
  if (dialog && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    dialog.showModal();
  }
  const told = event.target.closest("[data-toast]");
  if (told) toast(told.dataset.toast, told.dataset.kind);
  closeMenus(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus(null);
});

/** Close open menus and tips but the one that holds `kept`; the focus returns to what opened it. */
function closeMenus(kept) {
  for (const menu of document.querySelectorAll(":is(.menu, .tip)[open]")) {
    if (kept && menu.contains(kept)) continue;
    if (menu.contains(document.activeElement)) menu.firstElementChild.focus();
    menu.open = false;
  }
}

if (document.body.classList.contains("inside")) {
  bell();
  kept();
}
install();
keys(document.getElementById("help"));
for (const form of document.querySelectorAll("[data-theme-switch]")) theme(form);
for (const field of document.querySelectorAll("[data-suggest]")) suggest(field);
for (const field of document.querySelectorAll("[data-understand]")) understand(field);
for (const table of document.querySelectorAll("[data-refresh]")) refresh(table);
