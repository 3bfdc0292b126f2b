// What a browser with scripts does beyond what the pages do alone.
import { refresh } from "./refresh.js";
import { suggest } from "./suggest.js";
import { understand } from "./understand.js";

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// A form that is on its way is not sent twice; one that the Back button shows again may be.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  else form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

for (const field of document.querySelectorAll("[data-suggest]")) suggest(field);
for (const field of document.querySelectorAll("[data-understand]")) understand(field);
for (const table of document.querySelectorAll("[data-refresh]")) refresh(table);
