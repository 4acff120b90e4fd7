// What pages gain from JavaScript beside htmx: text to copy, and a menu that starts closed on narrow windows.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
});

const menu = document.querySelector("details.menu");
if (menu && matchMedia("(max-width: 52rem)").matches) menu.open = false;
