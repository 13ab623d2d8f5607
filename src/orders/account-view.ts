import { money, type Money } from "../base/money.ts"
import type { Order } from "../canonical/order.ts"
import type { Quantity } from "../base/quantity.ts"
import type { AccountRows, Claim } from "./accounts.ts"

/** What became of a line. What ended without being shipped counts as cancelled. */
export interface LineAccount {
  lineId: string
  sku: string
  title: string
  unit: string
  orderedMilli: number
  /** Reserved at a location and not shipped yet. */
  allocatedMilli: number
  shippedMilli: number
  returnedMilli: number
  cancelledMilli: number
}

/** Money that went back, or is about to. */
export interface GivenBackView {
  by: string
  amount: Money
  state: Claim["state"]
  key: string
  reference?: string
  /** Who told of it besides. */
  toldBy: readonly string[]
  at: string
}

/** What became of the money of a tender, in the currency the buyer pays in. */
export interface TenderAccount {
  tenderId: string
  provider: string
  reference?: string
  held: Money
  taken: Money
  givenBack: Money
  /** Taken back by the buyer's bank. */
  disputed: Money
  refunds: readonly GivenBackView[]
  disputes: readonly GivenBackView[]
}

/** The account of an order, as people read it. */
export interface AccountView {
  orderId: string
  lines: readonly LineAccount[]
  tenders: readonly TenderAccount[]
  /** Refunds and disputes of which nobody told the tender. */
  refunds: readonly GivenBackView[]
  documents: readonly { system: string; type: string; id: string; total: Money; at: string }[]
  /** Claims of which nobody knows yet what became of them. */
  openClaims: readonly {
    key: string
    kind: Claim["kind"]
    part: string
    amount: number
    unit: string
    by: string
    at: string
  }[]
}

/** What the account is made of, besides its own rows. */
export interface AccountSources {
  order: Order
  /** Nothing more is expected of the order. */
  isOver: boolean
  rows: AccountRows
  /** Units that are allocated to locations and not shipped, by SKU. */
  allocated: ReadonlyMap<string, Quantity["milli"]>
}

/** Puts an account together: what was sold says the order, what became of it say the entries and claims. */
export function accountView({ order, isOver, rows, allocated }: AccountSources): AccountView {
  const left = new Map(allocated)
  const open = rows.claims.filter(({ state }) => state === "open")
  const tenders = tendersOf(order, rows)
  const known = new Set(tenders.map(({ tenderId }) => tenderId))
  return {
    orderId: order.id,
    lines: order.lines.map((line) => lineAccount(line, { rows, isOver, left })),
    tenders,
    refunds: rows.claims
      .filter(({ kind, part }) => (kind === "refund" || kind === "dispute") && !known.has(part))
      .map(givenBackView),
    documents: rows.entries
      .filter(({ what }) => what === "booked")
      .map(({ by, label, part, amount, unit, at }) => {
        return { system: by, type: label ?? "", id: part, total: money(amount, unit), at }
      }),
    openClaims: open.map(({ key, kind, part, amount, unit, by, claimedAt }) => {
      return { key, kind, part, amount, unit, by, at: claimedAt }
    }),
  }
}

function lineAccount(
  line: Order["lines"][number],
  { rows, isOver, left }: { rows: AccountRows; isOver: boolean; left: Map<string, number> },
): LineAccount {
  const { id: lineId, sku, title, quantity } = line
  const shippedMilli = sum(rows.entries.filter(({ what, part }) => what === "shipped" && part === lineId))
  const orderedMilli = quantity.milli
  const openMilli = Math.max(0, orderedMilli - shippedMilli)
  // Stock is kept by SKU, and one SKU may stand on two lines: the first line is served first.
  const allocatedMilli = isOver ? 0 : Math.min(openMilli, left.get(sku) ?? 0)
  left.set(sku, (left.get(sku) ?? 0) - allocatedMilli)
  const back = rows.claims.filter(
    ({ kind, part, state }) => kind === "return" && part === lineId && state === "settled",
  )
  const [returnedMilli, cancelledMilli] = [sum(back), isOver ? openMilli : 0]
  return {
    lineId,
    sku,
    title,
    unit: quantity.unit,
    orderedMilli,
    allocatedMilli,
    shippedMilli,
    returnedMilli,
    cancelledMilli,
  }
}

/** The tenders of an order, and what became of their money. */
export function tendersOf(order: Order, rows: AccountRows): TenderAccount[] {
  const sold = order.tenders.map(({ id, provider, reference, state, amount }) => {
    return { id, provider, reference, unit: amount.presentment.currency, amount: amount.presentment.amountMinor, state }
  })
  const told = rows.entries.filter(({ what }) => what !== "shipped" && what !== "booked")
  return [...new Set([...sold.map(({ id }) => id), ...told.map(({ part }) => part)])].map((tenderId): TenderAccount => {
    const asSold = sold.find(({ id }) => id === tenderId)
    const own = told.filter(({ part }) => part === tenderId)
    const unit = asSold?.unit ?? own[0]?.unit ?? order.currency.presentment
    const takenMinor = sum(rows.taken.filter((one) => one.part === tenderId && one.unit === unit))
    const holds = own.filter(({ what }) => what === "held").map(({ amount }) => amount)
    const heldMinor = Math.max(0, ...holds, asSold?.state === "authorised" ? asSold.amount : 0)
    const isLetGo = own.some(({ what }) => what === "let go" || what === "failed")
    const back = rows.claims.filter(({ part }) => part === tenderId)
    const refunds = back.filter(({ kind }) => kind === "refund")
    const disputes = back.filter(({ kind }) => kind === "dispute")
    const reference = own.find((one) => one.reference !== null)?.reference ?? asSold?.reference
    return {
      tenderId,
      provider: asSold?.provider ?? own[0]?.label ?? "",
      ...(reference ? { reference } : {}),
      held: money(isLetGo ? 0 : Math.max(0, heldMinor - takenMinor), unit),
      taken: money(takenMinor, unit),
      givenBack: money(sum(refunds.filter(({ state }) => state === "settled")), unit),
      disputed: money(sum(disputes.filter(({ state }) => state === "settled")), unit),
      refunds: refunds.map(givenBackView),
      disputes: disputes.map(givenBackView),
    }
  })
}

function givenBackView({
  by,
  amount,
  unit,
  state,
  key,
  reference,
  toldBy,
  claimedAt,
  settledAt,
}: Claim): GivenBackView {
  const known = reference === null ? {} : { reference }
  return { by, amount: money(amount, unit), state, key, ...known, toldBy, at: settledAt ?? claimedAt }
}

const sum = (items: readonly { amount: number }[]) => items.reduce((total, { amount }) => total + amount, 0)
