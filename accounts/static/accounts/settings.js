// Settings page of a center: warns before leaving with unsaved changes.

const form = document.querySelector("form.settings");
const read = () => new URLSearchParams(new FormData(form)).toString();
// After a refusal, what is in the fields is not saved.
const saved = form.querySelector("[role=alert]") ? "" : read();
let isSaving = false;

form.addEventListener("submit", () => (isSaving = true));
window.addEventListener("beforeunload", (event) => {
  if (!isSaving && read() !== saved) event.preventDefault();
});
// The page may come back from the browser's cache of pages.
window.addEventListener("pageshow", () => (isSaving = false));
