// Pages without a connection: those last seen, marked as such, else one that says that there is
// none. Online, every page is the server's. A page is kept if it holds the MARK, and only with the
// mark turned on. Each reader's pages stand in a cache of their own; it goes when that reader signs
// out, or when a page is answered to anybody else.
"use strict";
{
  const { version, offline } = self.BELLWETHER;
  const MARK = '<div class="kept" data-kept hidden>', MARKED = '<div class="kept" data-kept>';
  const SHELL = `shell-${version}`, ASSETS = `/assets/${version}/`;
  const PAGES = "pages-", MOST_PAGES = 8;
  const KEPT_HEADERS = ["Content-Type", "Content-Language", "Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options"];
  let departures = 0;

  self.addEventListener("install", (event) => event.waitUntil(shelve()));
  self.addEventListener("activate", (event) => event.waitUntil(tidy()));
  self.addEventListener("message", (event) => {
    const { keep: address, assets = [] } = event.data ?? {};
    if (address) event.waitUntil(keep(new URL(address), assets));
  });
  self.addEventListener("fetch", (event) => {
    const { method, mode, url } = event.request;
    const { origin, pathname } = new URL(url);
    if (origin !== location.origin) return;
    if (method === "POST" && pathname === "/sign-out") event.waitUntil(depart());
    if (method !== "GET") return;
    if (pathname.startsWith(ASSETS)) event.respondWith(asset(event.request));
    else if (mode === "navigate") event.respondWith(page(event));
  });

  // A worker that cannot shelve the page for later is still one that rings.
  const shelve = async () => {
    try {
      const shell = await caches.open(SHELL);
      const answer = await fetch(offline, { cache: "no-store" });
      if (!answer.ok) return;
      const html = await answer.clone().text();
      await shell.put(offline, answer);
      await assetsOf(html, shell);
    } catch { /* asked for again with the next page that is kept */ }
  };

  const tidy = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => /^(shell|pages)-/.test(name) && name.split("-")[1] !== version);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.registration.navigationPreload?.enable();
  };

  const asset = async (request) => {
    const shell = await caches.open(SHELL);
    const known = await shell.match(request, { ignoreVary: true });
    if (known) return known;
    const answer = await fetch(request);
    if (answer.status === 200) await shell.put(request, answer.clone());
    return answer;
  };

  const assetsOf = (html, shell, more = []) => {
    const named = [...html.matchAll(/(?:src|href)="(\/assets\/[^"#]+)"/g)].map((found) => found[1]);
    const wanted = [...named, ...more].filter((path) => path.startsWith(ASSETS));
    return Promise.all([...new Set(wanted)].map(async (path) => {
      if (!(await shell.match(path, { ignoreVary: true }))) await shell.add(path);
    }));
  };

  // What the server answers is the answer, its errors too.
  const page = async (event) => {
    const before = departures;
    let answer;
    try {
      answer = (await event.preloadResponse) ?? (await fetch(event.request));
    } catch {
      return lastKnown(new URL(event.request.url));
    }
    if (answer.type === "basic") event.waitUntil(remember(answer.clone(), before));
    return answer;
  };

  const keep = async (address, assets) => {
    if (address.origin !== location.origin) return;
    const before = departures;
    try {
      const answer = await fetch(address.pathname, { headers: { Accept: "text/html" } });
      const html = await remember(answer, before);
      if (html) await assetsOf(html, await caches.open(SHELL), assets);
      await shelve();
    } catch { /* without a connection, what was kept before stays */ }
  };

  // Resolves to the page, if it is kept. Pages that do not say whose they are change nothing.
  const remember = async (answer, before) => {
    const reader = answer.headers.get("Bellwether-Reader");
    if (!reader || answer.status >= 500) return "";
    if (reader === "nobody") return depart();
    const own = `${PAGES}${version}-${reader}`;
    await forgetAllBut(own);
    const html = answer.ok ? await answer.text() : "";
    if (!html.includes(MARK)) return "";
    const pages = await caches.open(own);
    const { pathname } = new URL(answer.url);
    await pages.delete(pathname);
    await pages.put(pathname, marked(html, answer.headers));
    const [...kept] = await pages.keys();
    for (const old of kept.slice(0, -MOST_PAGES)) await pages.delete(old);
    if (before !== departures) await depart();
    return html;
  };

  const marked = (html, headers) => {
    const taken = KEPT_HEADERS.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]);
    return new Response(html.replace(MARK, MARKED), { headers: taken });
  };

  const depart = async () => {
    departures += 1;
    await forgetAllBut("");
    return "";
  };

  const forgetAllBut = async (own) => {
    const names = (await caches.keys()).filter((name) => name.startsWith(PAGES) && name !== own);
    await Promise.all(names.map((name) => caches.delete(name)));
  };

  // The page as it was last seen; the way in leads to the list seen last.
  const lastKnown = async ({ pathname }) => {
    const [name] = (await caches.keys()).filter((one) => one.startsWith(PAGES));
    const pages = name && (await caches.open(name));
    const kept = await pages?.match(pathname, { ignoreVary: true });
    if (kept) return kept;
    const last = pathname === "/" && (await pages?.keys())?.at(-1);
    if (last) return Response.redirect(last.url);
    const shell = await caches.open(SHELL);
    return (await shell.match(offline, { ignoreVary: true })) ?? Response.error();
  };
}
