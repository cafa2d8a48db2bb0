// Keeps the assignments and the last feedback for reading offline, for the person who is logged in and nobody else.
// Headers of pages say what to do: Offline-Owner is whose copies may remain, Offline-Slot is the place of a copy.

const VERSION = "{{ version }}";
const OFFLINE_PAGE = "{% url 'site:offline' %}";
const HOME = "{% url 'evaluation:dashboard' %}";
const LOGOUT = "{% url 'account_logout' %}";
const SHARED = `shared-${VERSION}`; // the offline page and its files
const COPIES = "copies-"; // a cache for each place: the page and its files
const FILES = /(?:href|src)="(\/static\/[^"#]+)/g;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keepOfflinePage());
});

self.addEventListener("activate", (event) => event.waitUntil(start()));

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (address.origin !== location.origin) return;
  if (event.request.mode === "navigate") event.respondWith(openPage(event, address));
  else if (event.request.method === "GET" && address.pathname.startsWith("/static/")) {
    event.respondWith(openFile(event.request));
  }
});

async function start() {
  await deleteCaches((name) => name.startsWith("shared-") && name !== SHARED);
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
  // The page that registered this worker was loaded without it.
  const home = await fetch(HOME, { redirect: "manual" }).catch(() => null);
  if (home?.ok) await follow(home, HOME);
}

async function openPage(event, address) {
  const { request } = event;
  const isLogout = request.method === "POST" && address.pathname === LOGOUT;
  try {
    const response = (await event.preloadResponse) ?? (await fetch(request));
    const copy = response.headers.has("Offline-Slot") ? response.clone() : response;
    event.waitUntil(follow(copy, address.pathname + address.search));
    return response;
  } catch (error) {
    if (request.method !== "GET") throw error;
    return (await findCopy(address)) ?? (await caches.match(OFFLINE_PAGE)) ?? Response.error();
  } finally {
    if (isLogout) await deleteCaches((name) => name.startsWith(COPIES));
  }
}

/** Delete the copies of everyone else, and keep this page if the server says so. */
async function follow(response, path) {
  const owner = response.headers.get("Offline-Owner");
  const slot = response.headers.get("Offline-Slot");
  if (owner) await deleteCaches((name) => name.startsWith(COPIES) && !name.startsWith(`${COPIES}${owner}-`));
  if (owner && slot) await keep(`${COPIES}${owner}-${slot}`, path, response);
}

/** Keep a page in its place. Other tabs of the same page stay, and another page goes. */
async function keep(name, path, response) {
  const page = await response.text();
  if ((await pagesOf(name)).some((kept) => placeOf(kept) !== placeOf(path))) await caches.delete(name);
  const cache = await caches.open(name);
  await cache.put(path, new Response(page, { headers: response.headers }));
  await keepFiles(cache, page);
}

/** The tabs of a conversation have addresses below it, such as /sessions/<id>/checks/. */
const placeOf = (path) => path.split("?")[0].split("/").slice(0, 3).join("/");

async function pagesOf(name) {
  if (!(await caches.has(name))) return [];
  const requests = await (await caches.open(name)).keys();
  return requests.map(({ url }) => url.slice(location.origin.length)).filter((path) => !path.startsWith("/static/"));
}

async function findCopy({ pathname, search }) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(COPIES)) continue;
    const cache = await caches.open(name);
    const copy = (await cache.match(pathname + search)) ?? (await cache.match(pathname, { ignoreSearch: true }));
    if (!copy) continue;
    const page = (await copy.text()).replace("data-offline hidden", "data-offline");
    return new Response(page, { headers: copy.headers });
  }
  return null;
}

async function keepOfflinePage() {
  const response = await fetch(OFFLINE_PAGE, { credentials: "omit" });
  const page = await response.text();
  const cache = await caches.open(SHARED);
  await cache.put(OFFLINE_PAGE, new Response(page, { headers: response.headers }));
  await keepFiles(cache, page);
}

/** The name of a file contains a hash of its content, so a kept file is never out of date. */
async function keepFiles(cache, page) {
  const names = new Set([...page.matchAll(FILES)].map(([, name]) => name));
  await Promise.all([...names].map(async (name) => (await cache.match(name)) ?? cache.add(name).catch(() => {})));
}

async function openFile(request) {
  return (await caches.match(request.url.split("#")[0])) ?? fetch(request);
}

async function deleteCaches(isMeant) {
  for (const name of await caches.keys()) if (isMeant(name)) await caches.delete(name);
}
