extension PageSource {
  /// Where everything goes: rows for events, columns for nodes and clients.
  static let layoutScript = #"""
    const state = {
      row: 24, kinds: new Set(Object.keys(FAMILIES)), ballot: null, key: null, text: "",
      picked: null, follow: null, hits: null,
    };
    const place = { gutter: 78, lane: 160, client: 26, width: 0, height: 0, cuts: [], shown: [] };
    // A column for a client while it has anything to ask; then somebody else may have it.
    const columnOf = new Map(), columns = [];
    {
      const lives = new Map();
      for (const [, [first, last]] of calls) {
        if (first.c === undefined) continue;
        const life = lives.get(first.c) || { client: first.c, from: first.i, until: -1 };
        life.until = Math.max(life.until, last ? last.i : Infinity);
        lives.set(first.c, life);
      }
      for (const life of [...lives.values()].sort((a, b) => a.from - b.from)) {
        let column = columns.findIndex(other => other.until < life.from);
        if (column < 0) column = columns.push({ clients: [] }) - 1;
        columns[column].until = life.until;
        columns[column].clients.push(life.client);
        columnOf.set(life.client, column);
      }
    }
    const clientCount = columns.length;

    function passes(event) {
      if (event.k === "violation") return true;
      const family = familyOf.get(event.k);
      if (!state.kinds.has(family)) return false;
      const isOfWorld = family === "nodes" || family === "faults";
      if (state.ballot !== null && event.b !== state.ballot && !isOfWorld) return false;
      if (state.key !== null && event.key !== state.key && !isOfWorld) return false;
      return state.text === "" || textOf(event).includes(state.text);
    }

    function textOf(event) {
      event.text ??= [event.x, event.k, event.b === undefined ? "" : ballots[event.b][0],
        ...(event.f || []).flat()].join(" ").toLowerCase();
      return event.text;
    }

    // Parts of one moment that read better as one: a message to all, a sync and what it made durable.
    function joins(before, event) {
      if (before.k === event.k)
        return (event.k === "sent" || event.k === "appended") && before.x === event.x
          && before.b === event.b;
      return before.k === "fault" && familyOf.get(event.k) === "nodes"
        || before.k === "appended" && event.k === "syncBegan"
        || before.k === "syncEnded" && event.k === "durable"
        || before.k === "durable" && event.k === "syncEnded";
    }

    function layRows() {
      const gaps = [];
      for (let i = 1; i < E.length; i++) if (E[i].t > E[i - 1].t) gaps.push(E[i].t - E[i - 1].t);
      gaps.sort((a, b) => a - b);
      const long = Math.max(1500, 12 * (gaps[gaps.length >> 1] || 0));
      place.cuts = [];
      place.shown = [];
      let y = 26, last = null, moment = [];
      for (const event of E) {
        event.joined = false;
        event.leads = null;
        event.on = passes(event);
        event.y = y;
        if (!event.on) continue;
        place.shown.push(event);
        const from = event.k === "dropped" ? event.from : null;
        if (from?.on && from.t === event.t) {
          event.joined = true;
          event.y = from.y;
          continue;
        }
        if (last?.t !== event.t || last.v !== event.v) moment = [];
        const host = moment.find(before => joins(before, event));
        if (host) {
          event.joined = true;
          event.y = host.y;
          if (host.k !== event.k && event.k !== "syncBegan") host.leads ??= event;
          continue;
        }
        moment.push(event);
        if (last) {
          const gap = event.t - last.t;
          y += state.row;
          if (gap > long) {
            place.cuts.push({ y: y + state.row * .1, gap });
            y += state.row * 1.2;
          } else {
            y += Math.min(state.row, Math.log2(1 + gap / 60) * state.row * .1);
          }
        }
        if (event.k === "violation") y += 14;
        event.y = y;
        last = event;
      }
      place.height = y + 60;
    }

    function layColumns(available) {
      const n = Math.max(1, lanes.length);
      const wanted = clientCount ? (clientCount <= 3 ? 96 : Math.max(20, 300 / clientCount)) : 0;
      place.client = Math.min(wanted, Math.max(18, available * .3 / Math.max(1, clientCount)));
      const clients = place.client * clientCount + (clientCount ? 52 : 0);
      place.lane = Math.max(118, Math.min(250, (available - place.gutter - clients) / n));
      place.clients = place.gutter + place.lane * n + 40;
      place.width = Math.max(available, place.gutter + place.lane * n + clients);
    }
    const laneX = voter => place.gutter + place.lane * (laneOf.get(voter) + .5);
    const clientX = client => place.clients + place.client * columnOf.get(client) + 8;
    const yOf = (event, otherwise) => event ? event.y : otherwise;

    // Milliseconds, so that a column of them can be compared.
    const time = t => (t / 1000).toLocaleString("en", {
      minimumFractionDigits: 3, maximumFractionDigits: 3, useGrouping: true });
    const span = t => t < 1000 ? `${t} µs` : t < 1e6 ? `${+(t / 1000).toPrecision(3)} ms`
      : `${+(t / 1e6).toPrecision(3)} s`;
    """#
}
