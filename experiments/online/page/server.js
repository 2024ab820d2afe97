// Talks to the server. A lost connection is waited for: nothing that was told is lost or told twice.

const LONGEST_WAIT_MS = 5000;
const PATIENCE_MS = 60000;
const KEPT = 3; // bundles of images

export class Server {
  constructor(onLost, onBack) {
    this.onLost = onLost;
    this.onBack = onBack;
    this.link = "";
    this.bundles = new Map();
  }

  // The answer as an object; throws what the server refuses for good.
  async tell(path, message) {
    const answer = await this.ask(path, { method: "POST", body: JSON.stringify(message) });
    return answer.json();
  }

  // The images of a bundle, decoded; asked for again they are there already.
  images(token) {
    if (!token) return Promise.resolve([]);
    if (!this.bundles.has(token)) {
      const coming = this.decoded(token);
      coming.catch(() => this.bundles.delete(token));
      this.bundles.set(token, coming);
    }
    while (this.bundles.size > KEPT) this.bundles.delete(this.bundles.keys().next().value);
    return this.bundles.get(token);
  }

  async decoded(token) {
    const answer = await this.ask(`images/${token}`, {});
    const bytes = await answer.arrayBuffer();
    const numbers = new DataView(bytes);
    const count = numbers.getUint32(0);
    const images = [];
    let at = 4 * (count + 1);
    for (let i = 0; i < count; i++) {
      const length = numbers.getUint32(4 * (i + 1));
      const blob = new Blob([new Uint8Array(bytes, at, length)], { type: "image/png" });
      images.push(createImageBitmap(blob, { colorSpaceConversion: "none" }));
      at += length;
    }
    return Promise.all(images);
  }

  async ask(path, options) {
    let wait = 250;
    let lost = false;
    for (;;) {
      try {
        const answer = await fetch(path, {
          ...options,
          headers: { "Content-Type": "application/json", "X-Link": this.link },
          cache: "no-store",
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        // Too many requests, and what a proxy says while the server starts again, pass by themselves.
        if (answer.status === 429 || answer.status >= 500) throw new Error(String(answer.status));
        if (lost) this.onBack();
        if (!answer.ok) throw Object.assign(new Error(await answer.text()), { isFinal: true });
        return answer;
      } catch (error) {
        if (error.isFinal) throw error;
        if (wait > 1000 && !lost) {
          lost = true;
          this.onLost();
        }
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      }
    }
  }
}
