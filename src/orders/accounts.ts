import { storage, type Sql } from "../base/sql.ts"
import type { UnitsOut } from "../rules/credit.ts"
import type { SeenRefund } from "../rules/fulfilment/news.ts"
import type {
  BackClaim,
  ExchangeClaim,
  ExchangePaid,
  GivenBack,
  GrantedRefund,
  RefundClaim,
  ReturnClaim,
  UnitsBack,
} from "../ports/capabilities/accounts.ts"
import type { Entry } from "./entries.ts"

/** What an account holds of something that was, or is to be, given back. */
export interface Claim {
  key: string
  kind: "refund" | "return" | "receipt" | "dispute" | "exchange"
  part: string
  amount: number
  unit: string
  by: string
  state: "open" | "settled" | "released" | "failed" | "refused"
  /** Asked for before it happened; the others are reports of what had happened already. */
  isClaimed: boolean
  reference: string | null
  toldBy: readonly string[]
  claimedAt: string
  settledAt: string | null
}

/** All rows of an account. */
export interface AccountRows {
  /** What was taken, by tender; whoever tells of most counts. */
  taken: readonly { part: string; unit: string; amount: number }[]
  entries: readonly (Omit<Entry, "orderId" | "label" | "reference"> & {
    label: string | null
    reference: string | null
  })[]
  claims: readonly Claim[]
}

/** Units of a line that left a place. */
export interface ShippedFrom {
  lineId: string
  locationId: string
  milli: number
}

interface ClaimRow {
  state: Claim["state"]
  was_there: number
}

/**
 * The accounts of all orders. Claims are atomic: however many ask at once, no tender gives back more than it took and no unit
 * comes back twice. Every claim has a key, and a repeat is answered as before.
 */
export class OrderAccounts {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  async claimRefund({ orderId, tenderId, amount, keptMinor, by }: RefundClaim, key: string): Promise<GrantedRefund> {
    const [row] = await storage(
      () => this.#sql<ClaimRow[]>`
        select * from claim_refund(${orderId}, ${tenderId}, ${amount.amountMinor}, ${amount.currency}, ${keptMinor}, ${by}, ${key})`,
    )
    const granted = row !== undefined && row.state !== "refused"
    const givenBack = granted ? [] : givenBackOf(await this.read(orderId), { unit: amount.currency, part: tenderId })
    return { granted, takenMinor: row?.was_there ?? 0, givenBack }
  }

  async claimReturn({ orderId, lineId, quantity, by }: ReturnClaim, key: string): Promise<{ granted: boolean }> {
    const [row] = await storage(
      () => this.#sql<ClaimRow[]>`
        select * from claim_return(${orderId}, ${lineId}, ${quantity.milli}, ${quantity.unit}, ${by}, ${key})`,
    )
    return { granted: row !== undefined && row.state !== "refused" }
  }

  /** Units that are back, as far as they had left and are not back already, and how much of them nobody gave money for yet. */
  async claimBack({ orderId, lineId, quantity, isGivenFor, by }: BackClaim, key: string): Promise<UnitsBack> {
    const [row] = await storage(
      () => this.#sql<{ received: number; credited: number; before: number; put_back: number }[]>`
        select received, credited, before, put_back
        from claim_back(${orderId}, ${lineId}, ${quantity.milli}, ${quantity.unit}, ${isGivenFor}, ${by}, ${key})`,
    )
    return {
      receivedMilli: row?.received ?? 0,
      creditedMilli: row?.credited ?? 0,
      beforeMilli: row?.before ?? 0,
      putBackMilli: row?.put_back ?? 0,
    }
  }

  /** What goods of another order pay of this one, as far as other returns have not paid it. */
  async claimExchange({ orderId, owed, wantedMinor, by }: ExchangeClaim, key: string): Promise<ExchangePaid> {
    const [row] = await storage(
      () => this.#sql<{ applied: number; left_after: number }[]>`
        select applied, left_after
        from claim_exchange(${orderId}, ${owed.amountMinor}, ${wantedMinor}, ${owed.currency}, ${by}, ${key})`,
    )
    return { appliedMinor: row?.applied ?? 0, leftMinor: row?.left_after ?? 0 }
  }

  /** What was claimed has certainly not been given back. Returns the state of the claim; null for one that nobody made. */
  async release(orderId: string, key: string): Promise<Claim["state"] | null> {
    const [row] = await storage(
      () => this.#sql<{ state: Claim["state"] | null }[]>`select release_claim(${orderId}, ${key}) as state`,
    )
    return row?.state ?? null
  }

  /** Everything an account holds. */
  async read(orderId: string): Promise<AccountRows> {
    const [row] = await storage(() => this.#sql<{ rows: AccountRows }[]>`select read_account(${orderId}) as rows`)
    return row?.rows ?? { taken: [], entries: [], claims: [] }
  }

  /** From where how much of a line left. */
  async shippedFrom(orderId: string): Promise<readonly ShippedFrom[]> {
    const { entries } = await this.read(orderId)
    return entries.flatMap(({ what, part, by, amount }) =>
      what === "shipped" ? [{ lineId: part, locationId: by, milli: amount }] : [],
    )
  }

  /** What the account made of a refund that a channel told of under this number. */
  async seen(orderId: string, refund: { refundId: string; currency: string }): Promise<SeenRefund> {
    const rows = await this.read(orderId)
    const { refundId, currency: unit } = refund
    const own = rows.claims.find(({ toldBy }) => toldBy.some((mark) => mark.endsWith(` ${refundId}`)))
    const taken = rows.taken.filter((one) => one.unit === unit)
    const takenMinor = taken.reduce((sum, { amount }) => sum + amount, 0)
    return {
      isOurs: own?.isClaimed ?? false,
      takenMinor,
      givenBack: givenBackOf(rows, { unit }),
      ...unitsOut(rows),
    }
  }
}

/** Units that left, and those of them that nobody was given back for. */
export function unitsOut({ entries, claims }: AccountRows): UnitsOut {
  const left: Record<string, number> = {}
  for (const { what, part, amount } of entries) if (what === "shipped") left[part] = (left[part] ?? 0) + amount
  const withBuyer = { ...left }
  for (const { kind, state, part, amount } of claims)
    if (kind === "return" && (state === "open" || state === "settled"))
      withBuyer[part] = (withBuyer[part] ?? 0) - amount
  return { left, withBuyer }
}

/** Refunds that count: of one tender with those that may have been of it, or of all. */
function givenBackOf({ claims }: AccountRows, of: { unit: string; part?: string }): GivenBack[] {
  const counts = claims.filter(
    ({ kind, state, unit, part }) =>
      (kind === "refund" || kind === "dispute") &&
      (state === "open" || state === "settled") &&
      unit === of.unit &&
      (of.part === undefined || part === of.part || part === ""),
  )
  return counts.map(({ by, amount, state }) => ({ by, amountMinor: amount, isOpen: state === "open" }))
}
