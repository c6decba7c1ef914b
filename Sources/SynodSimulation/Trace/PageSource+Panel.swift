extension PageSource {
  /// The side panel: what an event is, which rounds there were, how to read it all.
  static let panelScript = #"""
    const KINDS = {
      invoked: "a client asks", completed: "a client is answered", sent: "sent", delivered: "arrived",
      dropped: "lost on its way", appended: "handed to the store", syncBegan: "a sync begins",
      syncEnded: "a sync ended", durable: "durable from now on", crashed: "the node crashed",
      restarted: "the node starts again", paused: "the node stands still",
      resumed: "the node goes on", retired: "its store is lost: it never votes again",
      fault: "a fault begins", healed: "a fault is over", violation: "a rule was broken",
    };
    const meanings = new Map([...run.guide.steps, ...run.guide.words]);
    const who = event => event.v === undefined ? "the world" : `node ${event.v}`;
    const peer = event => event.k === "sent" ? ` to node ${event.o}`
      : event.k === "delivered" ? ` from node ${event.o}` : "";
    const swatch = place => html("span", { class: "swatch",
      style: place === undefined ? "" : toneOf({ b: place }) });

    function threads(event) {
      const found = [];
      if (event.b !== undefined) found.push(["ballot", event.b, `Ballot ${rounds[event.b].name}`]);
      if (event.p !== undefined) found.push(["operation", event.p, `Operation ${event.p}`]);
      if (event.m !== undefined) found.push(["message", event.m, `Message ${event.m}`]);
      if (event.key !== undefined) found.push(["key", event.key, `Key ${event.key}`]);
      return found;
    }

    function showEvent() {
      const event = E[state.picked];
      if (!event) {
        $("event").replaceChildren(html("p", { class: "dim" },
          "Click on anything in the chart, or press j and k to walk along a lane."));
        return;
      }
      const parts = [
        html("h2", {}, swatch(event.b), event.x || event.k),
        html("p", { class: "dim" }, `${who(event)}: ${KINDS[event.k]}${peer(event)} · `
          + `${time(event.t)} ms · event ${event.n}`),
      ];
      if (meanings.has(event.x))
        parts.push(html("p", { class: "means", style: toneOf(event) }, meanings.get(event.x)));
      const content = html("dl");
      if (event.b !== undefined)
        content.append(html("dt", {}, "ballot"),
          html("dd", { class: "mono" }, `${rounds[event.b].name}, drawn by node `
            + rounds[event.b].voter));
      for (const [name, value] of event.f || [])
        content.append(html("dt", {}, name), html("dd", { class: "mono" }, value));
      if (event.g !== undefined)
        content.append(html("dt", {}, "batch"), html("dd", { class: "mono" }, event.g));
      parts.push(content, fates(event));
      if (event.made?.length) {
        const list = html("ul", { class: "list" });
        for (const record of event.made) list.append(line(record));
        parts.push(html("h3", {}, "Records that are durable by it"), list);
      }
      const chips = html("div", { class: "chips" });
      for (const [kind, id, name] of threads(event)) {
        const isOn = state.follow?.kind === kind && state.follow.id === id;
        chips.append(html("button", { "aria-pressed": isOn,
          onclick: () => follow(isOn ? null : { kind, id }) }, name));
      }
      if (chips.children.length) parts.push(html("h3", {}, "Follow"), chips);
      if (state.hits && state.hits.size > 1) parts.push(...story());
      $("event").replaceChildren(...parts);
    }

    // What became of a message: its other ends.
    function fates(event) {
      if (event.m === undefined) return "";
      const list = html("ul", { class: "list" });
      const from = event.k === "sent" ? event : event.from;
      const all = from ? [from, ...from.ends] : [];
      for (const end of all) if (end !== event) list.append(line(end));
      if (all.length === 1)
        list.append(html("li", { class: "dim" }, "Still on its way when the run ended."));
      return list;
    }

    // The way of a message, or where something happened.
    function whereabouts(event) {
      const from = event.k === "sent" ? event : event.from;
      if (event.k === "delivered") return `${event.o} → ${event.v}`;
      return from ? `${from.v} → ${from.o}` : who(event);
    }
    const ENDINGS = { delivered: "arrived", dropped: "lost", appended: "to the store",
      durable: "durable", invoked: "asked", completed: "answered" };

    function line(event, now = -1) {
      const item = html("button", { "data-go": event.i },
        html("span", { class: "when" }, time(event.t)), swatch(event.b),
        html("span", {}, html("span", { class: event.k === "sent" ? "sends" : "" },
          event.x || event.k), ` ${whereabouts(event)} `,
        html("span", { class: event.k === "dropped" ? "lost" : "dim" },
          ENDINGS[event.k] || "")));
      if (event.i === now) item.classList.add("here");
      return html("li", {}, item);
    }

    function story() {
      const all = [...state.hits].sort((a, b) => a - b).map(i => E[i]);
      const list = html("ul", { class: "list" });
      for (const event of all.slice(0, 300)) list.append(line(event, state.picked));
      const more = all.length > 300
        ? [html("p", { class: "dim" }, `and ${all.length - 300} more`)] : [];
      return [html("h3", {}, `All ${all.length} events of it`), list, ...more];
    }

    function showRounds() {
      const list = html("ul", { class: "list" });
      for (const round of rounds) {
        const counts = [...round.counts].map(([word, n]) => `${word} ${n}`).join(" · ");
        list.append(html("li", {}, html("button", { "data-round": round.place },
          html("span", { class: "mono", style: "min-width:7ch" }, round.short),
          swatch(round.place), html("span", {},
            `node ${round.voter}` + (round.key === undefined ? "" : `, key ${round.key}`),
            html("br"), html("span", { class: "dim" }, counts)))));
      }
      $("rounds").replaceChildren(html("p", { class: "dim" },
        "Every ballot in the order in which it first comes, and how many messages of each kind "
        + "were sent under it. Click one to follow it."), list);
    }

    function facts() {
      const list = html("dl");
      for (const [name, value] of run.facts) list.append(html("dt", {}, name), html("dd", {}, value));
      return list;
    }

    function showGuide() {
      const steps = html("dl", { class: "steps" });
      for (const [name, meaning] of run.guide.steps)
        steps.append(html("dt", {}, name), html("dd", {}, meaning));
      const words = html("dl", { class: "steps" });
      for (const [name, meaning] of run.guide.words)
        words.append(html("dt", {}, name), html("dd", {}, meaning));
      const keys = html("dl", { class: "keys" });
      for (const [key, meaning] of KEYS)
        keys.append(html("dt", {}, ...key.split(" ").flatMap(k => [html("kbd", {}, k), " "])),
          html("dd", {}, meaning));
      const [first, ...rest] = run.guide.story.map(text => html("p", {}, text));
      $("guide").replaceChildren(
        html("p", {}, "Each column is a node and time runs downwards. Every colour is one ballot, "
          + "which is one round of the protocol. Click anything to see what is in it and to "
          + "follow its round."),
        html("h3", {}, "One round"), first || "", lesson(), steps,
        html("h3", {}, "Why it works"), ...rest,
        html("h3", {}, "Signs"), signs(),
        html("h3", {}, "Other words"), words,
        html("h3", {}, "Keys"), keys, html("h3", {}, "This run"), facts());
    }
    """#
}
