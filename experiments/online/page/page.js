// Begins a participant's session and runs it to its end.

import { Painter } from "./painter.js";
import { Server } from "./server.js";
import { LATE, Player, stagePlugin } from "./stage.js";
import { cardWidth } from "./card.js";

const words = JSON.parse(document.body.dataset.words);
const notice = document.getElementById("notice");
const root = document.getElementById("study");
const FRAMES = 40;

function say(text, button, action) {
  notice.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
  if (button) {
    const press = Object.assign(document.createElement("button"), { textContent: button });
    press.addEventListener("click", action);
    notice.append(press);
  }
  notice.hidden = false;
}

// The nominal duration of a frame in milliseconds: the mean of some that were not late, as some
// browsers round times to whole milliseconds.
function frameDuration() {
  const times = [];
  return new Promise((resolve) => {
    requestAnimationFrame(function frame(now) {
      times.push(now);
      if (times.length <= FRAMES) return requestAnimationFrame(frame);
      const intervals = times.slice(1).map((time, i) => time - times[i]);
      const median = [...intervals].sort((a, b) => a - b)[FRAMES / 2];
      const usual = intervals.filter((interval) => interval <= LATE * median);
      return resolve(usual.reduce((sum, interval) => sum + interval, 0) / usual.length);
    });
  });
}

function person() {
  const given = Object.fromEntries(new URLSearchParams(window.location.search));
  if (!words.anyone) return given;
  // Who comes without an id is known by this browser alone.
  const key = "unitscope-person";
  if (!localStorage.getItem(key)) {
    const numbers = crypto.getRandomValues(new Uint32Array(4)); // without https, too
    localStorage.setItem(key, Array.from(numbers, (number) => number.toString(36)).join("-"));
  }
  return { id: localStorage.getItem(key), ...given };
}

function large([width, height]) {
  return window.innerWidth >= width && window.innerHeight >= height;
}

// Waits until the window is large enough for the layout.
async function enlarged(needed) {
  while (!large(needed)) {
    const text = words.small
      .replace("{width}", needed[0])
      .replace("{height}", needed[1])
      .replace("{has_width}", window.innerWidth)
      .replace("{has_height}", window.innerHeight);
    await new Promise((resolve) => {
      window.addEventListener("resize", resolve, { once: true });
      say(text, words.whole_screen, () => {
        const page = document.documentElement;
        (page.requestFullscreen || page.webkitRequestFullscreen)?.call(page);
      });
    });
  }
  notice.hidden = true;
}

async function main() {
  const server = new Server(
    () => say(words.lost),
    () => (notice.hidden = true),
  );
  say(words.wait);
  const frame = await frameDuration();
  const about = { person: person() };
  let pxPerCm = null;
  let asked = await server.tell("who", about);
  if (asked.wants_card) {
    pxPerCm = await cardWidth(notice, words);
    asked = await server.tell("who", { ...about, px_per_cm: pxPerCm });
  }
  if (asked.refused || asked.failed) return say(asked.refused || asked.failed);
  const { needed } = asked;
  await enlarged(needed);
  const plan = await server.tell("begin", {
    ...about,
    width_px: window.innerWidth,
    height_px: window.innerHeight,
    px_per_cm: pxPerCm,
    frame_s: frame / 1000,
    ratio: window.devicePixelRatio || 1,
    browser: navigator.userAgent,
  });
  if (plan.refused || plan.failed) return say(plan.refused || plan.failed);
  notice.hidden = true;
  server.link = plan.link;
  const painter = new Painter(document.getElementById("screen"));
  const player = new Player(server, painter, root, words, frame);
  let isLarge = true;
  window.addEventListener("resize", async () => {
    if (!isLarge || large(needed)) return;
    isLarge = false;
    player.seen(false);
    await enlarged(needed);
    player.seen(true);
    isLarge = true;
  });
  const plans = { plan };
  const jsPsych = jsPsychModule.initJsPsych({ display_element: root });
  const stage = { type: stagePlugin(player, plans) };
  // The last page stays.
  return jsPsych.run([{ timeline: [stage], loop_function: () => true }]);
}

if (!document.documentElement.dataset.old) main().catch(() => say(words.failed));
