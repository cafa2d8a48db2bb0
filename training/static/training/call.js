/**
 * First script of the call page. It loads the others when the first control is used, so that the page opens quickly.
 * If they do not arrive, it says so and offers to try again.
 */
const root = document.querySelector("#call");
const problem = root.querySelector("[data-load-problem]");
let loading = null;
let lastAction = "";

function loadTexts() {
  if (window.gettext) return Promise.resolve();
  const script = document.createElement("script");
  script.src = root.dataset.textsUrl;
  return new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

async function loadControls() {
  await loadTexts();
  const { CallControls } = await import("./call-controls.js");
  return new CallControls(root);
}

function controls() {
  loading ??= loadControls().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function act(name, button) {
  if (button.getAttribute("aria-busy") === "true") return; // pressed again while the scripts are still loading
  lastAction = name;
  button.setAttribute("aria-busy", "true");
  try {
    const ready = await controls();
    problem.hidden = true;
    ready.act(name);
  } catch {
    problem.hidden = false;
    problem.focus();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

root.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-action]");
  if (button) act(button.dataset.action === "load-again" ? lastAction : button.dataset.action, button);
});
// The sound settings show what this browser has kept.
root.addEventListener("toggle", ({ target }) => target.matches("[data-sound-settings]") && controls().catch(() => {}), true);
