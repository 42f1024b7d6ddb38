"use strict";
// A click on a column's heading sorts its table; a second click sorts it the other way. Without scripts tables are
// read as they stand. Written without the characters that XML would want escaped.
document.querySelectorAll("table.sortable").forEach(function (table) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach(function (head, column) {
    head.querySelector("button").addEventListener("click", function () {
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("thead th").forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = function (row) {
        const cell = row.cells[column];
        return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
      };
      const compare = function (a, b) {
        const x = key(a), y = key(b);
        if (typeof x === "number" ? typeof y === "number" : false) {
          return Number.isNaN(x) ? 1 : Number.isNaN(y) ? -1 : down ? y - x : x - y;
        }
        return down ? String(y).localeCompare(String(x)) : String(x).localeCompare(String(y));
      };
      Array.from(body.rows).sort(compare).forEach(function (row) { body.appendChild(row); });
    });
  });
});
