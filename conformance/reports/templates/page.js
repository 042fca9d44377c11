"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const rows = [...document.querySelectorAll(".requirement")];
  const areas = [...document.querySelectorAll(".area")];
  const said = form.querySelector("output");

  const apply = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { level, profile, standing } = form.elements;
    let shown = 0;
    for (const row of rows) {
      const text = row.dataset.text;
      const wanted =
        (!level.value || row.dataset.level === level.value) &&
        (!profile.value || row.dataset.profile === profile.value) &&
        (!standing.value || row.dataset.standing === standing.value ||
          (standing.value === "problem" && row.dataset.problem === "yes")) &&
        words.every((word) => text.includes(word));
      row.hidden = !wanted;
      if (wanted) shown += 1;
    }
    for (const area of areas) area.hidden = !area.querySelector(".requirement:not([hidden])");
    said.value = shown === rows.length ? `${shown} requirements` : `${shown} of ${rows.length} requirements`;
  };

  // A link to a requirement opens it, also where a filter hides it.
  const reveal = () => {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row || !row.classList.contains("requirement")) return;
    if (row.hidden) {
      form.reset();
      apply();
    }
    row.open = true;
    row.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  apply();
  reveal();
})();
