import { ApiProblem } from "./sessions-api.js";
import { CallAudio, microphoneProblem } from "./call-audio.js";
import { CallerActivity } from "./caller-activity.js";
import { canSpeak, isSilent, TALKING } from "./call-state.js";
import { OwnSample } from "./own-sample.js";
import { SilenceWatch } from "./silence-watch.js";
import { rememberSoundCheck } from "./sound-check.js";
import * as tones from "./call-tones.js";

const SPEECH_LEVEL = 0.01;
const FRAMES_OF_SPEECH = 5;

/** Sound of the call page: microphone, loudspeaker, levels, and the counselor's own sample before the call. */
export class CallSound {
  #opening = null;
  #loudFrames = 0; // since the microphone was opened
  #speechFrames = 0; // in a row
  #silence = new SilenceWatch();
  #isMutedOutside = false; // on the headset or the computer
  #caller = new CallerActivity();
  #sample = null;

  constructor(page, settings) {
    this.page = page;
    this.settings = settings;
    this.raw = "rawMicrophone" in page.root.dataset || new URLSearchParams(window.location.search).get("raw") === "1";
  }

  /** Open the AudioContext once, after a user gesture, because browsers play no audio before one. */
  open() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  #open() {
    const { page } = this;
    const handlers = {
      level: (level) => this.#measureMicrophone(level),
      callerLevel: (level) => this.#measureCaller(level),
      frame: (frame) => page.line.sendFrame(frame),
      kept: (pcm) => this.#sample?.add(pcm),
      played: (report, at) => page.line.played(report, at),
      microphoneStopped: () => page.dispatch({ type: "microphone", status: "stopped" }),
      microphoneMuted: (on) => (this.#isMutedOutside = on),
    };
    return CallAudio.open(handlers).catch(() => {
      this.#opening = null;
      throw new ApiProblem(0, { detail: gettext("Sound could not be started on this page. Try a current browser.") });
    });
  }

  async useMicrophone(deviceId) {
    this.page.dispatch({ type: "microphone", status: "asking" });
    this.#loudFrames = 0;
    this.#silence = new SilenceWatch();
    this.#isMutedOutside = false;
    try {
      const audio = await this.open();
      await audio.useMicrophone({ deviceId, raw: this.raw });
      this.page.dispatch({ type: "microphone", status: "working" });
      this.page.view.listDevices(await audio.microphones(), await audio.speakers());
    } catch (error) {
      this.page.dispatch({ type: "microphone", status: microphoneProblem(error) });
    }
  }

  async useSpeaker(deviceId) {
    const audio = await this.open();
    await audio.useSpeaker(deviceId);
  }

  dropMicrophone() {
    this.#opening?.then((audio) => audio.dropMicrophone());
  }

  /** Record the counselor for a moment, play it back, and ask whether they heard themselves. */
  async sample() {
    const show = (status) => this.page.dispatch({ type: "sample", status });
    const audio = await this.open();
    this.#sample = new OwnSample(audio);
    show("recording");
    await this.#sample.record();
    if (this.page.state.sample !== "recording") return; // the call began, or another microphone was chosen
    show("playing");
    await this.#sample.play();
    if (this.page.state.sample === "playing") show("question");
  }

  judgeSample(isHeard) {
    this.page.dispatch({ type: "sample", status: isHeard ? "good" : "bad" });
  }

  // ---- Levels

  #measureMicrophone(level) {
    const { page } = this;
    const isOpen = canSpeak(page.state) && !isSilent(page.state);
    page.view.showMicrophoneLevel(isOpen ? level : 0);
    if (!canSpeak(page.state)) return;
    const isLoud = level > SPEECH_LEVEL;
    this.#speechFrames = isLoud ? this.#speechFrames + 1 : 0;
    if (isLoud) this.#loudFrames += 1;
    if (this.#loudFrames >= FRAMES_OF_SPEECH && !page.state.isHeard) this.#hearFirst();
    if (this.#speechFrames >= FRAMES_OF_SPEECH) this.#caller.counselorSpeaks();
    const isExpected = isSilent(page.state) || page.state.activity === "speaking";
    const isFlat = this.#silence.add(level, performance.now(), isExpected) || this.#isMutedOutside;
    if (isFlat !== page.state.isFlat) page.dispatch({ type: "flat", on: isFlat });
  }

  #hearFirst() {
    this.page.dispatch({ type: "heard" });
    rememberSoundCheck();
  }

  #measureCaller(level) {
    this.page.view.showCallerLevel(level);
    this.#caller.hear(level, performance.now());
    this.showActivity(performance.now());
  }

  expectAnswer() {
    this.#caller.expectAnswer(performance.now());
    this.showActivity(performance.now());
  }

  showActivity(now) {
    const { page } = this;
    if (page.state.phase !== TALKING) this.#caller.reset();
    const activity = this.#caller.at(now);
    if (activity !== page.state.activity) page.dispatch({ type: "activity", activity });
  }

  // ---- The line

  /** Ring before the first word. The line opens after the ring, so no recording contains it. */
  async ring() {
    if (this.settings.ring) await tones.ring((await this.open()).context);
  }

  playLoss() {
    if (this.settings.tone) this.#opening?.then((audio) => tones.playLoss(audio.context));
  }

  /** Silence the microphone, and hold the caller if the whole line is to be silent. */
  silence({ isMuted, chosenEnd }) {
    this.#opening?.then((audio) => {
      audio.mute(isMuted || Boolean(chosenEnd));
      audio.hold(Boolean(chosenEnd));
    });
  }

  resetPlayer() {
    this.#opening?.then((audio) => audio.sendToPlayer("reset"));
  }

  close() {
    this.#opening?.then((audio) => audio.close());
  }
}
