
"use strict";
// Lists are sorted and filtered by the address, such as #scans.sort=-found&lost.filter=merged,
// so that a view can be bookmarked and sent. A minus before the key means the highest first.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });
  const asked = () => new URLSearchParams(location.hash.slice(1));

  class List {
    constructor(section) {
      this.name = section.id;
      this.section = section;
      this.items = section.querySelector("[data-items]");
      this.original = [...this.items.children];
      this.texts = this.original.map((item) => item.textContent.toLowerCase());
      const stage = (item) => item.querySelector("[data-key=stage]")?.textContent.toLowerCase();
      this.stages = this.original.map(stage);
      this.heads = [...section.querySelectorAll("th[data-key]")];
      this.choice = section.querySelector("select");
      this.field = section.querySelector("input[type=search]");
      this.status = section.querySelector("[role=status]");
      this.keys = this.heads.map((head) => head.dataset.key);
      if (this.choice) this.keys = [...this.choice.options].map((option) => option.value.replace(/^-/, ""));
      section.querySelector(".controls").hidden = false;
      this.field.addEventListener("input", () => this.ask("filter", this.field.value));
      if (this.choice) this.choice.addEventListener("change", () => this.ask("sort", this.choice.value));
      for (const head of this.heads)
        head.querySelector("button").addEventListener("click", () => this.ask("sort", this.next(head)));
    }

    // Numbers begin with the highest, text with A.
    next(head) {
      const key = head.dataset.key;
      const sort = asked().get(`${this.name}.sort`);
      const first = head.classList.contains("number") ? `-${key}` : key;
      const second = first === key ? `-${key}` : key;
      return sort === first ? second : first;
    }

    ask(what, value) {
      const query = asked();
      for (const [key, old] of [...query]) if (!key.includes(".") || !old) query.delete(key);
      if (value) query.set(`${this.name}.${what}`, value);
      else query.delete(`${this.name}.${what}`);
      history.replaceState(null, "", `#${query}`);
      this.show();
    }

    show() {
      const query = asked();
      const sort = query.get(`${this.name}.sort`) || "";
      const key = sort.replace(/^-/, "");
      const falling = sort.startsWith("-");
      const known = this.keys.includes(key);
      this.order(known ? key : "", falling);
      for (const head of this.heads) {
        const way = falling ? "descending" : "ascending";
        head.setAttribute("aria-sort", known && head.dataset.key === key ? way : "none");
      }
      if (this.choice) this.choice.value = known ? sort : this.choice.options[0].value;
      if (this.choice && this.choice.selectedIndex < 0) this.choice.selectedIndex = 0;
      const wanted = query.get(`${this.name}.filter`) || "";
      if (this.field.value !== wanted) this.field.value = wanted;
      this.filter(wanted.toLowerCase());
    }

    value(item, key) {
      const cell = this.heads.length ? item.cells[this.keys.indexOf(key)] : item.querySelector(`[data-key="${key}"]`);
      if (cell.dataset.v === undefined) return cell.textContent;
      return cell.dataset.v === "" ? null : Number(cell.dataset.v);
    }

    order(key, falling) {
      const pairs = this.original.map((item) => [key ? this.value(item, key) : 0, item]);
      const sign = falling ? -1 : 1;
      // What has no value comes last, whichever way. Sorting is stable.
      pairs.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (typeof a === "number" ? a - b : collator.compare(a, b));
      });
      this.items.append(...pairs.map(([, item]) => item));
    }

    // The name of a stage stands for that stage only: a place may be called the same.
    filter(text) {
      let shown = 0;
      const isStage = this.stages.includes(text);
      this.original.forEach((item, place) => {
        item.hidden = isStage ? this.stages[place] !== text : !this.texts[place].includes(text);
        shown += !item.hidden;
      });
      this.status.textContent = `${shown} of ${this.original.length} shown`;
    }
  }

  const lists = [...document.querySelectorAll("[data-list]")].map((section) => new List(section));
  const showAll = () => {
    lists.forEach((list) => list.show());
    const first = [...asked().keys()].map((key) => key.split(".")[0]);
    const target = lists.find((list) => list.name === first[0] && location.hash.includes("."));
    if (target) target.section.scrollIntoView();
  };
  // A link to a section leaves the lists as they are.
  addEventListener("hashchange", () => {
    if (!location.hash || location.hash.includes(".")) showAll();
  });
  showAll();
})();
