// The filter bar draws the page anew round the field that is being typed in; so do changes on pages of rows.
const showPage = (address, how = {}) => {
  const main = document.getElementById("main");
  htmx.trigger(main, "htmx:abort");
  return htmx.ajax("GET", address, { source: main, target: main, select: "#main", swap: "outerMorph", ...how });
};

{
  let timer;

  const show = (form, how) => {
    clearTimeout(timer);
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    const task = document.querySelector("#panel:not([hidden]) [data-panel-of]")?.dataset.panelOf;
    if (task) query.set("task", task);
    const address = `${form.getAttribute("action")}?${query}`;
    showPage(address, { [how]: address });
  };

  const typed = ({ target, isComposing }) => {
    if (isComposing || !target.matches("#filters [type=search]")) return;
    clearTimeout(timer);
    timer = setTimeout(() => show(target.form, "replace"), 300);
  };

  document.addEventListener("input", typed);
  document.addEventListener("compositionend", ({ target }) => typed({ target }));
  document.addEventListener("change", ({ target }) => target.matches("#filters [data-submit]") && show(target.form, "push"));
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filters") return;
    event.preventDefault();
    show(event.target, "push");
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    const changed = ctx.request && ctx.request.method !== "GET" && ctx.response.status < 400;
    if (changed && document.querySelector("[data-rows]")) showPage(location.href);
  });
}
