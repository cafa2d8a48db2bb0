/** Sound settings of this browser: the ring, the tone at a lost line, and letter keys. All are on until turned off. */
const PREFIX = "steadyline.call.";
const NAMES = ["ring", "tone", "letters"];

export function readSettings(storage = window.localStorage) {
  return Object.fromEntries(NAMES.map((name) => [name, read(storage, name) !== "off"]));
}

export function saveSetting(name, on, storage = window.localStorage) {
  try {
    storage.setItem(PREFIX + name, on ? "on" : "off");
  } catch {
    // A browser that keeps nothing applies the setting until the page closes.
  }
}

function read(storage, name) {
  try {
    return storage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}
