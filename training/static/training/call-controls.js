import { CallPage } from "./call-page.js";
import { readSettings, saveSetting } from "./sound-settings.js";

const TICK_MS = 250;

/** Buttons, keys, and window events of the call page. */
export class CallControls {
  #actions;
  #settings = readSettings();

  constructor(root) {
    const page = new CallPage(root, this.#settings);
    this.root = root;
    this.page = page;
    this.#actions = {
      check: () => page.checkMicrophone(),
      type: () => page.typeInstead(),
      speak: () => page.speak(),
      sample: () => page.sound.sample(),
      "heard-myself": () => page.sound.judgeSample(true),
      "not-heard": () => page.sound.judgeSample(false),
      start: () => page.start(),
      "end-other": () => page.endOtherCall(),
      reconnect: () => page.line.connect(),
      "take-over": () => page.line.connect({ takeOver: true }),
      mute: () => page.toggleMute(),
      "toggle-typing": () => this.#toggleTyping(),
      "toggle-transcript": () => page.view.toggleTranscript(),
      end: () => page.ending.choose("end"),
      stop: () => page.ending.choose("stop"),
      "undo-end": () => page.ending.undo(),
      "end-now": () => page.ending.endNow(),
      stay: () => {},
      "start-over": () => page.startOver(),
    };
    this.#listenToFields();
    this.#listenToWindow();
    document.addEventListener("keydown", (event) => this.#pressed(event));
    setInterval(() => page.tick(performance.now()), TICK_MS);
  }

  act(name) {
    for (const menu of this.root.querySelectorAll(".call details[open]")) menu.open = false;
    this.#actions[name]();
  }

  #listenToFields() {
    for (const select of this.root.querySelectorAll("[data-devices]"))
      select.addEventListener("change", () => this.page.checkMicrophone(select.value));
    for (const select of this.root.querySelectorAll("[data-speakers]"))
      select.addEventListener("change", () => this.page.sound.useSpeaker(select.value));
    for (const box of this.root.querySelectorAll("[data-setting]")) {
      box.addEventListener("change", () => {
        this.#settings[box.dataset.setting] = box.checked;
        saveSetting(box.dataset.setting, box.checked);
        this.#showSettings();
      });
    }
    this.#showSettings();
    this.root.querySelector("[data-say]").addEventListener("submit", (event) => {
      event.preventDefault();
      this.page.sendTyped();
    });
  }

  #showSettings() {
    for (const box of this.root.querySelectorAll("[data-setting]")) box.checked = this.#settings[box.dataset.setting];
    for (const button of this.root.querySelectorAll("[data-letter]")) {
      if (this.#settings.letters) button.setAttribute("aria-keyshortcuts", button.dataset.letter);
      else button.removeAttribute("aria-keyshortcuts");
    }
  }

  #listenToWindow() {
    const { page } = this;
    window.addEventListener("beforeunload", (event) => {
      if (page.warnsBeforeLeaving) event.preventDefault();
      else page.ending.leave(); // a request that begins while the page is being replaced may be dropped
    });
    window.addEventListener("pagehide", () => page.leave());
    window.addEventListener("offline", () => page.line.dropDeadLine());
    window.addEventListener("online", () => page.line.tryNow());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && page.line.tryNow());
  }

  /** M mutes, T types, Esc closes the box. Letters do nothing in a field, and can be turned off. End has no key. */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.page.hasControls) return;
    const isWriting = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && this.root.querySelector("[data-say]").contains(event.target)) this.#toggleTyping();
    if (isWriting || !this.#settings.letters) return;
    const key = event.key.toLowerCase();
    if (key === "m") this.page.toggleMute();
    if (key !== "t") return;
    event.preventDefault(); // the letter must not land in the box that it opens
    this.#toggleTyping(true);
  }

  #toggleTyping(on) {
    const isOpen = this.page.toggleTyping(on);
    const place = isOpen ? "[data-say] [name=text]" : "[data-action=toggle-typing]";
    this.root.querySelector(place).focus();
  }
}
