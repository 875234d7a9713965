// The quick form at the foot of a column: opens with the caret in it, and stays ready for the next title.
{
  const enter = (form) => form?.querySelector("input:not([type=hidden])")?.focus({ preventScroll: true });

  document.addEventListener("toggle", ({ target }) => target.matches("details[open]") && enter(target.querySelector("form")), true);
  document.addEventListener("htmx:after:swap", () => {
    for (const form of document.querySelectorAll("[data-focus]")) {
      enter(form);
      delete form.dataset.focus;
    }
  });
  document.addEventListener("click", ({ target }) => {
    const details = target.closest("[data-close-details]")?.closest("details");
    if (!details) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}
