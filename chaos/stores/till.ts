import type { Random } from "../../lab/random.ts"
import type { ReceiptLine } from "../../src/canonical/sales/receipt-line.ts"
import type { Tender } from "../../src/canonical/sales/receipt-tender.ts"
import type { NumberedReceipt, ReceiptKind, ReceiptReference } from "../../src/canonical/sales/receipt.ts"

/** Goods that only stores sell, so that a count of the web shop's warehouses says nothing about them. */
export const storeArticles = Array.from({ length: 8 }, (_, n) => ({
  sku: `STORE-${n + 1}`,
  priceMinor: 199 + n * 371,
  taxPercent: n % 3 === 0 ? 9 : 21,
}))

const floatMinor = 20_000
const noteMinor = 500

/** A sale of which every unit is still with its buyer. */
interface Returnable {
  receipt: NumberedReceipt
  line: ReceiptLine
  tender: Tender
}

/** A unit of a web order that its buyer brings to a till. */
export interface WebUnit {
  orderId: string
  sku: string
  paidMinor: number
}

/** One till, and the roll of paper in it: every number that it gives, in its order. */
export class Till {
  /** All that it printed, also what it printed under a number that was used already. Nothing is ever taken off. */
  readonly paper: NumberedReceipt[] = []
  readonly storeId: string
  readonly tillId: string
  readonly #random: Random
  /** Sold at any till of the store, and not brought back. */
  readonly #returnable: Returnable[]
  #epoch = 1
  #sequence = 0
  #session = ""
  #day = ""
  #at = ""
  #drawerMinor = 0

  constructor(of: { storeId: string; tillId: string; random: Random; returnable: Returnable[] }) {
    this.storeId = of.storeId
    this.tillId = of.tillId
    this.#random = of.random
    this.#returnable = of.returnable
  }

  /** The last number of each epoch on a day. */
  lastOf(day: string): { tillId: string; epoch: string; lastSequence: number }[] {
    const own = Map.groupBy(
      this.paper.filter(({ businessDay }) => businessDay === day),
      ({ epoch }) => epoch,
    )
    return [...own].map(([epoch, printed]) => {
      return { tillId: this.tillId, epoch, lastSequence: Math.max(...printed.map(({ sequence }) => sequence)) }
    })
  }

  /** Sets the till's clock and its business day. */
  clock(day: string, at: string): void {
    this.#day = day
    this.#at = at
  }

  open(): void {
    this.#session = `${this.tillId}-${this.#day}-${this.#epoch}`
    this.#drawerMinor = floatMinor
    this.#print("open", { money: { amountMinor: floatMinor } })
  }

  /** Whatever a customer, or nobody, wants next. */
  next(): void {
    const kinds = ["sale", "sale", "sale", "sale", "return", "void", "quiet", "suspend", "money"] as const
    const kind = this.#random.pick(kinds)
    if (kind === "return") this.#takeBack()
    else if (kind === "void") this.#void()
    else if (kind === "quiet") this.#print(this.#random.pick(["no-sale", "control"]))
    else if (kind === "suspend") this.#suspend()
    else if (kind === "money") this.#moveMoney()
    else this.sell()
  }

  sell(more: Partial<NumberedReceipt> = {}): void {
    const count = this.#random.integer(1, 3)
    const lines = Array.from({ length: count }, (_, n) => this.#line(String(n + 1)))
    const dueMinor = lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
    const tender = this.#tender(dueMinor)
    const receipt = this.#print("sale", { lines, tenders: [tender], ...more })
    for (const line of lines) this.#returnable.push({ receipt, line, tender })
  }

  /** Prints a sale, and another one under its number: the counter was set back. Neither is ever brought back. */
  useNumberTwice(): void {
    for (const priceMinor of [499, 1299]) {
      const { lineId, ...line } = this.#line("1")
      const taxes = [taxOf(priceMinor, 21)]
      const lines = [{ ...line, lineId, amountMinor: priceMinor, taxes }]
      this.#print("sale", { lines, tenders: [cardTender(priceMinor)] })
      this.#sequence -= 1
    }
    this.#sequence += 1
  }

  /** A buyer of the web shop brings a unit back and takes cash for it. */
  takeWebUnit({ orderId, sku, paidMinor }: WebUnit): void {
    const line: ReceiptLine = {
      lineId: "1",
      sku,
      quantityMilli: -1000,
      unit: "ea",
      amountMinor: -paidMinor,
      taxes: [taxOf(-paidMinor, 21)],
      returned: { orderId, disposition: "inspect" },
    }
    this.#drawerMinor -= paidMinor
    this.#print("sale", { lines: [line], tenders: [{ kind: "cash", amountMinor: -paidMinor }] })
  }

  /** Counts the drawer, sometimes wrongly, and closes the session with its last number. */
  close(): void {
    this.#count(this.#random.pick([0, 0, 0, -120, 35]))
    this.#print("close", { closes: { lastSequence: this.#sequence + 1 } })
  }

  /** The machine is replaced: numbers begin anew in another epoch. The drawer is counted there under its old session. */
  reinstall(): void {
    this.#epoch += 1
    this.#sequence = 0
    this.#count(0)
    this.open()
  }

  #count(offMinor: number): void {
    const counts = [{ tender: "cash", countedMinor: this.#drawerMinor + offMinor }]
    // A second person was there: what is sold after the count may be more than one may be off alone.
    this.#print("count", { counts, cashier: `cashier ${this.tillId}`, override: { approver: "manager" } })
  }

  #line(lineId: string): ReceiptLine {
    const { sku, priceMinor, taxPercent } = this.#random.pick(storeArticles)
    const pieces = this.#random.integer(1, 2)
    const amountMinor = priceMinor * pieces
    return {
      lineId,
      sku,
      quantityMilli: pieces * 1000,
      unit: "ea",
      amountMinor,
      taxes: [taxOf(amountMinor, taxPercent)],
    }
  }

  #tender(dueMinor: number): Tender {
    const kind = this.#random.pick(["cash", "card", "card", "voucher"] as const)
    if (kind === "card") return cardTender(dueMinor)
    if (kind === "voucher") return { kind, amountMinor: dueMinor }
    this.#drawerMinor += dueMinor
    const givenMinor = Math.ceil(dueMinor / noteMinor) * noteMinor
    return { kind, amountMinor: givenMinor, changeMinor: givenMinor - dueMinor }
  }

