// Makes an image smaller, with the same pixels in every browser: their own ways of doing so differ,
// and some leave pixels out. It is enlarged to a power of two times the size, if need be, and halved.

export function smaller(image, width, height) {
  let times = 1;
  while (times * width < image.width || times * height < image.height) times *= 2;
  if (times === 1) return image;
  for (; times >= 1; times /= 2) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [times * width, times * height];
    const context = canvas.getContext("2d", { alpha: false });
    context.imageSmoothingQuality = "low"; // bilinear
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    image = canvas;
  }
  return image;
}
