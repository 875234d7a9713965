// Lists whose rows can be chosen: choose all, and how many are chosen.
document.addEventListener("change", ({ target }) => {
  const form = target.closest("[data-bulk]");
  if (!form) return;
  const boxes = [...form.querySelectorAll('[name="task_id"]')];
  if (target.matches("[data-all]")) for (const box of boxes) box.checked = target.checked;
  const count = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-all]");
  if (all) {
    all.checked = count === boxes.length;
    all.indeterminate = 0 < count && count < boxes.length;
  }
  const words = form.querySelector("[data-chosen]");
  words.textContent = count ? words.dataset.chosen.replace("#", count) : "";
});
