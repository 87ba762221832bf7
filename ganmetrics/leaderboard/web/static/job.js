// Follows a submission until it is scored, rejected or withdrawn.
"use strict";
(() => {
  const job = document.getElementById("job");
  const told = document.getElementById("told");
  const words = (facts) => {
    if (facts.state === "queued") return `${facts.ahead} submissions ahead`;
    if (facts.state === "scored") return `rank ${facts.rank}${facts.tied ? ", shared" : ""}`;
    return facts.reason;
  };
  const look = async () => {
    try {
      const answer = await fetch(`/api/v1/submissions/${job.dataset.entry}`, { cache: "no-store" });
      if (answer.ok) {
        const facts = await answer.json();
        job.dataset.state = facts.state;
        job.querySelector(".state").textContent = facts.state;
        told.textContent = words(facts);
        document.getElementById("link").hidden = facts.state !== "scored";
        if (!["queued", "scoring"].includes(facts.state)) return;
      }
    } catch { /* the next request may succeed */ }
    setTimeout(look, 1500);
  };
  if (["queued", "scoring"].includes(job.dataset.state)) setTimeout(look, 1000);
})();
