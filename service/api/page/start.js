"use strict";
(() => {
  const form = document.querySelector("form");
  const inputs = [...form.querySelectorAll("input[type=file]")];
  const state = document.getElementById("state");
  const problem = document.getElementById("problem");
  const token = document.getElementById("token");
  const size = (bytes) => bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

  // What was dropped or chosen is kept by input, so that several drops add up.
  const chosen = new Map(inputs.map((input) => [input, []]));
  const put = (input, files) => {
    chosen.set(input, input.multiple ? [...chosen.get(input), ...files] : [...files].slice(-1));
    show(input);
  };
  const show = (input) => {
    const files = chosen.get(input);
    const zone = input.closest(".zone");
    const list = new DataTransfer();
    for (const file of files) list.items.add(file);
    input.files = list.files;
    zone.classList.toggle("full", files.length > 0);
    zone.querySelector(".files").textContent =
      files.map((file) => `${file.name}, ${size(file.size)}`).join("; ");
  };
  // A file that was dropped beside the boxes goes by its name.
  const meant = (name) => {
    const role = /plan[^/]*\.(ya?ml|json)$/i.test(name) ? "plan"
      : /dest|dst|target/i.test(name) ? "destination"
      : /source|src/i.test(name) ? "source" : "";
    return inputs.find((input) => input.name === role)
      || inputs.find((input) => chosen.get(input).length === 0) || inputs[0];
  };

  for (const input of inputs) {
    input.addEventListener("change", () => {
      chosen.set(input, [...input.files]);
      show(input);
    });
  }
  const over = (event) => event.target.closest ? event.target.closest(".zone") : null;
  const mark = (zone) => {
    for (const item of document.querySelectorAll(".zone")) item.classList.toggle("over", item === zone);
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(over(event));
  });
  document.addEventListener("dragleave", () => mark(null));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(null);
    const zone = over(event);
    const files = [...event.dataTransfer.files];
    if (zone) put(zone.querySelector("input"), files);
    else for (const file of files) put(meant(file.name), [file]);
  });

  const say = (text, done) => {
    state.hidden = !text;
    state.querySelector("span").textContent = text;
    const bar = state.querySelector("progress");
    if (done === undefined) bar.removeAttribute("value");
    else bar.value = done;
  };
  const refuse = (lines) => {
    say("");
    problem.replaceChildren(...lines.filter(Boolean).map((line) => {
      const item = document.createElement("p");
      item.textContent = line;
      return item;
    }));
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  };
  const busy = (is) => {
    for (const button of form.querySelectorAll("button")) button.disabled = is;
  };

  const failed = async (request) => {
    let told = {};
    try {
      told = JSON.parse(await request.response.text());
    } catch { /* it is no problem document */ }
    if (request.status === 401) {
      document.getElementById("token-field").hidden = false;
      token.focus();
    }
    const errors = (told.errors || []).map((error) =>
      [error.part, error.member, error.detail, error.hint].filter(Boolean).join(": "));
    refuse([told.title || `The service answered ${request.status}.`, told.detail, ...errors]);
  };
  const finished = async (request, gather) => {
    busy(false);
    if (request.status !== 200) return failed(request);
    say("");
    const link = URL.createObjectURL(request.response);
    if (!gather) {
      location.href = link;
      return undefined;
    }
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.download = "gather.sh";
    anchor.click();
    say("gather.sh is in your downloads. Run it on each cluster: sh gather.sh", 1);
    return undefined;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    problem.hidden = true;
    const body = new FormData();
    for (const [input, files] of chosen) for (const file of files) body.append(input.name, file, file.name);
    if (![...body.keys()].length) return refuse(["Drop or choose at least one file."]);
    const gather = event.submitter && event.submitter.id === "gather";
    const plan = document.getElementById("plan-name").value.trim();
    const query = new URLSearchParams({ format: gather ? "gather" : "html", ...(plan && { plan }) });
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/evaluations?${query}`);
    request.responseType = "blob";
    request.setRequestHeader("Accept", "application/problem+json, */*");
    if (token.value) request.setRequestHeader("Authorization", `Bearer ${token.value}`);
    request.upload.addEventListener("progress", (event) => {
      const part = event.total ? event.loaded / event.total : 0;
      say(`Uploading: ${size(event.loaded)} of ${size(event.total)}`, part);
    });
    request.upload.addEventListener("load", () => say("Evaluating …"));
    request.addEventListener("load", () => finished(request, gather));
    request.addEventListener("error", () => {
      busy(false);
      refuse(["The service cannot be reached, or it closed the connection.", "A file that changed since you chose it has to be chosen again."]);
    });
    busy(true);
    say("Uploading", 0);
    request.send(body);
    return undefined;
  });
})();
