// “I’m …” is left out, because it also introduces what somebody is or feels.
const INTRODUCTIONS = [
  /\b[Mm]y name(?:’s| is|'s) ([A-Z][\p{L}’'-]{1,30})/u,
  /\b[Cc]all me ([A-Z][\p{L}’'-]{1,30})/u,
];

/** Return the name that a caller gives in these words, or "". Until then, a caller is “the caller”. */
export function nameIn(text) {
  for (const introduction of INTRODUCTIONS) {
    const found = introduction.exec(text);
    if (found) return found[1];
  }
  return "";
}
