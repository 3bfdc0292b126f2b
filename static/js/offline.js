// The page that stands for others without a connection: leads to those that are kept.
import { whenBack } from "./connection.js";

const box = document.querySelector("[data-kept-pages]");

async function list() {
  const names = (await caches.keys()).filter((name) => name.startsWith("pages-"));
  for (const name of names) {
    const pages = await caches.open(name);
    for (const { url } of (await pages.keys()).reverse()) await show(url, await pages.match(url));
  }
}

async function show(url, page) {
  const kept = new DOMParser().parseFromString(await page.text(), "text/html");
  const link = document.createElement("a");
  link.href = new URL(url).pathname;
  link.dir = "auto";
  link.textContent = kept.querySelector("h1")?.textContent.trim() || link.pathname;
  const line = document.createElement("li");
  line.append(link);
  box.querySelector("ul").append(line);
  box.hidden = false;
}

if ("caches" in window) list();
whenBack(() => location.reload());
