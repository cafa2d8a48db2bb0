// Import upload: rejects a file that is too large before sending it, and shows that a sent file is being checked.

const form = document.querySelector("#import-upload");
const input = form.elements.file;
const button = form.querySelector("[data-busy]");
const problem = document.querySelector("#import-too-large");
const wait = document.querySelector("#import-wait");
const words = button instanceof HTMLInputElement ? "value" : "textContent"; // the admin's button is an input
const label = button[words];

function checkSize() {
  const maxBytes = Number(form.dataset.maxBytes);
  const isTooLarge = (input.files[0]?.size ?? 0) > maxBytes;
  const message = gettext("The file is larger than %(most)s MB. Split it into several files.");
  problem.textContent = isTooLarge ? interpolate(message, { most: maxBytes / 1024 ** 2 }, true) : "";
  input.setAttribute("aria-invalid", String(isTooLarge));
  return !isTooLarge;
}

function submit(event) {
  if (!checkSize()) {
    event.preventDefault();
    input.focus();
    return;
  }
  button[words] = wait.textContent = button.dataset.busy;
  button.disabled = true;
}

// Runs on pageshow, because the browser may restore the page with its button disabled.
function enableForm() {
  button[words] = label;
  button.disabled = false;
  wait.textContent = "";
}

input.addEventListener("change", checkSize);
form.addEventListener("submit", submit);
window.addEventListener("pageshow", enableForm);
