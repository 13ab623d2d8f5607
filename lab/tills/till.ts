/** Something a till rings up. */
export type Article = { sku: string; priceMinor: number; taxPercent: number; taxCode: string; unit: string }

/** A receipt as a till writes it into its journal, and sends it. */
export type JournalReceipt = { sequence: number; [field: string]: unknown }

/** One till: a journal of numbers without gaps, written before anything is sent. */
export class Till {
  readonly storeId: string
  readonly tillId: string
  /** Another one after each installation: numbers begin anew then. */
  readonly #epoch: string
  readonly journal: JournalReceipt[] = []
  #sessionId = ""
  #cashMinor = 0

  constructor({ storeId, tillId, epoch }: { storeId: string; tillId: string; epoch: string }) {
    this.storeId = storeId
    this.tillId = tillId
    this.#epoch = epoch
  }

  /** Opens a drawer session with its float. */
  open(at: Date, floatMinor: number): void {
    this.#sessionId = `${this.tillId}-${at.toISOString().slice(0, 16)}`
    this.#cashMinor = floatMinor
    this.#write(at, { kind: "open", money: { amountMinor: floatMinor } })
  }

  get isOpen(): boolean {
    return this.#sessionId !== ""
  }

  /** Sells articles for cash or by card. Prices have their tax in them. */
  sell(at: Date, articles: readonly Article[], pays: "cash" | "card"): void {
    const lines = articles.map(({ sku, priceMinor, taxPercent, taxCode, unit }, n) => ({
      lineId: String(n + 1),
      sku,
      quantityMilli: 1000,
      unit,
      amountMinor: priceMinor,
      taxes: [
        {
          code: taxCode,
          ratePercent: String(taxPercent),
          amountMinor: Math.round((priceMinor * taxPercent) / (100 + taxPercent)),
          isIncluded: true,
        },
      ],
    }))
    const dueMinor = lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
    // People pay with notes: the next five euros up.
    const givenMinor = pays === "cash" ? Math.ceil(dueMinor / 500) * 500 : dueMinor
    if (pays === "cash") this.#cashMinor += dueMinor
    const tender =
      pays === "cash"
        ? { kind: "cash", amountMinor: givenMinor, changeMinor: givenMinor - dueMinor }
        : { kind: "card", amountMinor: dueMinor, card: { merchantAccount: "lab-retail-pos" } }
    this.#write(at, { kind: "sale", lines, tenders: [tender] })
  }

  /** Counts the drawer, `offMinor` away from what was in it, and closes the session. */
  close(at: Date, offMinor = 0): void {
    const counts = [{ tender: "cash", countedMinor: this.#cashMinor + offMinor }]
    this.#write(at, { kind: "count", cashier: `cashier ${this.tillId}`, counts })
    this.#write(at, { kind: "close", closes: { lastSequence: this.journal.length + 1 } })
    this.#sessionId = ""
  }

  #write(at: Date, more: { kind: string; [field: string]: unknown }): void {
    this.journal.push({
      storeId: this.storeId,
      tillId: this.tillId,
      epoch: this.#epoch,
      sequence: this.journal.length + 1,
      endedAt: at.toISOString(),
      currency: "EUR",
      ...(this.#sessionId === "" ? {} : { sessionId: this.#sessionId }),
      ...more,
    })
  }
}
