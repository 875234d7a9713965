// Every key in one place. None counts in a field, with a modifier, or while an input method composes.
{
  const CARDS = "[data-board] .card a.t, [data-rows] :is(.rows, .table) a.t, [data-inbox] button.t";
  let leader = 0;

  const links = () => [...document.querySelectorAll(CARDS)].filter((link) => link.checkVisibility());
  const rowOf = (element) => element?.closest(".card, li, tr");
  const focusedLink = () => {
    const row = rowOf(document.activeElement);
    return row && links().find((link) => rowOf(link) === row);
  };
  const openTask = () => document.querySelector("[data-panel-of]")?.dataset.panelOf;
  const idOf = (link) => (link ? link.pathname.split("/").pop() : openTask());
  const cardOf = (id) => document.querySelector(`[data-cell] > #task-${id}`);

  const go = (link) => {
    link?.focus();
    link?.closest(".card, li, tr").scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const step = (by) => {
    const all = links();
    const here = all.indexOf(focusedLink() ?? cardOf(openTask())?.querySelector("a.t"));
    go(here < 0 ? all[0] : all[here + by]);
  };

  const columnBeside = (column, by) => {
    const columns = [...column.closest(".board").querySelectorAll(".col")];
    return columns[columns.indexOf(column) + by];
  };

  const across = (by) => {
    const card = focusedLink().closest(".card");
    if (!card) return;
    const place = [...card.parentNode.children].indexOf(card);
    let column = card.closest(".col");
    while ((column = columnBeside(column, by))) {
      const cards = column.querySelectorAll(".card a.t");
      if (cards.length) return go(cards[Math.min(place, cards.length - 1)]);
    }
  };

  const mayMove = () => !document.querySelector("[data-read-only]");
  const move = (values) => {
    if (!mayMove()) return;
    const id = idOf(focusedLink());
    if (id) ask("POST", `/tasks/${id}/moves`, values);
  };

  const reorder = (by) => {
    const card = focusedLink()?.closest(".card");
    const beside = by < 0 ? card?.previousElementSibling : card?.nextElementSibling;
    if (beside?.matches(".card")) move({ [by < 0 ? "before_id" : "after_id"]: beside.dataset.taskId });
  };

  const moveAcross = (by) => {
    const card = focusedLink()?.closest(".card");
    const column = card && columnBeside(card.closest(".col"), by);
    if (column) move("stageId" in column.dataset ? { stage_id: column.dataset.stageId } : { phase_id: column.dataset.phaseId });
  };

  const moveDialog = (focus) => {
    if (!mayMove()) return;
    const id = idOf(focusedLink());
    if (id) openDialog(`/tasks/${id}/moves/new`, focus);
  };

  const complete = () => {
    if (!mayMove()) return;
    const id = idOf(focusedLink());
    if (id) ask("PUT", `/tasks/${id}/completion`);
  };

  const help = () => {
    const keys = document.getElementById("keys-help");
    if (keys) openDialog(keys.content.cloneNode(true));
  };

  const actions = {
    j: () => step(1),
    k: () => step(-1),
    x: complete,
    m: () => moveDialog(),
    a: () => moveDialog("[name=owner_id]"),
    d: () => moveDialog("[name=due_on]"),
    z: () => document.querySelector("[data-undo]")?.click(),
    "?": help,
    Escape: () => closePanel(),
  };
  const onCard = { ArrowDown: () => step(1), ArrowUp: () => step(-1), ArrowLeft: () => across(-1), ArrowRight: () => across(1) };
  const withAlt = {
    ArrowUp: () => reorder(-1),
    ArrowDown: () => reorder(1),
    ArrowLeft: () => moveAcross(-1),
    ArrowRight: () => moveAcross(1),
  };

  // An element with data-key is where its key leads; the page's own go before those round it.
  const press = (keys) => {
    const place = document.querySelector(`main [data-key="${keys}"]`) ?? document.querySelector(`[data-key="${keys}"]`);
    if (!place) return false;
    if (place.matches("input")) place.focus();
    else place.click();
    return true;
  };

  const actionFor = (event) => {
    if (event.altKey) return focusedLink() && withAlt[event.key];
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const led = Date.now() - leader < 1500;
    leader = 0;
    if (led) return () => press(`g${key}`);
    if (key === "g") return () => (leader = Date.now());
    return actions[key] ?? (focusedLink() && onCard[key]) ?? (document.querySelector(`[data-key="${CSS.escape(key)}"]`) && (() => press(key)));
  };

  document.addEventListener(
    "keydown",
    (event) => {
      const composing = event.isComposing || event.keyCode === 229;
      if (composing && event.key === "Enter") event.preventDefault();
      if (composing || event.defaultPrevented || event.ctrlKey || event.metaKey || document.querySelector("dialog[open], :popover-open")) return;
      if (event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) {
        if (event.key === "Escape" && event.target.getAttribute("aria-activedescendant") === null) event.target.blur();
        return;
      }
      const action = actionFor(event);
      if (!action) return;
      event.preventDefault();
      action();
    },
    true,
  );
}
