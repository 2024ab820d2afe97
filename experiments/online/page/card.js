// How many pixels a centimetre has on this screen: a bank card is held against it.

const CARD_CM = [8.56, 5.398]; // ISO/IEC 7810 ID-1

export function cardWidth(notice, words) {
  return new Promise((resolve) => {
    const text = Object.assign(document.createElement("p"), { textContent: words.card });
    const card = Object.assign(document.createElement("div"), { id: "card" });
    const slide = Object.assign(document.createElement("input"), {
      type: "range", min: 150, max: 900, step: 1, value: 324,
    });
    const done = Object.assign(document.createElement("button"), { textContent: words.card_done });
    const fit = () => {
      card.style.width = `${slide.value}px`;
      card.style.height = `${(slide.value * CARD_CM[1]) / CARD_CM[0]}px`;
    };
    slide.addEventListener("input", fit);
    done.addEventListener("click", () => resolve(slide.value / CARD_CM[0]));
    slide.setAttribute("aria-label", words.card_done);
    fit();
    notice.replaceChildren(text, card, slide, done);
    notice.hidden = false;
    slide.focus();
  });
}
