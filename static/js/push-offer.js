// Right after an alert was set: whether this device shall ring, too. Asked until it is answered.
import { deviceOf, hindrance, send, subscribed, turnOn } from "./subscription.js";

const ANSWERED = "push-not-now";
const box = document.querySelector("[data-offer]");
const buttons = { yes: box.querySelector("[data-yes]"), no: box.querySelector("[data-no]") };

function say(part, reason = "") {
  for (const one of box.querySelectorAll("[data-say]")) one.hidden = one.dataset.say !== part;
  const place = box.querySelector("[data-reason]");
  if (place) place.textContent = reason;
}

async function ring() {
  buttons.yes.disabled = true;
  try {
    await turnOn(box, await subscribed());
    const channels = box.dataset.channels.split(" ").filter(Boolean);
    if (!channels.includes("push")) await send(box, "PATCH", "settings", { channels: [...channels, "push"] });
  } catch (error) {
    buttons.yes.disabled = false;
    return hindrance() === "denied" ? block() : say("failed", error.message);
  }
  say("done");
  buttons.yes.hidden = buttons.no.hidden = true;
}

function block() {
  say("denied");
  buttons.yes.hidden = true;
}

async function start() {
  if (localStorage.getItem(ANSWERED)) return;
  const hindered = hindrance();
  const isPhoneToInstallOn = hindered === "unable" && navigator.standalone === false;
  if (hindered && hindered !== "denied" && !isPhoneToInstallOn) return;
  if (!hindered) {
    const id = await deviceOf(box, await subscribed());
    if (id && box.dataset.devices.split(" ").includes(id)) return;
    say("ask");
  } else {
    say(hindered === "denied" ? "denied" : "install");
    buttons.yes.hidden = true;
  }
  box.hidden = false;
}

buttons.yes.addEventListener("click", ring);
buttons.no.addEventListener("click", () => {
  localStorage.setItem(ANSWERED, "yes");
  box.hidden = true;
});
start().catch(() => {});  // where nothing can be kept or looked up, nothing is offered
