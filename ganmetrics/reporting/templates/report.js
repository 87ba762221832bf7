"use strict";
(function () {
  const status = document.getElementById("status");
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) { // no permission, or an old browser
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) throw error;
    }
  }
  document.addEventListener("click", async function (event) {
    const button = event.target.closest("button.copy");
    if (!button) return;
    try {
      await copy(button.dataset.copy);
      button.textContent = "Copied";
      status.textContent = "Copied to the clipboard.";
    } catch (error) {
      button.textContent = "Not copied";
      status.textContent = "The browser does not allow copying; select the text instead.";
    }
    setTimeout(function () { button.textContent = "Copy"; status.textContent = ""; }, 2000);
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
})();
