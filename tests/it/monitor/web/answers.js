(() => {
  const asked = window.fetch;
  const row = { place: "1:2:1", utc: "2026-11-23T09:30:00.123456789Z", kind: "order", gate: "passed",
    order: "0x0101000100002003", fill: null, pair: "cu_hg", product: "HGU6", side: "buy", lots: 2,
    price: "4.5105", what: "new net ioc" };
  const told = {
    "api/control": { accepts: true, mark: "0", alerts: [], status: { site: 1, desk: 1, run: 1,
      state: "NORMAL", is_held: false, live_orders: 0, valid_seconds: 120, refused: 0,
      spreads: [{ name: "cu_hg", strategy: "s", account: "a", gateways: ["cme"], state: "enabled", units: 0 }],
      limits: [{ scope: "all", field: "max_position_lots", used: 1, limit: 100, unit: "lots" }],
      operators: [{ name: "alice", id: 1, counter: 1, second: true, scopes: ["all"],
        commands: ["kill", "disable", "limit"] }] } },
    "api/prepare": { text: "xmc-command/v1\n", words: "", needs_two: true, file: "kill_2.command" },
    "api/command": { outcome: "refused", denial: "counter", why: "it was used", state: "NORMAL",
      changes: [{ spread: "cu_hg", from: "enabled", to: "disabled" }], input: null },
    "api/receipts": { receipts: [row, { ...row, side: "sell" }], found: 500, most: 200, records: 9000,
      stopped_early: true, read_until: "2026-11-23T09:30:00Z", damage: "00000001.xmcj: torn" },
    "api/story": { order: row.order, page: "==== the story of an order\n" },
  };
  window.fetch = async (path, how) => {
    const known = told[String(path).split("?")[0]];
    return known ? new Response(JSON.stringify(known)) : asked(path, how);
  };
})()
