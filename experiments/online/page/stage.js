// A jsPsych plugin that shows one stage of a session as the server plans it, and reports what is
// pressed and when. It knows nothing of tasks: the server alone says what follows what.

import { render } from "./screens.js";

export const LATE = 1.5; // frames: as the lab counts dropped ones
const TYPED = ["Escape", "F10"];
const PRESSING = ["Enter", "NumpadEnter", "Space"];

// WebKit's times of presses can be some milliseconds ahead of its clock.
function timeOf(event) {
  return Math.min(event.timeStamp, performance.now());
}

export class Player {
  constructor(server, painter, study, words, frame) {
    Object.assign(this, { server, painter, study, words, frame });
    this.events = [];
    this.number = 0;
    this.isTelling = false;
    this.typed = "";
    document.addEventListener("keydown", (event) => this.onKey(event));
    painter.canvas.addEventListener("pointerdown", (event) => this.onPointer(event));
    document.addEventListener("visibilitychange", () => this.seen(!document.hidden));
    window.addEventListener("resize", () => this.redraw());
  }

  // Shows a stage until the server tells of the next one; resolves to that plan.
  async show(plan) {
    this.images = await this.server.images(plan.images);
    this.server.images(plan.next_images).catch(() => {}); // asked for again when they are due
    this.painter.prepare(plan.screens, this.images);
    this.plan = plan;
    this.next = null;
    this.frames = this.late = 0;
    this.largest = null;
    this.last = null;
    this.typed = "";
    this.begin(plan);
    return new Promise((resolve) => {
      this.resolve = resolve;
      cancelAnimationFrame(this.coming);
      this.coming = requestAnimationFrame((now) => this.onFrame(now));
      if (this.events.length) this.tell();
    });
  }

  begin(plan) {
    this.plan = plan;
    this.at = 0;
    this.isOver = false;
    this.drawing = 0;
    this.draw();
    // What was shown of the plan before matters no more; what was pressed does.
    this.events = this.events.filter((event) => !["flip", "late", "over"].includes(event.kind));
  }

  draw() {
    const screen = this.plan.screens[this.at];
    const isDrawn = screen.kind === "drawn";
    this.study.hidden = isDrawn;
    if (isDrawn) this.painter.draw(screen.elements, this.images);
    else {
      this.painter.draw([], []);
      render(this.root, screen, this.images, this);
    }
  }

  redraw() {
    this.painter.fit();
    if (this.plan) this.draw();
  }

  // What was drawn in the frame before came on the screen with the refresh that this one follows.
  onFrame(now) {
    if (!this.resolve) return;
    this.frames += 1;
    const interval = this.last === null ? null : now - this.last;
    this.last = now;
    if (interval !== null) this.largest = Math.max(this.largest || 0, interval);
    const isLate = interval > LATE * this.frame;
    this.late += isLate;
    if (this.drawing !== null) {
      const { phase } = this.plan.screens[this.drawing];
      if (phase !== this.phase || this.stage !== this.plan.stage) this.onset = now;
      this.phase = phase;
      this.stage = this.plan.stage;
      // For whoever looks at the page from outside, such as our tests.
      const { stage, turn, over } = this.plan;
      Object.assign(document.body.dataset, { stage, turn, phase, over });
      this.note({ kind: "flip", screen: this.drawing, ...this.ofFrame(interval) }, now);
      this.drawing = null;
    } else if (isLate) {
      this.note({ kind: "late", screen: this.at, ...this.ofFrame(interval) }, now);
    }
    if (this.next) {
      const plan = this.next;
      this.next = null;
      this.begin(plan);
    } else this.advance(now);
    this.coming = requestAnimationFrame((then) => this.onFrame(then));
  }

  ofFrame(interval) {
    return { frame: this.frames, interval_s: interval === null ? null : interval / 1000 };
  }

