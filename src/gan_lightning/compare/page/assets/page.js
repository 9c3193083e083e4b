"use strict";

// Tables: a click on a heading sorts by its column, a second click reverses the order. Cells without a value always
// come last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  for (const button of table.querySelectorAll("button[data-sort]")) {
    const head = button.closest("th");
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const sign = down ? -1 : 1;
      const text = button.dataset.sort === "text";
      const read = (row) => {
        const cell = row.cells[head.cellIndex];
        const value = cell.dataset.value ?? cell.textContent.trim();
        return text || value === "" ? value : Number(value);
      };
      const rows = [...body.rows].map((row) => [read(row), row]);
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        return sign * (text ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
      });
      body.append(...rows.map(([, row]) => row));
      for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  }
}

// Legend: if some names are pressed, their curves stay and the others fade.
const names = [...document.querySelectorAll(".legend button")];
for (const button of names) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    const chosen = new Set(names.filter((each) => each.ariaPressed === "true").map((each) => each.dataset.line));
    for (const chart of document.querySelectorAll(".chart")) {
      chart.classList.toggle("choosing", chosen.size > 0);
      for (const line of chart.querySelectorAll("g")) line.classList.toggle("chosen", chosen.has(line.dataset.line));
    }
  });
}

// Charts: a box shows the measurement that is nearest to the pointer, or the one that the arrow keys have reached.
for (const chart of document.querySelectorAll(".chart")) {
  const readings = JSON.parse(chart.dataset.readings);
  const svg = chart.querySelector("svg");
  const cursor = chart.querySelector(".cursor");
  const box = chart.querySelector(".reading");
  const colours = 10;
  let current = -1;

  const hide = () => {
    current = -1;
    box.hidden = true;
    cursor.setAttribute("hidden", "");
  };

  const show = (index) => {
    current = Math.max(0, Math.min(readings.length - 1, index));
    const { x, label, values } = readings[current];
    cursor.removeAttribute("hidden");
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    const title = document.createElement("b");
    title.textContent = label;
    const lines = values.map(([colour, name, text]) => {
      const line = document.createElement("div");
      const key = document.createElement("span");
      key.className = `key c${colour % colours}${colour < colours ? "" : " dashed"}`;
      line.append(key, `${name}: ${text}`);
      return line;
    });
    box.replaceChildren(title, ...lines);
    box.hidden = false;
    const scale = svg.clientWidth / svg.viewBox.baseVal.width;
    const beside = x * scale + 12;
    const fits = beside + box.offsetWidth <= chart.clientWidth;
    box.style.left = `${fits ? beside : Math.max(0, x * scale - 12 - box.offsetWidth)}px`;
  };

  const nearest = (x) => {
    let best = 0;
    readings.forEach((reading, index) => {
      if (Math.abs(reading.x - x) < Math.abs(readings[best].x - x)) best = index;
    });
    return best;
  };

  const point = (event) => {
    const frame = svg.getBoundingClientRect();
    show(nearest(((event.clientX - frame.left) / frame.width) * svg.viewBox.baseVal.width));
  };
  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("pointerleave", hide);
  chart.addEventListener("blur", hide);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") hide();
    if (step === undefined) return;
    event.preventDefault();
    show(current < 0 ? (step > 0 ? 0 : readings.length - 1) : current + step);
  });
}

// Films: one slider chooses the moment of training for all runs; a run with fewer pictures shows the nearest.
const slider = document.querySelector("#moment");
if (slider !== null) {
  const films = [...document.querySelectorAll(".film")].filter((film) => film.querySelector(".moment") !== null);
  const turn = () => {
    const share = Number(slider.max) ? Number(slider.value) / Number(slider.max) : 1;
    let longest = 0;
    for (const film of films) {
      const pictures = [...film.querySelectorAll("img")];
      const shown = Math.round(share * (pictures.length - 1));
      pictures.forEach((picture, index) => (picture.hidden = index !== shown));
      film.querySelector(".moment").textContent = pictures[shown].dataset.caption;
      if (pictures.length > longest) {
        longest = pictures.length;
        document.querySelector(".film-control output").textContent = pictures[shown].dataset.caption;
      }
    }
    slider.setAttribute("aria-valuetext", document.querySelector(".film-control output").textContent);
  };
  slider.addEventListener("input", turn);
  turn();
}
