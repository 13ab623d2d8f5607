import { sqlStart } from "./rules.ts"
import { isTest, lineAt, type Source, type SourceFile, type Violation } from "./source.ts"

/** Who owns each table and view: the folder below `src` whose SQL may name it, besides `sql/`. */
export const tableOwners: Readonly<Record<string, string>> = {
  inbox: "eventlog",
  inbox_bodies: "eventlog",
  inbox_corrections: "eventlog",
  object_fetches: "eventlog",
  poll_cursors: "eventlog",
  kept_subscriptions: "eventlog",
  readers: "eventlog",
  event_subscriptions: "outgoing",
  event_facts: "eventlog",
  events: "eventlog",
  subscriptions: "eventlog",
  subscription_backlog: "eventlog",
  stock_locations: "stock",
  stock_skus: "stock",
  stock_positions: "stock",
  stock_ledger: "stock",
  stock_reservations: "stock",
  stock_reservation_lines: "stock",
  stock_counted_in: "stock",
  stock_buffers: "stock",
  article_mappings: "stock",
  article_aliases: "stock",
  stock_parts: "stock",
  stock_units: "stock",
  stock_waits: "stock",
  stock_streams: "stock",
  stock_readings: "stock",
  stock_demand: "stock",
  stock_hours: "stock",
  stock_demand_upto: "stock",
  stock_order_demand: "stock",
  purchase_orders: "stock",
  purchase_order_lines: "stock",
  purchase_order_receipts: "stock",
  inbound_shipments: "stock",
  inbound_shipment_lines: "stock",
  purchase_sources: "stock",
  stock_on_order: "stock",
  stock_thresholds: "stock",
  stock_below: "stock",
  stock_signals: "stock",
  stock_signal_walk: "stock",
  stock_signal_watch: "stock",
  stock_signal_notes: "stock",
  products: "catalogue",
  product_records: "catalogue",
  product_skus: "catalogue",
  product_values: "catalogue",
  prices: "catalogue",
  prices_shown: "catalogue",
  promotions: "catalogue",
  receipts: "sales",
  till_runs: "sales",
  dropped_files: "sales",
  till_takings: "sales",
  till_refunds: "sales",
  voided_receipts: "sales",
  till_days: "sales",
  store_days: "sales",
  store_closures: "sales",
  edge_journals: "sales",
  edge_heads: "sales",
  snapshot_stores: "sales",
  snapshot_changes: "sales",
  held_changes: "catalogue",
  stock_changes: "stock",
  stock_watchers: "stock",
  published_rows: "publishing",
  published_channels: "publishing",
  published_ages: "publishing",
  published_moments: "publishing",
  workers: "durable",
  workflow_instances: "durable",
  workflow_queue: "durable",
  workflow_journal: "durable",
  workflow_signals: "durable",
  workflow_steps: "durable",
  connection_states: "effects",
  order_entries: "orders",
  order_claims: "orders",
  returns: "orders",
  pickups: "orders",
  pickup_wrong_codes: "orders",
  objects: "operations",
  object_links: "operations",
  object_names: "operations",
  orders: "operations",
  exceptions: "operations",
  bulk_operations: "operations",
  bulk_members: "operations",
  linked_documents: "operations",
  exception_group_marks: "operations",
  exception_group_notes: "operations",
  exception_group_rules: "operations",
  figures: "operations",
  figure_objects: "operations",
  business_states: "operations",
  figure_baselines: "operations",
  weekly_reports: "operations",
  mode_episodes: "operations",
  promise_orders: "operations",
  promise_builds: "operations",
  promise_outcomes: "operations",
  alert_threads: "operations",
  alert_notices: "operations",
  alert_receivers: "operations",
  alert_silences: "operations",
  alert_clock: "operations",
  consumers: "governance",
  api_keys: "governance",
  people: "governance",
  sign_in_links: "governance",
  idempotency_keys: "governance",
  webhook_replays: "governance",
  audit_log: "governance",
  removed_by_retention: "operations",
  open_objects: "operations",
}

