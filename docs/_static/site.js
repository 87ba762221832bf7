// Tables of three columns or more: each cell learns its column's name, which phones show in place of a heading.
addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll(".content table.docutils")) {
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
    if (names.length < 3) continue;
    table.classList.add("labelled");
    if (names.length > 10) table.classList.add("dense");
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.cells].forEach((cell, place) => names[place] && cell.setAttribute("data-label", names[place]));
  }
});
