extension PageSource {
  /// What belongs together: the ends of arrows, calls, lives, syncs and faults.
  static let modelScript = #"""
    const run = JSON.parse(document.getElementById("run").textContent);
    const E = run.events, lanes = run.voters, ballots = run.ballots;
    const laneOf = new Map(lanes.map((voter, lane) => [voter, lane]));
    const FAMILIES = {
      messages: ["sent", "delivered", "dropped"],
      disks: ["appended", "syncBegan", "syncEnded", "durable"],
      clients: ["invoked", "completed"],
      nodes: ["crashed", "restarted", "paused", "resumed", "retired"],
      faults: ["fault", "healed"],
    };
    const familyOf = new Map(Object.entries(FAMILIES)
      .flatMap(([family, kinds]) => kinds.map(kind => [kind, family])));
    const push = (map, key, value) => map.has(key) ? map.get(key).push(value) : map.set(key, [value]);
    const field = (event, name) => (event.f || []).find(([found]) => found === name)?.[1];

    // Arrows. Several messages may share a parcel, and so a number; what is lost is the parcel.
    const sends = new Map(), ends = new Map(), calls = new Map(), arrows = [];
    function originsOf(event) {
      const sent = sends.get(event.m) || [];
      const same = sent.filter(from => from.x === event.x && from.b === event.b
        && (event.key === undefined || from.key === event.key));
      if (same.length) return [same[0]];
      return event.k === "dropped" ? sent : sent.slice(0, 1);
    }
    E.forEach((event, i) => {
      event.i = i;
      event.key = field(event, "key");
      event.ends = [];
      if (event.k === "sent") push(sends, event.m, event);
      if (event.k === "delivered" || event.k === "dropped") {
        push(ends, event.m, event);
        const origins = originsOf(event);
        event.from = origins[0];
        if (event.k === "dropped" && origins.length) event.x = event.from.x;
        if (origins.length === 1) {
          event.b ??= event.from.b;
          event.key ??= event.from.key;
        }
        if (!origins.length && event.k === "delivered") arrows.push({ from: null, to: event });
        for (const from of origins) {
          const isAgain = from.ends.some(end => end.k === "delivered");
          from.ends.push(event);
          arrows.push({ from, to: event, isAgain });
        }
      }
      if (event.p !== undefined) push(calls, event.p, event);
    });
    for (const [, [first, last]] of calls) {
      if (!last) continue;
      last.key ??= first.key;
      last.c ??= first.c;
    }

    // The store says only how far it is durable: the words are those of the records.
    const waiting = new Map();
    for (const event of E) {
      if (event.k === "appended") push(waiting, event.v, event);
      if (event.k === "crashed") waiting.delete(event.v);
      if (event.k !== "durable") continue;
      const records = waiting.get(event.v) || [];
      event.made = records.filter(record => BigInt(record.g) <= BigInt(event.g));
      waiting.set(event.v, records.filter(record => !event.made.includes(record)));
      const [first, ...more] = event.made;
      if (!first) continue;
      event.b ??= first.b;
      event.key ??= first.key;
      if (event.x === "durable" || event.x === "")
        event.x = more.length ? `${more.length + 1} records` : first.x;
    }

    // A node's life in pieces, and the syncs in its lane.
    const lives = lanes.map(() => []), syncs = lanes.map(() => []);
    const hasSyncs = E.some(event => event.k === "syncEnded");
    lanes.forEach((voter, lane) => {
      let state = "up", from = null, syncing = null;
      const turn = (event, next) => {
        lives[lane].push({ from, to: event, state });
        from = event;
        state = next;
      };
      const first = E.find(event => event.v === voter && familyOf.get(event.k) === "nodes");
      if (first?.k === "restarted") state = "down";
      if (first?.k === "resumed") state = "paused";
      for (const event of E) {
        if (event.v !== voter) continue;
        if (event.k === "crashed") turn(event, "down");
        if (event.k === "restarted" || event.k === "resumed") turn(event, "up");
        if (event.k === "paused") turn(event, "paused");
        if (event.k === "retired") turn(event, "retired");
        if (event.k === "syncBegan" || (!hasSyncs && event.k === "appended")) syncing ??= event;
        const isEnd = event.k === (hasSyncs ? "syncEnded" : "durable");
        if (syncing && (isEnd || event.k === "crashed")) {
          syncs[lane].push({ from: syncing, to: event, torn: !isEnd });
          syncing = null;
        }
      }
      lives[lane].push({ from, to: null, state });
      if (syncing) syncs[lane].push({ from: syncing, to: null, torn: false });
    });

    // A fault lasts until something of its name heals, or all do; else it is a moment.
    const ALL = "faults end", LASTING = /partition|full disk/;
    const bands = [], healing = new Set(E.filter(e => e.k === "healed").map(e => e.x));
    for (const event of E) {
      if (event.k === "fault") {
        const lasts = LASTING.test(event.x) || healing.has(event.x);
        if (lasts) bands.push({ from: event, to: null });
      }
      if (event.k === "healed") {
        for (const band of bands) {
          const isIt = event.x === ALL || (band.from.v === event.v && band.from.x === event.x);
          if (!band.to && isIt) band.to = event;
        }
      }
    }

    // Ballots: short where all are of one epoch; each with its colour and what came of it.
    const epochs = new Set(ballots.map(([name]) => name.split(".")[0]));
    const shorten = name => epochs.size < 2 ? name.split(".").slice(1).join(".") : name;
    const hueOf = place => (250 + place * 137.508) % 360;
    const toneOf = event => event.b === undefined ? ""
      : `--tone:oklch(var(--tone-l) var(--tone-c) ${hueOf(event.b).toFixed(1)})`;
    const rounds = ballots.map(([name, voter], place) =>
      ({ place, name, short: shorten(name), voter, events: [], counts: new Map() }));
    for (const event of E) {
      for (const other of new Set((event.made || []).map(record => record.b)))
        if (other !== undefined && other !== event.b) rounds[other].events.push(event);
      if (event.b === undefined) continue;
      const round = rounds[event.b];
      round.events.push(event);
      round.key ??= event.key;
      event.key ??= round.key;
      if (event.k === "sent") round.counts.set(event.x, (round.counts.get(event.x) || 0) + 1);
    }

    // Everything that is followed when something is clicked.
    function following(kind, id) {
      const found = new Set();
      if (kind === "message") {
        for (const event of sends.get(id) || []) found.add(event.i);
        for (const event of ends.get(id) || []) found.add(event.i);
      }
      if (kind === "ballot") for (const event of rounds[id].events) found.add(event.i);
      if (kind === "key") for (const event of E) if (event.key === id) found.add(event.i);
      if (kind === "operation") {
        const [first, last] = calls.get(id);
        found.add(first.i);
        if (last) found.add(last.i);
        // The rounds that its node began on its key while it was open.
        for (const round of rounds) {
          const start = round.events[0];
          const isOpen = start.i > first.i && (!last || start.i <= last.i);
          const isIts = first.key === undefined || round.key === undefined
            || round.key === first.key;
          if (isOpen && isIts && round.voter === first.v)
            for (const event of round.events) found.add(event.i);
        }
      }
      return found;
    }
    """#
}
