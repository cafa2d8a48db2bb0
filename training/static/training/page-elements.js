/** Helpers for both practice pages: elements shown by state, and actions of buttons. */

/** Show exactly the elements whose `data-<name>` lists the current value of that name. */
export function showOnly(root, current) {
  for (const [name, value] of Object.entries(current)) {
    for (const element of root.querySelectorAll(`[data-${name}]`)) {
      element.hidden = !element.getAttribute(`data-${name}`).split(" ").includes(value);
    }
  }
}

/** Update the `data-live-text` elements whose text changes. A screen reader would announce an unchanged text again. */
export function setTexts(root, texts) {
  for (const [name, text] of Object.entries(texts)) {
    for (const element of root.querySelectorAll(`[data-live-text="${name}"]`)) {
      if (element.textContent !== text) element.textContent = text;
    }
  }
}

/** Call the action named in a pressed button's `data-action`. */
export function onActions(root, actions) {
  root.addEventListener("click", ({ target }) => {
    const name = target.closest("[data-action]")?.dataset.action;
    if (name) actions[name]();
  });
}

/** Return the body of the request that starts this page's practice. */
export function practiceRequest(root) {
  const { kind, mode, assignmentId, scenarioId } = root.dataset;
  if (kind === "assignment") return { type: "assignment", assignment_id: assignmentId };
  if (kind === "warm_up") return { type: "warm_up" };
  if (kind === "trial") return { type: "trial", scenario_id: scenarioId, mode };
  const focus = root.querySelector("[name=focus]")?.value.trim();
  return { type: "free_practice", mode, ...(scenarioId && { scenario_id: scenarioId }), ...(focus && { focus }) };
}
