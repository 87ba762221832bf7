// Filters the table while the user types; without JavaScript the form filters.
"use strict";
(() => {
  const field = document.getElementById("q");
  const rows = [...document.querySelectorAll("#board tbody tr")];
  const found = document.getElementById("found");
  if (!field || !rows.length || field.value) return;
  const all = found.textContent.replace(/^\d+ of /, "");
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = !row.dataset.name.toLowerCase().includes(wanted);
      count += !row.hidden;
    }
    found.textContent = `${count} of ${all}`;
    const address = new URL(location);
    if (wanted) address.searchParams.set("q", field.value);
    else address.searchParams.delete("q");
    history.replaceState(null, "", address);
  });
})();
