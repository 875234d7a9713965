// A file that is too large for its form is said to be so before it is sent.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("input[type=file][data-largest]")) return;
  const tooLarge = [...target.files].some((file) => file.size > Number(target.dataset.largest));
  target.setCustomValidity(tooLarge ? target.dataset.tooLarge : "");
  target.reportValidity();
});

// Files for a task go piece by piece (tus), however they come: chosen, dropped or pasted. A broken line costs nothing.
{
  const PIECE = 8 * 2 ** 20;
  const AGAIN = [408, 409, 423, 429];
  const SLOWEST = 30000;
  const running = new Map();
  let client;

  const loadClient = (address) =>
    (client ??= new Promise((resolve, reject) => {
      document.head.append(Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: reject }));
    }).catch(() => (client = undefined)));

  const headers = () => ({ "X-CSRFToken": document.querySelector("[name=csrf-token]").content, Accept: "application/json" });
  const speak = (method, address, more = {}) => fetch(address, { method, headers: { ...headers(), "Tus-Resumable": "1.0.0", ...more } });
  const sectionOf = (task) => document.querySelector(`[data-files][data-task="${task}"]`);
  const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);

  // What is being sent is drawn by us; wherever the section is drawn anew, it comes back into it.
  const place = () => {
    for (const section of document.querySelectorAll("[data-files]")) {
      const list = section.querySelector("[data-sending]");
      list.append(...[...running.values()].filter(({ task }) => task === section.dataset.task).map(({ row }) => row));
      list.hidden = !list.childElementCount;
      for (const rest of section.querySelectorAll("[data-unfinished]")) {
        rest.hidden = [...running.values()].some(({ upload }) => upload?.url?.endsWith(rest.dataset.unfinished));
      }
    }
  };

  const redraw = (task) => {
    const section = sectionOf(task);
    if (section) htmx.ajax("GET", section.dataset.redraw, { source: section, target: section, swap: "outerMorph" });
  };

  const send = async (file, section, attachment, shared) => {
    const { task } = section.dataset;
    const person = document.body.dataset.person;
    const name = [person, task, attachment, file.name, file.size, file.lastModified].join(":");
    const earlier = running.get(name);
    if (earlier && earlier.state !== "failed") return;
    earlier?.cancel();
    const words = (key) => section.querySelector(`template[data-${key}]`).content.textContent;
    const [failed, signedOut] = [words("failed"), words("signed-out")];
    const row = section.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
    const part = (key) => row.querySelector(`[data-${key}]`);
    const sending = { task, row };
    let pause = 1000;
    let timer, lastMethod;

    const show = (state) => {
      sending.state = state;
      for (const words of row.querySelectorAll("[data-when]")) words.hidden = words.dataset.when !== state;
    };
    const leave = () => {
      clearTimeout(timer);
      running.delete(name);
      row.remove();
      place();
    };
    const fail = (trouble) => {
      part("trouble").textContent = trouble;
      show("failed");
    };
    const failWith = (status, body, type) => fail(status === 401 ? signedOut : type?.startsWith("text/plain") ? body : failed);
    const start = () => {
      clearTimeout(timer);
      if (!navigator.onLine) return wait();
      show("sending");
      sending.upload.start();
    };
    const startAnew = () => {
      sending.upload.url = null;
      sending.upload.options.endpoint = section.dataset.send;
      start();
    };
    const wait = () => {
      show("waiting");
      clearTimeout(timer);
      timer = setTimeout(start, pause);
      pause = Math.min(pause * 2, SLOWEST);
    };
    const progress = (done) => {
      const percent = Math.floor((100 * done) / file.size);
      row.querySelector("progress").value = percent;
      part("percent").textContent = `${percent}%`;
      part("done").textContent = megabytes(done);
      if (sending.state !== "waiting") show(done === file.size ? "ending" : "sending");
    };
    const end = async () => {
      if (lastMethod === "HEAD") {
        // All had arrived before, but nobody heard the end of it.
        const more = { "Upload-Offset": file.size, "Content-Type": "application/offset+octet-stream" };
        const answer = await speak("PATCH", sending.upload.url, more).catch(() => null);
        if (!answer || answer.status >= 500) return wait();
        if (!answer.ok) return failWith(answer.status, await answer.text(), answer.headers.get("Content-Type"));
      }
      leave();
      redraw(task);
    };

    Object.assign(sending, {
      resume: () => sending.state === "waiting" && start(),
      halt: () => ["sending", "ending"].includes(sending.state) && (sending.upload.abort(), wait()),
      cancel: () => {
        if (sending.upload?.url) sending.upload.abort(true).catch(() => {});
        leave();
      },
    });
    part("name").textContent = file.name;
    part("all").textContent = `${megabytes(file.size)} MB`;
    row.addEventListener("click", ({ target }) => target.closest("[data-cancel]") && sending.cancel());
    running.set(name, sending);
    place();
    await loadClient(section.dataset.client);
    if (!window.tus) return fail(failed);

    sending.upload = new tus.Upload(file, {
      endpoint: section.dataset.send,
      chunkSize: PIECE,
      retryDelays: null,
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, task_id: task, attachment_id: attachment, shared },
      headers: headers(),
      fingerprint: async () => `linkstar:${name}`,
      onAfterResponse: (request) => (lastMethod = request.getMethod()),
      onUploadUrlAvailable: () => {
        sending.upload.options.endpoint = null; // or a moment's trouble would make it begin anew
        place();
      },
      onProgress: progress,
      onChunkComplete: () => (pause = 1000),
      onSuccess: end,
      onError: ({ originalRequest, originalResponse: answer }) => {
        const status = answer?.getStatus() ?? 0;
        if (status === 404 && sending.upload.url) return startAnew();
        if (status === 200) return fail(signedOut); // the door's page instead of ours
        if (originalRequest && (!status || status >= 500 || AGAIN.includes(status))) return wait();
        failWith(status, answer?.getBody(), answer?.getHeader("Content-Type"));
      },
    });
    const [before] = await sending.upload.findPreviousUploads();
    if (before) {
      sending.upload.resumeFromPreviousUpload(before);
      sending.upload.options.endpoint = null;
    }
    if (running.has(name)) start();
  };

  const sendAll = (files, form) => {
    const section = form.closest("[data-files]");
    const shared = new FormData(form).get("shared") ?? "";
    for (const file of [...files]) send(file, section, form.dataset.attachment ?? "", shared);
  };

  document.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-adding] input[type=file]") || !target.files.length) return;
    sendAll(target.files, target.form);
    target.value = "";
    target.closest("details")?.removeAttribute("open");
  });

  const formAt = (target) => target.closest?.("[data-files]")?.querySelector("form.drop");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const form = event.dataTransfer?.types.includes("Files") && formAt(event.target);
      if (!form) return;
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop") sendAll(event.dataTransfer.files, form);
    });
  }
  document.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    const form = files.length && !types.includes("text/plain") && document.querySelector("[data-files] form.drop");
    if (!form) return;
    event.preventDefault();
    sendAll(files, form);
  });

  document.addEventListener("click", async ({ target }) => {
    const rest = target.closest("[data-give-up]")?.closest("[data-unfinished]");
    if (rest && (await speak("DELETE", rest.dataset.unfinished)).ok) rest.remove();
  });
  document.addEventListener("htmx:after:swap", place);
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const undone = ctx.sourceElement.querySelector?.("[data-undo]") && ctx.response.status < 400;
    const section = undone && document.querySelector("[data-files]");
    if (section && !section.closest("#task-panel")) redraw(section.dataset.task);
  });
  window.addEventListener("online", () => running.forEach(({ resume }) => resume()));
  window.addEventListener("offline", () => running.forEach(({ halt }) => halt()));
  window.addEventListener("beforeunload", (event) => {
    if ([...running.values()].some(({ state }) => state !== "failed")) event.preventDefault();
  });
}
