// A task beside the board. Its address is the board's own with ?task=, so that Back, Forward and a reload know it.
const closePanel = (() => {
  const panel = () => document.getElementById("panel");
  const shownTask = () => document.querySelector("[data-panel-of]")?.dataset.panelOf;
  let here;

  const withTask = (address, id) => {
    const url = new URL(address, location.href);
    url.searchParams.delete("task");
    if (id) url.searchParams.set("task", id);
    return url.pathname + url.search;
  };

  const load = async (id) => {
    await htmx.ajax("GET", `/tasks/${id}`, { source: panel(), target: panel(), swap: "innerHTML" });
    if (shownTask() !== id) return false;
    panel().hidden = false;
    panel().scrollTop = 0;
    panel().focus({ preventScroll: true });
    return true;
  };

  const open = async (id) => {
    if (shownTask() === id || !(await load(id))) return;
    const depth = (history.state?.depth ?? 0) + 1;
    history.pushState({ htmx: true, depth }, "", withTask(location.href, id));
  };

  const hide = () => {
    const id = shownTask();
    panel().hidden = true;
    panel().replaceChildren();
    document.querySelector(`[data-cell] > #task-${id} a.t`)?.focus({ preventScroll: true });
  };

  const close = () => {
    if (!panel() || panel().hidden) return;
    const { depth } = history.state ?? {};
    if (depth) return history.go(-depth);
    hide();
    history.replaceState({ htmx: true }, "", withTask(location.href));
  };

  const refresh = (ctx) => {
    const id = shownTask();
    const touched = ctx.live
      ? ctx.text.includes(`id="task-${id}"`)
      : ctx.request && ctx.request.method !== "GET" && ctx.response.status < 400;
    if (!id || !touched || ctx.text.includes('id="task-panel"') || document.querySelector("#task-panel form.doc")) return;
    htmx.ajax("GET", `/tasks/${id}`, { source: "#task-panel", target: "#task-panel", swap: "outerMorph" });
  };

  document.addEventListener("DOMContentLoaded", () => (here = withTask(location.href)));
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    here = withTask(location.href);
    if (panel()?.querySelector(".gone")) close();
    refresh(ctx);
  });
  document.addEventListener("htmx:before:history:restore", (event) => {
    const { path } = event.detail;
    if (!panel() || withTask(path) !== here) return;
    event.preventDefault();
    const id = new URL(path, location.href).searchParams.get("task");
    if (id) load(id);
    else hide();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("[data-board] .card a.t, #panel a:not([hx-get], [data-dialog], .only-panel)");
    const id = link?.pathname.match(/^\/tasks\/(\d+)$/)?.[1];
    if (event.target.closest("#panel [data-close-panel]")) close();
    else if (id && panel()) open(id);
    else return;
    event.preventDefault();
  });

  return close;
})();
