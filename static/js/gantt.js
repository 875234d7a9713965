// [data-gantt]: bars are dragged, or pushed with the arrow keys; the dates that come out of it are asked for in the
// dialog of dates, which says what they push. The server draws the chart anew; until then the bar only looks moved.
{
  const LONG_PRESS = 350;
  const SLACK = 6; // so far a finger or a mouse may tremble before it drags
  const chart = document.querySelector("[data-gantt]");
  const KEPT = "gantt";

  // Days without a browser's Date, which knows them only as moments of some zone: counted in the calendar itself.
  const toNumber = (iso) => {
    let [year, month, day] = iso.split("-").map(Number);
    if (month < 3) [year, month] = [year - 1, month + 12];
    return 365 * year + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400) + Math.floor((153 * month - 457) / 5) + day - 306;
  };
  const toDay = (number) => {
    const shifted = number + 305;
    const era = Math.floor(shifted / 146097);
    const rest = shifted - era * 146097;
    const of = Math.floor((rest - Math.floor(rest / 1460) + Math.floor(rest / 36524) - Math.floor(rest / 146096)) / 365);
    const inYear = rest - (365 * of + Math.floor(of / 4) - Math.floor(of / 100));
    const moon = Math.floor((5 * inYear + 2) / 153);
    const month = moon < 10 ? moon + 3 : moon - 9;
    const parts = [of + era * 400 + (month < 3), month, inYear - Math.floor((153 * moon + 2) / 5) + 1];
    return parts.map((part, place) => String(part).padStart(place ? 2 : 4, "0")).join("-");
  };
  const isMoment = (text) => text.includes("T");
  const later = (text, steps) => {
    if (!isMoment(text)) return toDay(toNumber(text) + steps);
    return new Date(Date.parse(text) + steps * 3600000).toISOString().replace(".000Z", "Z");
  };
  // How a moment is told: on the reader's clock.
  const told = (text) => {
    if (!isMoment(text)) return text.slice(5);
    const digits = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const parts = new Intl.DateTimeFormat("en", { ...digits, timeZone: chart.dataset.hours }).formatToParts(Date.parse(text));
    const { month, day, hour, minute } = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
    return `${month}-${day} ${hour}:${minute}`;
  };
  const distance = (from, to) => (isMoment(from) ? (Date.parse(to) - Date.parse(from)) / 3600000 : toNumber(to) - toNumber(from));

  const start = () => {
    const plot = chart.querySelector(".plot");
    const said = chart.querySelector("[data-gantt-said]");
    const bars = [...plot.querySelectorAll(".b")];
    const scale = () => plot.getBoundingClientRect().width / plot.viewBox.baseVal.width;
    // In a plan of hours a task that has only days moves by days.
    const step = (bar) => Number(chart.dataset.step) * ("hours" in chart.dataset && !isMoment(bar.dataset.to) ? 24 : 1);
    const moved = new Map(); // bar → [steps its start goes, steps its end goes]
    let drag, dropped, tip, asked;

    const spanOf = (bar) => {
      const { from, to } = bar.dataset;
      const [first, last] = moved.get(bar) ?? [0, 0];
      return [from || first !== last ? later(from || to, first) : "", later(to, last)];
    };

    const draw = (bar) => {
      const [first, last] = moved.get(bar) ?? [0, 0];
      const by = step(bar);
      bar.classList.toggle("moved", Boolean(first || last));
      for (const shape of bar.children) {
        if (shape.matches("title")) continue;
        const name = shape.matches("rect:not(.v)") ? "width" : "";
        shape.setAttribute("transform", `translate(${first * by} 0)`);
        if (!name) continue;
        shape.dataset.width ??= shape.getAttribute(name);
        shape.setAttribute(name, Math.max(Number(shape.dataset.width) + (last - first) * by, 1));
      }
      tip?.remove();
      if (!first && !last) return;
      const words = spanOf(bar).filter(Boolean).map(told).join(" → ");
      const box = bar.getBBox();
      tip = document.createElementNS("http://www.w3.org/2000/svg", "text");
      tip.setAttribute("class", "tip");
      tip.setAttribute("x", box.x + first * by);
      tip.setAttribute("y", Math.max(box.y - 3, 11));
      tip.textContent = words;
      plot.append(tip);
      said.textContent = words;
    };

    const putBack = () => {
      const all = [...moved.keys()];
      moved.clear();
      for (const bar of all) draw(bar);
      said.textContent = "";
    };

    const push = (bar, grip, steps) => {
      if (!("to" in bar.dataset)) return;
      for (const other of [...moved.keys()]) {
        if (other === bar) continue;
        moved.delete(other);
        draw(other);
      }
      const { from, to } = bar.dataset;
      const length = from ? distance(from, to) : 0;
      const [first, last] = grip === "start" ? [Math.min(steps, length), 0] : grip === "finish" ? [0, Math.max(steps, -length)] : [steps, steps];
      moved.set(bar, [first, last]);
      draw(bar);
    };

    const ask = (bar) => {
      const address = new URL(bar.href.baseVal, location.href);
      const [first, last] = spanOf(bar);
      if (moved.has(bar)) {
        if (first) address.searchParams.set("start", first);
        address.searchParams.set("due", last);
      }
      bar.focus({ preventScroll: true });
      asked = true;
      openDialog(address.pathname + address.search);
    };

    // The dialog gives the focus back before it says that it closed: a key pressed in between is already a new push.
    const answered = () => {
      if (!asked) return;
      asked = false;
      putBack();
    };

    // which part of a bar is under the pointer

    const gripAt = (bar, x, coarse) => {
      const shape = bar.querySelector("rect");
      if (!shape) return "move";
      const { left, right } = shape.getBoundingClientRect();
      const edge = Math.min(coarse ? 20 : 9, (right - left) / 3);
      return x < left + edge ? "start" : x > right - edge ? "finish" : "move";
    };

    // the mouse at once, a finger after a long press, so that a scroll is never a drag

    const lift = () => {
      if (!drag) return;
      drag.on = true;
      chart.classList.add("dragging");
      plot.setPointerCapture(drag.pointer);
    };

    const follow = (event) => {
      const { left, right } = chart.getBoundingClientRect();
      const names = chart.querySelector(".names").offsetWidth;
      if (event.clientX > right - 36) chart.scrollLeft += 18;
      else if (event.clientX < left + names + 36) chart.scrollLeft -= 18;
      const gone = event.clientX - plot.getBoundingClientRect().left - drag.x;
      push(drag.bar, drag.grip, Math.round(gone / (step(drag.bar) * scale())));
    };

    const end = (event, drop) => {
      if (!drag || event.pointerId !== drag.pointer) return;
      const { bar, on, timer } = drag;
      clearTimeout(timer);
      chart.classList.remove("dragging");
      drag = null;
      if (!on) return;
      dropped = true;
      setTimeout(() => (dropped = false));
      const [first, last] = moved.get(bar) ?? [0, 0];
      if (drop && (first || last)) ask(bar);
      else putBack();
    };

    plot.addEventListener("pointerdown", (event) => {
      const bar = event.target.closest(".b");
      if (!bar || !("to" in bar.dataset) || event.button || drag) return;
      const coarse = event.pointerType === "touch";
      drag = { bar, pointer: event.pointerId, at: event.clientX, x: event.clientX - plot.getBoundingClientRect().left, grip: gripAt(bar, event.clientX, coarse) };
      if (coarse) drag.timer = setTimeout(lift, LONG_PRESS);
    });
    plot.addEventListener("pointermove", (event) => {
      if (!drag) {
        const bar = event.target.closest(".b");
        if (bar) plot.dataset.grip = "to" in bar.dataset ? gripAt(bar, event.clientX, false) : "";
      } else if (event.pointerId === drag.pointer) {
        if (!event.buttons) return end(event, false); // it was let go where nobody heard of it
        if (!drag.on && Math.abs(event.clientX - drag.at) > SLACK) {
          if (event.pointerType === "touch") return end(event, false);
          lift();
        }
        if (drag?.on) follow(event);
      }
    });
    plot.addEventListener("pointerup", (event) => end(event, true));
    plot.addEventListener("pointercancel", (event) => end(event, false));
    plot.addEventListener("touchmove", (event) => drag?.on && event.cancelable && event.preventDefault(), { passive: false });
    plot.addEventListener("dragstart", (event) => event.preventDefault());
    plot.addEventListener("contextmenu", (event) => event.pointerType === "touch" && event.target.closest(".b") && event.preventDefault());
    plot.addEventListener("click", (event) => {
      const bar = event.target.closest(".b");
      if (!bar || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (dropped) event.preventDefault();
      else if ("to" in bar.dataset) {
        event.preventDefault();
        ask(bar);
      }
    });

    // keys: one bar of all is in the order of the tab key

    const enter = (bar) => {
      for (const each of bars) each.setAttribute("tabindex", each === bar ? 0 : -1);
    };
    enter(bars[0]);
    plot.addEventListener("focusin", ({ target }) => {
      const bar = target.closest(".b");
      if (!bar) return;
      enter(bar);
      answered();
      if (!drag && bar.matches(":focus-visible")) show(bar);
    });

    const show = (bar) => {
      const box = bar.getBoundingClientRect();
      const view = chart.getBoundingClientRect();
      const names = chart.querySelector(".names").offsetWidth;
      if (box.left < view.left + names || box.left > view.right - 40) chart.scrollLeft += box.left - view.left - names - 60;
      if (box.top < view.top + 80) chart.scrollTop += box.top - view.top - 80;
      else if (box.bottom > view.bottom - 24) chart.scrollTop += box.bottom - view.bottom + 24;
    };

    const go = (bar) => {
      if (!bar) return;
      bar.focus({ preventScroll: true });
      show(bar);
    };

    const keys = {
      ArrowUp: (bar) => go(bars[bars.indexOf(bar) - 1]),
      ArrowDown: (bar) => go(bars[bars.indexOf(bar) + 1]),
      Home: () => go(bars[0]),
      End: () => go(bars.at(-1)),
      ArrowLeft: (bar, event) => nudge(bar, event, -1),
      ArrowRight: (bar, event) => nudge(bar, event, 1),
      Escape: putBack,
    };
    const nudge = (bar, { shiftKey: end, altKey: start }, by) => {
      const [first, last] = moved.get(bar) ?? [0, 0];
      if (!("to" in bar.dataset)) return;
      const { from, to } = bar.dataset;
      const then = [first + (end ? 0 : by), last + (start ? 0 : by)];
      if ((from ? distance(from, to) : 0) + then[1] - then[0] < 0) return;
      moved.set(bar, then);
      draw(bar);
    };
    plot.addEventListener("keydown", (event) => {
      const bar = event.target.closest(".b");
      if (!bar || event.ctrlKey || event.metaKey || !keys[event.key]) return;
      if (event.altKey && (event.shiftKey || !event.key.match(/Left|Right/) || !("to" in bar.dataset))) return;
      event.preventDefault();
      keys[event.key](bar, event);
    });

    document.addEventListener("close", ({ target }) => target.id === "dialog" && answered(), true);
  };

  // The chart opens with today in sight and, below one more line, what is still open; after a change, and on another scale, with what was in sight before.
  const sizes = () => {
    const names = chart.querySelector(".names").offsetWidth;
    return [chart.querySelector(".plot").getBoundingClientRect().width, chart.clientWidth - names];
  };

  const keep = () => {
    const [width, seen] = sizes();
    const busy = document.activeElement.closest("[data-gantt], #dialog, #flash") !== null;
    const bar = chart.querySelector(".b[tabindex='0']")?.dataset.taskId;
    const middle = (chart.scrollLeft + seen / 2) / width;
    sessionStorage.setItem(KEPT, JSON.stringify({ path: location.pathname, top: chart.scrollTop, page: scrollY, middle, bar, busy }));
  };

  const restore = () => {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    const [width, seen] = sizes();
    const again = kept?.path === location.pathname && document.referrer && new URL(document.referrer).pathname === location.pathname;
    if (!again) {
      if (chart.dataset.today) chart.scrollLeft = chart.dataset.today * width - seen / 3;
      const open = chart.querySelector(".b:not(.d)");
      if (open) chart.scrollTop = open.getBoundingClientRect().top - chart.querySelector(".plot").getBoundingClientRect().top - 1.2 * chart.querySelector(".names li").offsetHeight;
      return;
    }
    chart.scrollLeft = kept.middle * width - seen / 2;
    chart.scrollTop = kept.top;
    scrollTo(0, kept.page);
    if (kept.busy) chart.querySelector(`.b[data-task-id="${kept.bar}"]`)?.focus({ preventScroll: true });
  };

  if (chart) {
    start();
    restore();
    addEventListener("pagehide", keep);
    if (location.hash === "#print") print();
  }
}
