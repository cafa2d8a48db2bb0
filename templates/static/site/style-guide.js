// Shows states that need a pointer or a keyboard: <… data-show="hover"> and data-show="focus" look as if they had it.

const STATES = { ":hover": '[data-show~="hover"]', ":focus-visible": '[data-show~="focus"]' };

/** Repeat each rule of a sheet or a group that is about a state, right behind it. */
function repeat(group) {
  for (let index = group.cssRules.length - 1; index >= 0; index -= 1) {
    const rule = group.cssRules[index];
    if (rule.cssRules?.length) repeat(rule);
    for (const [state, shown] of Object.entries(STATES)) {
      if (!rule.selectorText?.includes(state)) continue;
      group.insertRule(rule.cssText.replaceAll(state, shown), index + 1);
    }
  }
}

for (const sheet of document.styleSheets) repeat(sheet);
