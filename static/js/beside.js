// A link that opens something beside what is on the page: the page is drawn anew round it, so nothing jumps.
document.addEventListener("click", async (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a[data-beside]");
  if (!link) return;
  event.preventDefault();
  await showPage(link.href, { push: link.href });
  document.querySelector("#main [autofocus]")?.focus();
});
