// [data-print]: prints the page.
document.querySelectorAll("[data-print]").forEach((button) => (button.hidden = false));
document.addEventListener("click", ({ target }) => target.closest("[data-print]") && window.print());
