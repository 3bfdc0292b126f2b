// New triggers, on any page: a word with a link to the inbox, and the number of the unread.
import { live } from "./live.js";
import { toast } from "./toast.js";

const SHOWN = 3, TOGETHER = 300;

export function bell() {
  let waiting = [], timer = 0;
  live({
    onTrigger({ id }) {
      waiting = [...waiting, id].slice(-SHOWN);
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (const one of waiting.splice(0)) tell(one);
      }, TOGETHER);
    },
  });
}

async function tell(id) {
  const answer = await fetch(`/live/triggers/${encodeURIComponent(id)}`);
  if (!answer.ok) return;
  const { text, link, unread } = await answer.json();
  const said = document.createElement("a");
  said.href = link;
  said.dir = "auto";
  said.textContent = text;
  toast(said);
  for (const badge of document.querySelectorAll("[data-unread]")) badge.textContent = unread > 99 ? "99+" : unread || "";
}