  /** Takes a line of an earlier sale back, all of it, and gives back by the tender it was paid with. */
  #takeBack(): void {
    const found = this.#takeReturnable()
    if (!found) return this.sell()
    const { receipt, line, tender } = found
    const { storeId, tillId, epoch, businessDay, sequence } = receipt
    const back = negative(line)
    const original = { storeId, tillId, epoch, businessDay, sequence, lineId: line.lineId }
    if (tender.kind === "cash") this.#drawerMinor -= line.amountMinor
    this.#print("sale", {
      lines: [{ ...back, lineId: "1", returned: { original } }],
      tenders: [{ ...tender, amountMinor: -line.amountMinor, ...(tender.changeMinor ? { changeMinor: 0 } : {}) }],
    })
  }

  /** Takes back the whole of the till's last sale, while nothing of it was brought back. */
  #void(): void {
    const receipt = this.paper.at(-1)
    const { lines = [], tenders = [] } = receipt ?? {}
    const own = this.#returnable.filter((one) => one.receipt === receipt)
    if (!receipt || receipt.kind !== "sale" || own.length === 0 || own.length < lines.length) return this.sell()
    for (const one of own) this.#returnable.splice(this.#returnable.indexOf(one), 1)
    const [tender] = tenders
    const dueMinor = lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
    if (tender?.kind === "cash") this.#drawerMinor -= dueMinor
    this.#print("void", {
      voids: referenceOf(receipt),
      lines: lines.map(negative),
      tenders: tenders.map(({ changeMinor: _given, ...one }) => ({ ...one, amountMinor: -dueMinor })),
    })
  }

  /** A sale that waits, and the one that goes on with it. */
  #suspend(): void {
    const waiting = this.#print("sale", { lines: [this.#line("1")], status: "suspended" })
    this.sell({ resumes: referenceOf(waiting) })
  }

  #moveMoney(): void {
    const kind = this.#random.pick(["paid-out", "safe-drop", "paid-in"] as const)
    const amountMinor = this.#random.integer(1, 20) * 100
    this.#drawerMinor += kind === "paid-in" ? amountMinor : -amountMinor
    this.#print(kind, { money: { amountMinor } })
  }

  #takeReturnable(): Returnable | undefined {
    const sold = this.#returnable
    return sold.splice(this.#random.integer(0, Math.max(0, sold.length - 1)), 1)[0]
  }

  #print(kind: ReceiptKind, more: Partial<NumberedReceipt> = {}): NumberedReceipt {
    this.#sequence += 1
    const receipt: NumberedReceipt = {
      storeId: this.storeId,
      tillId: this.tillId,
      epoch: String(this.#epoch),
      businessDay: this.#day,
      sequence: this.#sequence,
      kind,
      sessionId: this.#session,
      endedAt: this.#at,
      currency: "EUR",
      ...more,
    }
    this.paper.push(receipt)
    return receipt
  }
}

function cardTender(amountMinor: number): Tender {
  return { kind: "card", amountMinor, card: { merchantAccount: "chaos-pos" } }
}

/** The tax in a price, rounded by the till. */
function taxOf(amountMinor: number, percent: number) {
  const minor = Math.round((Math.abs(amountMinor) * percent) / (100 + percent))
  return {
    code: `NL-${percent}`,
    ratePercent: String(percent),
    amountMinor: amountMinor < 0 ? -minor : minor,
    isIncluded: true,
  }
}

function negative(line: ReceiptLine): ReceiptLine {
  return {
    ...line,
    quantityMilli: -line.quantityMilli,
    amountMinor: -line.amountMinor,
    taxes: (line.taxes ?? []).map((tax) => ({ ...tax, amountMinor: -tax.amountMinor })),
  }
}

function referenceOf({ storeId, tillId, epoch, businessDay, sequence }: NumberedReceipt): ReceiptReference {
  return { storeId, tillId, epoch, businessDay, sequence }
}
