// What rings while the inbox is open appears on top, as the server draws it.
import { live } from "./live.js";

const list = document.getElementById("bells");
let asking = false, again = false;

async function look() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } finally {
    asking = false;
    if (again) { again = false; look(); }
  }
}

function show(page) {
  const fresh = [...page.querySelectorAll("#bells > li")].filter((item) => !document.getElementById(item.id));
  if (!fresh.length) return;
  for (const item of fresh.reverse()) list.prepend(document.adoptNode(item));
  document.querySelector("main > .empty")?.remove();
  const head = document.querySelector(".list-head");
  if (!head.contains(document.activeElement)) head.replaceWith(document.adoptNode(page.querySelector(".list-head")));
}

live({ onTrigger: look });
