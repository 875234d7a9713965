// @ in a comment offers the people who can be called. A name may be found by any part of it.
{
  const listOf = (field) => document.getElementById(field.dataset.mentions);
  const shown = (list) => [...list.children].filter((option) => !option.hidden);
  const called = (field) => field.value.slice(0, field.selectionStart).match(/(?:^|[^A-Za-z0-9_])@([^@\n]{0,40})$/);

  const mark = (field, option) => {
    for (const other of listOf(field).children) other.setAttribute("aria-selected", String(other === option));
    if (option) {
      option.id ||= `${field.dataset.mentions}-${option.dataset.name}`;
      option.scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", option.id);
    } else field.removeAttribute("aria-activedescendant");
  };

  const close = (field) => {
    listOf(field).hidden = true;
    mark(field, null);
  };

  const offer = (field) => {
    const list = listOf(field);
    const wanted = called(field)?.[1].toLowerCase();
    if (!list || wanted === undefined) return list && close(field);
    const inside = field.form.querySelector("[data-shared]:not(:checked)"); // an internal comment calls nobody outside
    for (const option of list.children) {
      option.hidden = !option.dataset.name.toLowerCase().includes(wanted) || Boolean(inside && "outside" in option.dataset);
    }
    list.hidden = !shown(list).length;
    mark(field, shown(list)[0]);
  };

  // A comment that calls creators is kept from the other creators, so the button names those who will read it.
  const address = (field) => {
    const button = field.form.querySelector("[data-words]");
    if (!button) return;
    const outside = [...listOf(field).querySelectorAll("[data-outside]")].map((option) => option.dataset);
    const called = outside.filter((each) => each.outside === "creator" && field.value.includes(`@${each.name}`));
    const readers = outside.filter((each) => !called.length || each.outside !== "creator" || called.includes(each));
    button.textContent = button.dataset.words.replace("{names}", () => readers.map((each) => each.name).join(", "));
  };

  const take = (field, option) => {
    const start = field.selectionStart - called(field)[1].length;
    field.setRangeText(`${option.dataset.name} `, start, field.selectionStart, "end");
    close(field);
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const fieldOf = (list) => document.querySelector(`[data-mentions="${list.id}"]`);

  document.addEventListener("input", ({ target, isComposing }) => {
    if (!target.matches("[data-mentions]")) return;
    address(target);
    if (!isComposing) offer(target);
  });
  document.addEventListener("compositionend", ({ target }) => target.matches("[data-mentions]") && offer(target));
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (target.matches("[data-mentions]") && listOf(target) && !listOf(target).contains(relatedTarget)) close(target);
  });
  document.addEventListener("click", ({ target }) => {
    const option = target.closest(".mentions > [role=option]");
    if (option) take(fieldOf(option.parentNode), option);
  });
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!field.matches("[data-mentions]") || event.isComposing || event.keyCode === 229) return;
    const list = listOf(field);
    if (!list || list.hidden) return;
    const options = shown(list);
    const here = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") mark(field, options[(here + 1) % options.length]);
    else if (event.key === "ArrowUp") mark(field, options.at(here - 1));
    else if (event.key === "Enter" || event.key === "Tab") take(field, options[here]);
    else if (event.key === "Escape") close(field);
    else return;
    event.preventDefault();
  });
}
