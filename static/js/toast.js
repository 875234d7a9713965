// A toast goes after ten seconds, but not from under the pointer or the focus. Alerts go when they are sent away.
{
  const STAYS = 10000;
  let timer;

  const leave = (toast) => {
    if (toast.matches(":hover, :focus-within")) timer = setTimeout(leave, 1000, toast);
    else toast.remove();
  };

  const wait = () => {
    const toast = document.querySelector("[data-toast]:not([data-toast=going])");
    if (!toast) return;
    toast.dataset.toast = "going";
    clearTimeout(timer);
    timer = setTimeout(leave, STAYS, toast);
  };

  document.addEventListener("DOMContentLoaded", wait);
  document.addEventListener("htmx:after:swap", wait);
  document.addEventListener("click", ({ target }) => target.closest("[data-dismiss]")?.closest(".banner").remove());
}
