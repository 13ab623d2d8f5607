/** Counts of a time, and of the same hours of earlier weeks. */
export interface Flow {
  now: number
  /** One entry for each earlier week of which the figures are known, zero included. */
  earlier: readonly number[]
}

/** What was sold in a channel, and what left. */
export interface ChannelFlow {
  channel: string
  placed: Flow
  /** Orders whose first goods left. */
  left: Flow
  /** Of the orders placed; currencies are never added. */
  money: readonly { currency: string; now: number; earlier: readonly number[] }[]
}

/** A time in which a system did not answer, refused us, or was not read. */
export interface Trouble {
  connection: string
  /**
   * - away: it does not answer;
   * - refuses us: it answers and does not take our key, or we refuse what it signs;
   * - not read: it answers, and a reader of ours stands still.
   */
  what: "away" | "refuses us" | "not read"
  /** Share of the time asked about, 0 to 1. */
  share: number
  /** In words, for people. */
  says: string
  isOver: boolean
}

/** Exceptions of one cause that were opened in the time. */
export interface CasesOfOneCause {
  group: string
  /** Kind of the objects that they are about: `order`, `delivery` … */
  about: string
  kind: "data" | "flow"
  cause: string
  operation?: string
  code?: string
  connection?: string
  field?: string
  value?: string
  channel?: string
  cases: number
  orders: number
}

/** All that "why is revenue down?" is answered from. */
export interface Evidence {
  flows: readonly ChannelFlow[]
  /** Connections by what they are for. */
  warehouses: readonly string[]
  troubles: readonly Trouble[]
  cases: readonly CasesOfOneCause[]
  /** Exceptions opened, by kind: what is usual is no cause. */
  usualCases: Readonly<Record<"data" | "flow", Flow>>
  /** Deliveries of a connection that could not be read. */
  unread: readonly { connection: string; deliveries: Flow }[]
  /** Orders that were heard more than ten minutes after they were placed, by channel. */
  heardLate: readonly { channel: string; orders: Flow }[]
  /** Orders that are released now and have not left, and those that wait before that. */
  waiting: { released: number; before: number }
}

/** Why fewer orders or less money came in. */
export type Cause = "platform outage" | "sync failure" | "warehouse delay" | "bad data" | "workflow flaw" | "demand"

/** Where to look next. */
export interface Look {
  at: "connection" | "group" | "orders" | "figures"
  id?: string
}

/** A cause with what speaks for it. */
export interface Suspect {
  cause: Cause
  /** Orders of the shortfall that it explains. */
  orders: number
  /** Of all that is missing or stuck, 0 to 1. */
  share: number
  evidence: readonly string[]
  look: readonly Look[]
}
