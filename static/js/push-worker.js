// Shows push messages, and does what their buttons say. It trusts nothing that they hold: links
// lead to this site only. Its words and icons come with /push-worker.js.
const worker = self;
const MOST = { title: 200, body: 2000, tag: 100 };
const { words } = worker.BELLWETHER;

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(act(event.action, event.notification));
});
worker.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.oldSubscription)));

function read(data) {
  try {
    const message = data.json();
    return typeof message === "object" && message ? message : {};
  } catch {
    return {};
  }
}

const text = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");

// The address on this site, if the path begins as it should; else "".
function here(value, begin) {
  try {
    const { pathname, search } = new URL(value);
    return pathname.startsWith(begin) ? worker.location.origin + pathname + search : "";
  } catch {
    return "";
  }
}

function show(message) {
  const link = here(message.link, "/") || `${worker.location.origin}/`;
  const snooze = here(message.snooze, "/mail/snooze/");
  const pause = here(message.pause, "/mail/pause/");
  const actions = [{ action: "open", title: words.open }];
  if (snooze) actions.push({ action: "snooze", title: words.snooze });
  if (pause) actions.push({ action: "pause", title: words.pause });
  return worker.registration.showNotification(text(message.title, MOST.title) || "Bellwether", {
    body: text(message.body, MOST.body) || (message.title ? "" : words.rang),
    tag: text(message.tag, MOST.tag),
    icon: worker.BELLWETHER.icon,
    badge: worker.BELLWETHER.badge,
    data: { link, snooze, pause },
    actions: actions.slice(0, Math.max(2, Notification.maxActions ?? 2)),
  });
}

async function act(action, { data, title, tag }) {
  const { link, snooze, pause } = data ?? {};
  const address = action === "snooze" ? snooze : action === "pause" ? pause : "";
  if (!address) return open(link || `${worker.location.origin}/`);
  try {
    const answer = await fetch(address, { method: "POST", headers: { Accept: "application/json" } });
    const body = text((await answer.json()).said, MOST.body);
    await worker.registration.showNotification(title, { body, tag, silent: true, data: { link } });
  } catch {
    await open(address);
  }
}

async function open(link) {
  const tabs = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const tab = tabs.find(({ url }) => url.split("#")[0] === link);
  return tab ? tab.focus() : worker.clients.openWindow(link);
}

// The browser has ended the subscription by itself: subscribe anew, under the same name.
async function renew(former) {
  const answer = await fetch("/devices/push");
  if (!answer.ok) return;
  const { key, csrf_token: token } = await answer.json();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const subscription = await worker.registration.pushManager.subscribe(options);
  const { endpoint, keys } = subscription.toJSON();
  await fetch("/api/v1/devices", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify({ endpoint, keys, replaces: former?.endpoint ?? null }),
  });
}