/** Reads across owners: what people see of one object is gathered in one statement each. Never a write. */
const readsAcross: Readonly<Record<string, readonly string[]>> = {
  "src/operations/trace/hops.ts": ["events", "inbox", "workflow_steps"],
  "src/operations/trace/trace.ts": ["workflow_instances", "workflow_queue"],
  "src/operations/search.ts": ["events"],
  "src/operations/stream/changes.ts": ["events"],
  "src/operations/modes/report.ts": ["workflow_instances"],
  "src/operations/order-book.ts": ["events"],
  "src/operations/effect-list.ts": ["workflow_instances", "workflow_queue", "workflow_journal"],
}

/** They put together and speak HTTP; tables and metrics belong to the modules below them. */
const placesWithoutSql = ["src/wiring.ts", "src/wiring/", "src/areas.ts", "src/areas/", "src/gateway/", "src/estate/"]
const placesWithoutMetrics = ["src/wiring.ts", "src/wiring/"]

const isIn = (path: string, places: readonly string[]) =>
  places.some((place) => path === place || (place.endsWith("/") && path.startsWith(place)))

/** SQL that names another module's table, tables without an owner, and SQL or metrics where there should be none. */
export function tables(sources: readonly Source[], files: readonly SourceFile[]): Violation[] {
  const programs = sources.filter(({ path }) => path.startsWith("src/") && !isTest(path))
  return [...ownerless(files), ...programs.flatMap(foreignTables), ...programs.flatMap(misplaced)]
}

function ownerless(files: readonly SourceFile[]): Violation[] {
  // A partition belongs to its table.
  const made = files
    .filter(({ path }) => path.startsWith("sql/"))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^create (?:unlogged )?(?:table|view) (\w+) (?:\(|as\b)/gm)].map((match) => ({
        path,
        name: match[1] ?? "",
        line: lineAt(text, match.index),
      })),
    )
  const remedy = "name its owner in test/tidy/tables.ts"
  const nobodys = made
    .filter(({ name }) => !Object.hasOwn(tableOwners, name))
    .map(({ path, line, name }) => ({ rule: "table owner", path, line, message: `nobody owns ${name}`, remedy }))
  const names = new Set(made.map(({ name }) => name))
  const gone = made.length === 0 ? [] : Object.keys(tableOwners).filter((name) => !names.has(name))
  return [
    ...nobodys,
    ...gone.map((name) => ({
      rule: "table owner",
      path: "test/tidy/tables.ts",
      line: 1,
      message: `sql/ makes no ${name}`,
      remedy: "take it off the list",
    })),
  ]
}

/** SQL, and in it the word that says whether the table is read or written. */
const named = /\b(from|join|into|update|truncate|table)\s+(?:only\s+)?([a-z_]+)/gi

function foreignTables({ path, literals }: Source): Violation[] {
  const folder = path.split("/")[1] ?? ""
  return literals
    .filter(({ text, isTagged }) => isTagged || sqlStart.test(text))
    .flatMap(({ text, line }) =>
      [...text.matchAll(named)].flatMap((match) => {
        const [statement, verb = "", name = ""] = match
        const owner = Object.hasOwn(tableOwners, name) ? tableOwners[name] : undefined
        const isRead = /from|join/i.test(verb) && !/delete\s+$/i.test(text.slice(0, match.index))
        const mayRead = isRead && Object.hasOwn(readsAcross, path) && readsAcross[path]?.includes(name)
        if (owner === undefined || owner === folder || mayRead) return []
        const remedy = `ask ${owner} for it by a function of src/${owner}, or write a function in sql/`
        const at = line + lineAt(text, match.index) - 1
        return [
          { rule: "foreign table", path, line: at, message: `"${statement}": ${name} belongs to ${owner}`, remedy },
        ]
      }),
    )
}

function misplaced({ path, literals, imports }: Source): Violation[] {
  const found: Violation[] = []
  const remedy = "move it to the module that owns the table"
  if (isIn(path, placesWithoutSql))
    for (const { text, line, isTagged } of literals)
      if (isTagged && /^\s*(select|insert|update|delete|with|truncate|listen|notify)\b/i.test(text))
        found.push({ rule: "SQL where none belongs", path, line, message: text.trim().slice(0, 60), remedy })
  if (isIn(path, placesWithoutMetrics))
    for (const { specifier, line } of imports)
      if (specifier === "prom-client")
        found.push({ rule: "metrics where none belong", path, line, message: specifier, remedy })
  return found
}
