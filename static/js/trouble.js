// An answer that says what is wrong with a form comes into sight, wherever the reader had scrolled to.
document.addEventListener("htmx:after:swap", () => {
  const trouble = [...document.querySelectorAll("form[data-merge] [role=alert], form.edit [role=alert]")].find(
    (alert) => !alert.dataset.shown,
  );
  if (!trouble) return;
  trouble.dataset.shown = "yes";
  trouble.scrollIntoView({ block: "center" });
  const field = trouble.closest(".field")?.querySelector("[aria-invalid=true]");
  if (!field) trouble.tabIndex = -1;
  (field ?? trouble).focus({ preventScroll: true });
});
