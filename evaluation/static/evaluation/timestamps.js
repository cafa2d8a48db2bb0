/** Format milliseconds as 0:07, 12:30, or 1:02:03, like the server. */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Return the milliseconds of a hash such as `#t=83.5` or `#t=1:23`, or null if it names no moment. */
export function momentIn(hash) {
  const found = /^#t=(\d{1,2}:)?(\d{1,4}:)?(\d{1,6}(?:\.\d{1,3})?)$/.exec(hash);
  if (!found) return null;
  const parts = hash.slice(3).split(":").map(Number);
  return Math.round(1000 * parts.reduce((sum, part) => 60 * sum + part, 0));
}
