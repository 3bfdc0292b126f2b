// Pages that are kept for later: asks the worker to take them as they are now, and freezes one
// that is shown without a connection until the server answers again.
import { whenBack } from "./connection.js";

const WORKER = "/push-worker.js";
const OLD_MS = 60_000;

export function kept(mark = document.querySelector("[data-kept]")) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  addEventListener("load", () => serviceWorker.register(WORKER).catch(() => {}));  // pages go on without
  if (mark?.hidden) renew(serviceWorker);
  else if (mark) freeze();
}

function renew(serviceWorker) {
  let taken = Date.now();
  const keep = () => {
    taken = Date.now();
    const assets = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
    serviceWorker.controller?.postMessage({ keep: location.href, assets });
  };
  serviceWorker.addEventListener("controllerchange", keep);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && Date.now() - taken > OLD_MS) keep();
  });
}

function freeze() {
  const fields = document.querySelectorAll("main :is(button, input, select, textarea), .sign-out button");
  for (const field of fields) field.disabled = true;
  whenBack(() => location.reload());
}
