// Draws each figure of the page from its own table, in the colours of the theme.
"use strict";

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(name).trim();

function columnsOf(table) {
  const headings = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  return headings.map((heading, place) => ({
    name: heading.textContent,
    role: heading.dataset.role,
    values: rows.map((row) => {
      const { value } = row.cells[place + 1].dataset;
      return value === "" ? null : Number(value);
    }),
  }));
}

function datasetsOf(table, kind) {
  let series = 0;
  const bounds = new Map();
  return columnsOf(table).map(({ name, role, values }) => {
    if (role === "value") series += 1;
    const ink = colour(`--series-${((series - 1) % 5) + 1}`);
    if (role !== "value" && kind === "bar") {
      // From its lower to its upper bound, a thin line on the bar.
      const low = role === "high" && bounds.get(series);
      if (!low) { bounds.set(series, values); return null; }
      return { label: name, data: values.map((value, row) => [low[row], value]), backgroundColor: colour("--ink"),
        barThickness: 2, grouped: false, isBand: true };
    }
    if (role !== "value") {
      // The upper bound is filled down to the lower one, which stands right before it.
      return { label: name, data: values, borderColor: "transparent", pointRadius: 0, type: "line",
        backgroundColor: `${ink}33`, fill: role === "high" ? "-1" : false, isBand: true };
    }
    return { label: name, data: values, borderColor: ink, backgroundColor: kind === "line" ? ink : `${ink}cc`,
      borderWidth: kind === "line" ? 2 : 0, pointRadius: values.length > 40 ? 0 : 3, tension: 0.2 };
  }).filter(Boolean);
}

function draw(figure) {
  const table = figure.querySelector("table");
  if (!table) return;
  const { kind, x, y } = figure.dataset;
  const datasets = datasetsOf(table, kind);
  const axis = (text, extra) => ({
    title: { display: true, text, color: colour("--muted") },
    ticks: { color: colour("--muted"), maxRotation: 0, autoSkipPadding: 16 },
    grid: { color: colour("--line") }, stacked: kind === "stacked", ...extra,
  });
  figure.querySelector(".canvas").hidden = false;
  new Chart(figure.querySelector("canvas"), {
    type: kind === "line" ? "line" : "bar",
    data: { labels: [...table.tBodies[0].rows].map((row) => row.cells[0].textContent), datasets },
    options: {
      animation: false, maintainAspectRatio: false, interaction: { mode: "index", intersect: false },
      scales: { x: axis(x, { grid: { display: false } }), y: axis(y, { beginAtZero: true }) },
      plugins: {
        legend: { labels: { color: colour("--ink"), filter: ({ datasetIndex }) => !datasets[datasetIndex].isBand } },
        tooltip: { filter: ({ dataset }) => !dataset.isBand },
      },
    },
  });
}

const drawAll = (root) => root.querySelectorAll("figure[data-kind]").forEach(draw);
drawAll(document);
document.addEventListener("htmx:afterSwap", (event) => drawAll(event.detail.target));
