// Push messages to this browser: turned on and off, and renewed while the page is seen.
const box = document.querySelector("[data-push]");
const said = box.querySelector("[data-push-said]");
const key = box.dataset.push;

const tell = (text) => (said.textContent = text);
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const idOf = async (endpoint) =>
  hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`webpush:${endpoint}`)));

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function hindrance() {
  if (!isSecureContext) return "Push messages need an https address.";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    return "This browser takes no push messages. On an iPhone or iPad, add Bellwether to the home screen and open it there.";
  }
  if (Notification.permission === "denied") {
    return "Notifications of this site are blocked. Allow them in the browser's settings of this site, and load the page again.";
  }
  return "";
}

async function send(method, path, body) {
  const answer = await fetch(`/api/v1/devices${path}`, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": box.dataset.token },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? answer.statusText);
  }
}

function keep(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  return send("POST", "", { endpoint, keys });
}

async function turnOn(subscription) {
  const registration = await navigator.serviceWorker.register("/push-worker.js");
  if ((await Notification.requestPermission()) !== "granted") {
    throw new Error("Notifications were not allowed.");
  }
  await navigator.serviceWorker.ready;
  if (subscription && !isOurs(subscription)) await subscription.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  await keep(await registration.pushManager.subscribe(options));
}

async function turnOff(subscription) {
  await send("DELETE", `/${await idOf(subscription.endpoint)}`);
  await subscription.unsubscribe();
}

const isOurs = ({ options }) => base64url(options.applicationServerKey ?? []) === key;

function offer(text, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = text;
  box.querySelector("[data-push-offer]").append(button);
  button.onclick = async () => {
    button.disabled = true;
    try {
      await act();
      location.reload();
    } catch (error) {
      tell(`That did not work: ${error.message}`);
      button.disabled = false;
    }
  };
}

async function renew(subscription, id) {
  const today = `${id} ${new Date().toDateString()}`;
  if (localStorage.getItem("push-seen") === today) return;
  await keep(subscription);
  localStorage.setItem("push-seen", today);
}

async function start() {
  const hindered = hindrance();
  if (hindered) return tell(hindered);
  const registration = await navigator.serviceWorker.getRegistration("/");
  const subscription = (await registration?.pushManager.getSubscription()) ?? null;
  const id = subscription && isOurs(subscription) ? await idOf(subscription.endpoint) : "";
  const line = id && box.querySelector(`[data-device="${id}"]`);
  if (!line) {
    tell("This browser gets no push messages from this account.");
    return offer("Turn on for this browser", () => turnOn(subscription));
  }
  tell("This browser gets push messages.");
  line.querySelector("[data-push-here]").hidden = false;
  offer("Turn off for this browser", () => turnOff(subscription));
  await renew(subscription, id);
}

start().catch((error) => tell(`Push messages cannot be looked at: ${error.message}`));
