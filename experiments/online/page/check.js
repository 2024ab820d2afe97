// Written for browsers of any age: says so where one cannot show the study.
(function () {
  function isNew() {
    return (
      typeof Promise === "function" &&
      typeof window.fetch === "function" &&
      typeof window.createImageBitmap === "function" &&
      typeof window.requestAnimationFrame === "function" &&
      typeof window.AbortSignal === "function" &&
      typeof window.AbortSignal.timeout === "function" &&
      "noModule" in document.createElement("script") &&
      typeof Array.prototype.at === "function"
    );
  }
  if (!isNew()) {
    var words = JSON.parse(document.body.getAttribute("data-words"));
    var notice = document.getElementById("notice");
    notice.appendChild(document.createElement("p")).textContent = words.old_browser;
    notice.removeAttribute("hidden");
    document.documentElement.setAttribute("data-old", "yes");
  }
})();
