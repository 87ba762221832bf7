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
  function numberOf(text) {
    const found = parseFloat(text);
    return Number.isNaN(found) ? null : found;
  }
  function compared(one, other) {
    const [a, b] = [numberOf(one), numberOf(other)];
    return a === null || b === null ? one.localeCompare(other, undefined, { numeric: true }) : a - b;
  }
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button.sort");
    if (!button) return;
    const head = button.closest("th"), body = button.closest("table").tBodies[0];
    const column = Number(button.dataset.column), isUp = head.getAttribute("aria-sort") !== "ascending";
    button.closest("tr").querySelectorAll("th").forEach(function (each) { each.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    const words = function (row) { return row.cells[column].textContent.trim(); };
    const isEmpty = function (row) { return words(row) === "–"; };
    const rows = [...body.rows].sort(function (one, other) { // rows without a value stay below
      if (isEmpty(one) || isEmpty(other)) return isEmpty(one) - isEmpty(other);
      return (isUp ? 1 : -1) * compared(words(one), words(other));
    });
    body.append(...rows);
    status.textContent = "Sorted by " + button.textContent + (isUp ? ", ascending." : ", descending.");
  });
  document.addEventListener("input", function (event) {
    const field = event.target.closest("input.filter");
    if (!field) return;
    const wanted = field.value.toLowerCase(), rows = [...document.getElementById(field.dataset.table).tBodies[0].rows];
    rows.forEach(function (row) { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
    status.textContent = rows.filter(function (row) { return !row.hidden; }).length + " of " + rows.length + " runs.";
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
})();
