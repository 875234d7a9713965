// The merge screen: a press puts theirs or mine into the form's field.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-take]");
  if (!button) return;
  const field = button.form.elements[button.dataset.take];
  if (field.type === "checkbox") field.checked = Boolean(button.dataset.value);
  else field.value = button.dataset.value;
  if (field.selectedIndex === -1) field.selectedIndex = 0; // the first choice of a list is none
  for (const other of button.closest("tr").querySelectorAll("[data-take]")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
});