  // The next screen's turn has come where its flip is the one nearest to the present one's end.
  advance(now) {
    const { lasts_s: lasts } = this.plan.screens[this.at];
    const flip = now + this.frame;
    if (this.drawing !== null || lasts === null) return;
    if (flip - this.onset < 1000 * lasts - this.frame / 2) return;
    if (this.at + 1 < this.plan.screens.length) {
      this.at += 1;
      this.drawing = this.at;
      this.draw();
    } else if (!this.isOver) {
      this.isOver = true;
      this.note({ kind: "over", screen: this.at, frame: this.frames }, flip);
      this.tell();
    }
  }

  onKey(event) {
    if (!this.plan || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    // A button that has the focus is pressed by these keys, whatever else they mean on its page.
    if (event.target.tagName === "BUTTON" && PRESSING.includes(event.code)) return;
    if (this.plan.screens[this.at].kind === "comment") {
      if (!TYPED.includes(event.code)) return;
      if (event.code === "F10") this.note({ kind: "text", text: this.typed }, timeOf(event));
    }
    if (event.code !== "Tab" && !/^F(?!10)\d+$/.test(event.code)) event.preventDefault();
    this.press({ code: event.code, typed: event.key || "" }, event);
  }

  onPointer(event) {
    if (event.button !== 0 || !this.plan) return;
    const [x, y] = this.painter.place(event);
    this.press({ code: "click", x, y }, event);
  }

  // Whether the stage can be seen: not behind another tab, nor in a window that is too small.
  seen(isSeen) {
    this.note({ kind: isSeen ? "visible" : "hidden" }, performance.now());
    this.tell();
  }

  // A button on a page stands for the key that it names.
  button(key, event) {
    this.note({ kind: "button", key }, timeOf(event));
    this.tell();
  }

  confirmText(key, event) {
    this.note({ kind: "text", text: this.typed }, timeOf(event));
    this.button(key, event);
  }

  press(what, event) {
    this.note({ kind: "press", ...what }, timeOf(event));
    this.tell();
  }

  note(event, milliseconds) {
    this.events.push({ ...event, time_s: milliseconds / 1000 });
  }

  async tell() {
    if (this.isTelling || !this.resolve || this.plan.over) return;
    this.isTelling = true;
    const events = this.events;
    this.events = [];
    this.number += 1;
    const answer = await this.told({
      run: this.plan.run,
      number: this.number,
      turn: this.plan.turn,
      frames: this.frames,
      late: this.late,
      largest_s: this.largest === null ? null : this.largest / 1000,
      events,
    });
    this.isTelling = false;
    this.take(answer);
    if (this.resolve && this.events.some((event) => ["press", "button", "over"].includes(event.kind)))
      this.tell();
  }

  // What the server refuses for good ends the visit; the session can be resumed.
  async told(report) {
    try {
      return await this.server.tell("report", report);
    } catch {
      return { failed: this.words.failed };
    }
  }

  take(answer) {
    if (answer.go_on) {
      this.isOver = false;
      return;
    }
    if (answer.begin_again) window.location.reload();
    else if (answer.elsewhere) this.notice(this.words.elsewhere);
    else if (answer.failed) this.notice(answer.failed);
    else if (answer.stage === this.plan.stage && !answer.over) this.next = answer;
    else {
      const { resolve } = this;
      this.resolve = null;
      resolve(answer);
    }
  }

  notice(words) {
    this.resolve = null;
    const notice = document.getElementById("notice");
    notice.replaceChildren(Object.assign(document.createElement("p"), { textContent: words }));
    notice.hidden = false;
  }
}

// The plugin's one parameter is the player's plan; its data is the number of the stage.
export function stagePlugin(player, plans) {
  return class UnitscopeStage {
    static info = {
      name: "unitscope-stage",
      version: "1.0.0",
      parameters: {},
      data: { stage: { type: jsPsychModule.ParameterType.INT } },
    };

    constructor(jsPsych) {
      this.jsPsych = jsPsych;
    }

    trial(display) {
      const { plan } = plans;
      player.root = display;
      const next = (then) => {
        plans.plan = then;
        this.jsPsych.finishTrial({ stage: plan.stage });
      };
      // Without its images nothing can be shown.
      player.show(plan).then(next, () => player.notice(player.words.failed));
    }
  };
}
