// A text field while one writes: how long its text is, and where a passage of it stands.

export const number = (count) => count.toLocaleString("en-US");

// Characters as the server counts them: not the units in which a browser measures its strings.
export function lengthOf(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export function unitsBefore(text, characters) {
  let units = 0;
  for (const character of text) {
    if (characters-- <= 0) break;
    units += character.length;
  }
  return units;
}

// How much of its limit (and of what it needs at least, for which blanks around do not count) a field holds.
export function showLength(field, counter) {
  const least = Number(field.dataset.least ?? 0);
  const limit = Number(field.dataset.limit);
  const show = () => {
    const used = lengthOf(least ? field.value.trim() : field.value);
    const isShort = used > 0 && used < least;
    counter.classList.toggle("is-over", used > limit || isShort);
    counter.textContent = `${number(used)} of ${number(limit)} characters`;
    if (used > limit) counter.textContent += `: ${number(used - limit)} too many`;
    if (isShort) counter.textContent += `: ${number(least - used)} more are needed`;
  };
  field.addEventListener("input", show);
  show();
}

export function select(field, start, end) {
  field.focus();
  field.setSelectionRange(start, end);
  // Browsers show a selection that is out of sight only when the field takes the focus again.
  field.blur();
  field.focus();
}
