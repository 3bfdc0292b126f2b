// Push messages to this browser: turned on and off, and renewed while the page is seen.
import { deviceOf, hindrance, keep, subscribed, turnOff, turnOn } from "./subscription.js";

const box = document.querySelector("[data-push]");
const words = box.dataset;

const tell = (text) => (box.querySelector("[data-push-said]").textContent = text);

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
      tell(words.failed.replace("{reason}", error.message));
      button.disabled = false;
    }
  };
}

async function renew(subscription, id) {
  const today = `${id} ${new Date().toDateString()}`;
  if (localStorage.getItem("push-seen") === today) return;
  await keep(box, subscription);
  localStorage.setItem("push-seen", today);
}

async function start() {
  const hindered = hindrance();
  if (hindered) return tell(words[hindered]);
  const subscription = await subscribed();
  const id = await deviceOf(box, subscription);
  const line = id && box.querySelector(`[data-device="${id}"]`);
  if (!line) {
    tell(words.off);
    return offer(words.turnOn, () => turnOn(box, subscription));
  }
  tell(words.on);
  line.querySelector("[data-push-here]").hidden = false;
  offer(words.turnOff, () => turnOff(box, subscription));
  await renew(subscription, id);
}

start().catch((error) => tell(words.unknown.replace("{reason}", error.message)));
