// The course line above a board on a phone: a tap goes to the column, and the column in sight is marked.
{
  const links = () => [...document.querySelectorAll("[data-course]")];
  const columnOf = (link) => document.getElementById(link.hash.slice(1));
  let watched = [];

  const seen = new IntersectionObserver(
    (entries) => {
      const column = entries.findLast((entry) => entry.isIntersecting)?.target;
      if (!column) return;
      for (const link of links()) {
        if (columnOf(link) === column) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { threshold: 0.6 },
  );

  const watch = () => {
    const columns = links().map(columnOf).filter(Boolean);
    if (columns.length === watched.length && columns.every((column, index) => column === watched[index])) return;
    seen.disconnect();
    for (const column of (watched = columns)) seen.observe(column);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-course]");
    if (!link) return;
    event.preventDefault();
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    columnOf(link)?.scrollIntoView({ behavior, block: "nearest", inline: "start" });
  });
  document.addEventListener("htmx:after:swap", watch);
  document.addEventListener("DOMContentLoaded", watch);
}
