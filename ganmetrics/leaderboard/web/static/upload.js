// Sends the file and shows its progress. The token is in a header, so that it is checked before the file is read.
"use strict";
(() => {
  const form = document.getElementById("upload");
  const [token, model, file, progress, outcome] = ["token", "model", "file", "progress", "outcome"].map((id) => document.getElementById(id));
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    outcome.textContent = "";
    const chosen = file.files[0];
    if (chosen.size > Number(form.dataset.most)) {
      outcome.textContent = `The file has ${chosen.size} bytes; the most is ${form.dataset.most}.`;
      return;
    }
    const button = form.querySelector("button");
    const request = new XMLHttpRequest();
    const end = (text) => {
      outcome.textContent = text;
      progress.hidden = true;
      button.disabled = false;
    };
    request.open("POST", `/api/v1/submissions?model=${encodeURIComponent(model.value)}`);
    request.setRequestHeader("Authorization", `Bearer ${token.value.trim()}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (step) => { if (step.lengthComputable) progress.value = step.loaded / step.total; });
    request.addEventListener("error", () => end("The connection was lost; try again."));
    request.addEventListener("load", () => {
      let said = {};
      try { said = JSON.parse(request.responseText); } catch { /* a proxy's page */ }
      if (request.status === 202) location.assign(`/jobs/${said.entry}`);
      else end(said.error ? `${said.error.what}.` : `The board answered ${request.status}.`);
    });
    button.disabled = true;
    progress.value = 0;
    progress.hidden = false;
    request.send(chosen);
  });
})();
