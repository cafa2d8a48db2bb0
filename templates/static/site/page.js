// Behavior of every page: the theme, menus, dialogs, and toasts. Everything works without it, if less conveniently.

const root = document.documentElement;

// The theme changes at once. The server keeps it in a cookie, and sets data-theme on the next page.
document.addEventListener("submit", async (event) => {
  const theme = event.submitter?.name === "theme" && event.submitter.value;
  if (!theme) return;
  event.preventDefault();
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const button of event.target.querySelectorAll("[name=theme]")) {
    button.setAttribute("aria-pressed", String(button === event.submitter));
  }
  const body = new FormData(event.target, event.submitter);
  await fetch(event.target.action, { method: "POST", body, redirect: "manual" });
});

// One menu is open at a time. Escape and a click elsewhere close it.
const openMenus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Of tabs and chips that do not fit beside each other, the current one is in view.
for (const current of document.querySelectorAll(":is(.tabs, .scroll-x, .steps) > :is([aria-current], [aria-selected=true])")) {
  const strip = current.parentElement;
  const middle = strip.getBoundingClientRect().left + strip.clientWidth / 2;
  strip.scrollLeft += current.getBoundingClientRect().left + current.clientWidth / 2 - middle;
}

// <a data-dialog="id" href="page that does the same">, and buttons with data-close.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    event.preventDefault();
    document.getElementById(opener.dataset.dialog).showModal();
  }
  const box = event.target.closest("[data-close]")?.closest("dialog, .toast, .banner");
  if (box instanceof HTMLDialogElement) box.close();
  else box?.remove();
});

// Toasts go after a while, unless the pointer or the keyboard is on them.
const TOAST_MS = 8000;
for (const toast of document.querySelectorAll("[data-toast]")) {
  toast.querySelector("[data-close]").hidden = false;
  const dismiss = () => (toast.matches(":hover, :focus-within") ? setTimeout(dismiss, TOAST_MS) : toast.remove());
  setTimeout(dismiss, TOAST_MS);
}

// An explanation opens toward the side that has room.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.open || !target.matches("details.help")) return;
    delete target.dataset.side;
    if (target.querySelector(".popover").getBoundingClientRect().right > innerWidth - 8) target.dataset.side = "left";
  },
  true,
);

// After a refused form, the focus is on the first field to mend, or on the message if it belongs to no field.
// A message about the whole page comes after the fields that it speaks of.
const refusal =
  document.querySelector("main form :is(.errorlist, .field-error), main [data-refusal]:not([data-refusal=general])") ??
  document.querySelector("main [data-refusal]");
if (refusal) {
  const control = refusal.id ? document.querySelector(`[aria-describedby~="${CSS.escape(refusal.id)}"]`) : null;
  const target = control?.checkVisibility() ? control : refusal;
  if (target === refusal) refusal.tabIndex = -1;
  target.focus({ preventScroll: true });
  refusal.scrollIntoView({ block: "center" });
}

// Offline, the worker shows the copies that it keeps of the last pages. It is registered when nothing else is loading.
const worker = root.dataset.worker;
if (worker && navigator.serviceWorker) {
  const register = () => navigator.serviceWorker.register(worker).catch(() => {});
  window.addEventListener("load", () => (window.requestIdleCallback ?? setTimeout)(register));
}
