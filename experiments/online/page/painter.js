// Draws the elements of a trial's screen: places in pixels from the middle of the window, y upwards.

import { smaller } from "./smaller.js";

const FONT = '"Noto Sans", "Segoe UI", Roboto, Arial, sans-serif';
const LEAST_PX = 10;

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.sized = new WeakMap(); // of images that were made smaller
    this.fit();
  }

  fit() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(window.innerWidth * ratio);
    this.canvas.height = Math.round(window.innerHeight * ratio);
    this.ratio = ratio;
    this.middle = [Math.floor(this.canvas.width / 2), Math.floor(this.canvas.height / 2)];
  }

  draw(elements, images) {
    const context = this.context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#808080";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(this.ratio, 0, 0, this.ratio, ...this.middle);
    for (const [kind, ...rest] of elements) this[kind](rest, images);
  }

  // A place of a click in the same pixels.
  place(event) {
    const [x, y] = [event.clientX * this.ratio, event.clientY * this.ratio];
    return [
      Math.round((x - this.middle[0]) / this.ratio),
      Math.round((this.middle[1] - y) / this.ratio),
    ];
  }

  // Makes the images of screens as small as they are drawn, which takes longer than a frame.
  prepare(screens, images) {
    for (const { elements } of screens) {
      for (const [kind, number, , , width, height] of elements || []) {
        if (kind === "image") this.fitting(images[number], width, height);
      }
    }
  }

  fitting(image, width, height) {
    const size = [width, height].map((side) => Math.round(side * this.ratio));
    const made = this.sized.get(image);
    if (made && made.width === size[0] && made.height === size[1]) return made;
    this.sized.set(image, smaller(image, ...size));
    return this.sized.get(image);
  }

  image([number, x, y, width, height], images) {
    const bitmap = this.fitting(images[number], width, height);
    this.context.imageSmoothingEnabled = bitmap.width !== width * this.ratio;
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(bitmap, x - width / 2, -y - height / 2, width, height);
  }

  bar([x, y, width, height, color, edge]) {
    const context = this.context;
    context.fillStyle = color;
    context.fillRect(x - width / 2, -y - height / 2, width, height);
    if (edge) this.frame([x, y, width - 2, height - 2, 2, edge]);
  }

  frame([x, y, width, height, line, color]) {
    const context = this.context;
    context.strokeStyle = color;
    context.lineWidth = line;
    context.lineJoin = "miter";
    context.strokeRect(x - (width + line) / 2, -y - (height + line) / 2, width + line, height + line);
  }

  line([points, width, color]) {
    const context = this.context;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, -y) : context.moveTo(x, -y)));
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  }

  disc([x, y, size, color]) {
    const context = this.context;
    context.beginPath();
    context.arc(x, -y, size / 2, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.fill();
    context.strokeStyle = "#f2f2f2";
    context.lineWidth = 2;
    context.stroke();
  }

  text([words, x, y, width, height, px, bold, color, side]) {
    const context = this.context;
    let lines = this.wrapped(words, width, px, bold);
    while (lines.length * px * 1.2 > height && px > LEAST_PX) {
      px *= 0.92;
      lines = this.wrapped(words, width, px, bold);
    }
    context.fillStyle = color;
    context.textAlign = side;
    context.textBaseline = "middle";
    lines.forEach((line, i) => {
      context.fillText(line, x, -y + (i - (lines.length - 1) / 2) * px * 1.2);
    });
  }

  wrapped(words, width, px, bold) {
    this.context.font = `${bold ? "bold " : ""}${px}px ${FONT}`;
    const lines = [];
    for (const paragraph of words.split("\n")) {
      let line = "";
      for (const word of paragraph.split(" ")) {
        const longer = line ? `${line} ${word}` : word;
        if (line && this.context.measureText(longer).width > width) {
          lines.push(line);
          line = word;
        } else {
          line = longer;
        }
      }
      lines.push(line);
    }
    return lines;
  }
}
