// Changes that no form sends: one after the other, so that three quick presses are three steps.
// Promises the status of the answer, 0 where none came.
const ask = (() => {
  let last = Promise.resolve();

  const send = async (method, path, values) => {
    let status = 0;
    await htmx.ajax(method, path, {
      swap: "none",
      values,
      fetch: async (...request) => {
        const answer = await fetch(...request);
        status = answer.status;
        return answer;
      },
    });
    return status;
  };

  return (...request) => (last = last.then(() => send(...request)));
})();
