// Character counters and passage selection for text fields.

const formatNumber = (count) => count.toLocaleString("en-US");

// Count characters (code points) as the server does, not UTF-16 units as `length` does.
export function lengthOf(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

// Convert a number of characters to UTF-16 units, in which browsers count selections.
export function unitsBefore(text, characters) {
  let units = 0;
  for (const character of text) {
    if (characters-- <= 0) break;
    units += character.length;
  }
  return units;
}

// Show the field's length against its limit. If the field has a minimum, surrounding whitespace does not count.
export function showLength(field, counter) {
  const minimum = Number(field.dataset.minimum ?? 0);
  const limit = Number(field.dataset.limit);
  const show = () => {
    const used = lengthOf(minimum ? field.value.trim() : field.value);
    const isShort = used > 0 && used < minimum;
    counter.classList.toggle("is-over", used > limit || isShort);
    let message = gettext("%(used)s of %(limit)s characters");
    if (used > limit) message = gettext("%(used)s of %(limit)s characters (%(over)s too many)");
    if (isShort) message = gettext("%(used)s of %(limit)s characters (%(missing)s more needed)");
    const counts = { used, limit, over: used - limit, missing: minimum - used };
    const shown = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, formatNumber(count)]));
    counter.textContent = interpolate(message, shown, true);
  };
  field.addEventListener("input", show);
  show();
}

export function select(field, start, end) {
  field.focus();
  field.setSelectionRange(start, end);
  // Browsers scroll to a selection that is out of view only when the field regains focus.
  field.blur();
  field.focus();
}
