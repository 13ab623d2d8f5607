// The tables that grow with orders, and the columns that must differ between an order and its clone. When the schema
// changes, change this list; `--only growth` reports every table and column that does not match it.

/**
 * How a clone's column differs from its original's:
 * - `order id`: the text holds an order's id, which becomes the clone's;
 * - `row number`: a whole number drawn from a sequence, which goes on rising;
 * - `distinct text`: nothing looks into the text, but each one is unique;
 * - `hash`: a uuid whose first digits rise with time and whose others are as good as random;
 * - `time`: further in the past than the original's;
 * - `default`: what the column's default gives, as for a new row.
 */
export type Change = "order id" | "row number" | "distinct text" | "hash" | "time" | "default"

/** A table whose rows come with orders; columns that are not named are copied as they are. */
export interface GrowingTable {
  table: string
  columns: Readonly<Record<string, Change>>
  /** The rows that come with orders, where there are others: an SQL condition. */
  where?: string
}

/**
 * Ids of orders inside other texts. Their first four characters rise with time (src/base/ids.ts): those of a copy stand together,
 * before those of the next copy and of the originals.
 */
export const orderIdPattern = "ord_[0-9a-z]{4}([0-9a-z]{12})"

export const growingTables: readonly GrowingTable[] = [
  { table: "inbox", columns: { id: "row number", bodies: "row number", received_at: "time" } },
  { table: "inbox_bodies", columns: { id: "row number" } },
  { table: "webhook_replays", columns: { delivery_key: "hash" } },
  { table: "event_facts", columns: { fact_key: "hash", inbox_id: "row number" } },
  {
    table: "events",
    columns: {
      xid: "default",
      seq: "default",
      recorded_at: "time",
      time: "time",
      fact: "distinct text",
      key: "order id",
      inbox_id: "row number",
    },
  },
  { table: "object_links", columns: { from_ref: "order id", to_ref: "order id", at: "time" } },
  { table: "object_names", columns: { ref: "order id", id: "distinct text" } },
  {
    table: "objects",
    columns: {
      ref: "order id",
      id: "order id",
      number: "distinct text",
      external_id: "distinct text",
      opened_at: "time",
      since: "time",
      finished_at: "time",
    },
  },
  {
    table: "figure_objects",
    columns: { ref: "order id", opened_at: "time", since: "time", left_at: "time", asked_at: "time" },
    where: "kind = 'order'",
  },
  { table: "promise_orders", columns: { order_id: "order id", placed_at: "time" } },
  {
    table: "promise_outcomes",
    columns: {
      subject: "distinct text",
      order_id: "order id",
      started_at: "time",
      due_at: "time",
      ended_at: "time",
      finished_at: "time",
      stage_at: "time",
    },
    where: "order_id is not null",
  },
  { table: "order_entries", columns: { order_id: "order id", id: "row number", at: "time" } },
  { table: "order_claims", columns: { order_id: "order id", claimed_at: "time", settled_at: "time" } },
  {
    table: "workflow_instances",
    columns: {
      id: "row number",
      about: "order id",
      promised_at: "time",
      started_at: "time",
      finished_at: "time",
    },
  },
  { table: "workflow_queue", columns: { instance: "row number", due_at: "time", promised_at: "time" } },
  { table: "workflow_journal", columns: { instance: "row number", id: "row number", at: "time" } },
  {
    table: "workflow_signals",
    columns: { instance: "row number", id: "row number", fact: "distinct text", at: "time" },
  },
  {
    table: "stock_reservations",
    columns: {
      key: "order id",
      id: "row number",
      owner: "order id",
      expires_at: "time",
      created_at: "time",
      ended_at: "time",
    },
  },
  { table: "stock_reservation_lines", columns: { reservation_id: "row number" } },
  {
    table: "stock_ledger",
    columns: {
      id: "row number",
      fact: "distinct text",
      reservation_key: "order id",
      occurred_at: "time",
      recorded_at: "time",
    },
    where: "kind <> 'receipt'",
  },
]

/** Tables with a few rows per hour, however many orders there are. */
export const hourlyTables: readonly string[] = ["figures", "business_states"]

/** Rows are deleted at this age at the earliest (`webhook_replays`); no clone is older, so that none goes while one measures. */
export const oldestCloneHours = 9 * 24

/** Before the clones come: the partitions they go to. */
export const beforehand: readonly string[] = ["select ensure_partitions(now() - interval '1 month')"]

/** After the clones came: sequences that `row number` did not find by itself, and readers that must not read the clones. */
export const afterwards: readonly string[] = [
  "select setval('inbox_blocks', (select max(id) % 100000000000 from inbox) / 1000 + 1)",
  "select setval('stock_reservation_block', (select max(id) from stock_reservations) / 1024 + 1)",
  "update subscriptions set xid = pg_current_xact_id(), seq = 0",
]
