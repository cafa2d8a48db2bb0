// Parts of a page that change without loading it again: every <… id data-region>. The server renders the whole page.

let running = new AbortController();

// Fetch `url` and put its regions in the place of this page's. A newer request replaces one that is still running.
export async function updateRegions(url) {
  running.abort();
  running = new AbortController();
  const answer = await fetch(url, { signal: running.signal });
  if (!answer.ok || answer.redirected) return location.assign(url); // such as after a logout
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of document.querySelectorAll("[data-region]")) {
    const next = fresh.getElementById(region.id);
    if (next) replaceRegion(region, document.importNode(next, true));
  }
}

// Focus stays on the same control, if the new region still has it.
function replaceRegion(region, next) {
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  region.replaceWith(next);
  if (!focused) return;
  const controls = [...next.querySelectorAll("a, button, input, summary")];
  const same = controls.find((one) => (focused.id ? one.id === focused.id : focused.href && one.href === focused.href));
  same?.focus({ preventScroll: true });
}

// Fetch this page again every `seconds`, while somebody can see it.
export function keepFresh(seconds) {
  setInterval(() => {
    if (document.visibilityState === "visible") updateRegions(location.href).catch(() => {}); // the next time may work
  }, 1000 * seconds);
}
