// Pages, ratings and comments as HTML; every word and number of them comes from the server.

import { smaller } from "./smaller.js";

function make(name, words, ...classes) {
  const element = document.createElement(name);
  if (words) element.textContent = words;
  element.classList.add(...classes);
  return element;
}

function buttons(pairs, player) {
  const row = make("div", "", "buttons");
  for (const [key, words] of pairs) {
    const button = make("button", words);
    button.dataset.key = key;
    button.addEventListener("click", (event) => player.button(key, event));
    row.append(button);
  }
  return row;
}

function words(screen) {
  const box = make("div", "", "words");
  if (screen.heading) box.append(make("h1", screen.heading));
  for (const paragraph of (screen.body || "").split(/\n\n+/)) {
    if (paragraph) box.append(make("p", paragraph));
  }
  return box;
}

// Panels side by side, their images as large as the window lets them be.
function panels(list, images) {
  const row = make("div", "", "panels");
  const across = list.reduce((sum, panel) => sum + Math.min(panel.columns, panel.images.length), 0);
  const down = Math.max(...list.map((panel) => Math.ceil(panel.images.length / panel.columns)));
  const wide = (0.92 * window.innerWidth - 45 * list.length) / across - 6;
  const high = (0.46 * window.innerHeight) / Math.max(down, 2) - 6;
  const side = Math.max(24, Math.floor(Math.min(wide, high)));
  for (const panel of list) {
    const box = make("div", "", "panel");
    if (panel.title) box.append(make("h2", panel.title));
    const grid = make("div", "", "grid");
    grid.style.gridTemplateColumns = `repeat(${panel.columns}, ${side}px)`;
    panel.images.forEach((number, i) => {
      const cell = make("div", "");
      if (panel.correct === i) cell.classList.add("correct");
      const canvas = make("canvas", "");
      const ratio = window.devicePixelRatio || 1;
      canvas.width = canvas.height = Math.round(side * ratio);
      canvas.style.width = canvas.style.height = `${side}px`;
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      const image = smaller(images[number], canvas.width, canvas.height);
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      cell.append(canvas);
      grid.append(cell);
    });
    box.append(grid);
    row.append(box);
  }
  return row;
}

function page(stage, screen, images, player) {
  stage.append(words(screen));
  if (screen.panels.length) stage.append(panels(screen.panels, images));
  for (const note of screen.notes || []) {
    const line = make("p", note.words, "hint", ...(note.isCode ? ["code"] : []));
    if (note.address) {
      const link = make("a", note.words);
      link.href = note.address;
      line.replaceChildren(link);
    }
    stage.append(line);
  }
  if (screen.hint) stage.append(make("p", screen.hint, "hint"));
  if (screen.buttons.length) stage.append(buttons(screen.buttons, player));
}

function slider(stage, screen, images, player) {
  stage.append(make("h1", screen.question), panels(screen.panels, images));
  const scale = make("div", "", "scale");
  const ends = make("div", "", "ends");
  for (const end of screen.ends) ends.append(make("span", end));
  const track = make("div", "", "track");
  const left = (value) => `${(value + 100) / 2}%`;
  for (const [digit, value] of screen.jumps) {
    const jump = make("button", digit, "jump");
    jump.style.left = left(value);
    jump.dataset.key = digit;
    jump.addEventListener("click", (event) => player.button(digit, event));
    track.append(jump);
  }
  if (screen.value !== null) {
    const marker = make("div", "", "marker");
    marker.style.left = left(screen.value);
    track.append(marker);
  }
  scale.append(ends, track);
  stage.append(scale);
  stage.append(make("p", screen.hint, "hint"));
  if (screen.buttons.length) stage.append(buttons(screen.buttons, player));
}

function comment(stage, screen, images, player) {
  const box = make("textarea", "");
  const [[key, done]] = screen.buttons;
  box.value = player.typed;
  box.maxLength = 1000;
  box.addEventListener("input", () => (player.typed = box.value));
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.code === "Enter") player.confirmText(key, event);
  });
  const button = make("button", done);
  button.dataset.key = key;
  button.addEventListener("click", (event) => player.confirmText(key, event));
  stage.append(words({ body: screen.question }), box, make("p", screen.hint, "hint"), button);
  box.focus();
}

const KINDS = { page, slider, comment };

export function render(root, screen, images, player) {
  const stage = make("div", "", "stage");
  root.replaceChildren(stage);
  KINDS[screen.kind](stage, screen, images, player);
  root.scrollTop = 0;
}
