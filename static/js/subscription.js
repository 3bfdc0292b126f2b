// The push subscription of this browser. `box` is an element with the server's key (data-push), a
// CSRF token (data-token) and what to say where notifications are not allowed (data-refused).

/** "" where push can be turned on, else "insecure", "unable" or "denied". */
export function hindrance() {
  if (!isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return "unable";
  return Notification.permission === "denied" ? "denied" : "";
}

export async function subscribed() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager.getSubscription()) ?? null;
}

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The device's id at the server; "" for a subscription to another server's key. */
export async function deviceOf(box, subscription) {
  if (!subscription || !isOurs(box, subscription)) return "";
  const named = new TextEncoder().encode(`webpush:${subscription.endpoint}`);
  return hex(await crypto.subtle.digest("SHA-256", named));
}

function isOurs(box, { options }) {
  const text = btoa(String.fromCharCode(...new Uint8Array(options.applicationServerKey ?? [])));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") === box.dataset.push;
}

export async function send(box, method, path, body) {
  const answer = await fetch(`/api/v1/${path}`, {
    method,
    headers: { "Content-Type": "application/json", "X-CSRFToken": box.dataset.token },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? answer.statusText);
  }
}

export function keep(box, subscription) {
  const { endpoint, keys } = subscription.toJSON();
  return send(box, "POST", "devices", { endpoint, keys });
}

export async function turnOn(box, subscription) {
  const registration = await navigator.serviceWorker.register("/push-worker.js");
  if ((await Notification.requestPermission()) !== "granted") throw new Error(box.dataset.refused);
  await navigator.serviceWorker.ready;
  if (subscription && !isOurs(box, subscription)) await subscription.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: box.dataset.push };
  await keep(box, await registration.pushManager.subscribe(options));
}

export async function turnOff(box, subscription) {
  await send(box, "DELETE", `devices/${await deviceOf(box, subscription)}`);
  await subscription.unsubscribe();
}
