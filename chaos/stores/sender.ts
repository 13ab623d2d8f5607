import type { NumberedReceipt } from "../../src/canonical/sales/receipt.ts"
import type { Till } from "./till.ts"

const batchMax = 20
const patienceMs = 10_000

/** Where a till sends what it prints. */
export interface Way {
  url: string
  headers: Record<string, string>
}

/** Sends what a till prints, in its order, until it is answered. What got no answer is sent again. */
export class Sender {
  /** What it never sends by itself: the number is missing until somebody asks the till for it. */
  readonly withheld = new Set<NumberedReceipt>()
  /** Answers that no till should hear. */
  readonly refused: string[] = []
  unanswered = 0
  readonly till: Till
  readonly #way: () => Way
  #from = 0
  #isSending = false

  constructor(till: Till, way: () => Way) {
    this.till = till
    this.#way = way
  }

  /** Everything that is to be sent was answered. */
  get isDone(): boolean {
    return this.#from >= this.till.paper.length
  }

  /** Sends the next batches until one gets no answer. */
  async pass(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    try {
      while (!this.isDone) {
        const upTo = Math.min(this.#from + batchMax, this.till.paper.length)
        const batch = this.till.paper.slice(this.#from, upTo).filter((receipt) => !this.withheld.has(receipt))
        if (batch.length > 0 && !(await this.#post(batch))) return
        this.#from = upTo
      }
    } finally {
      this.#isSending = false
    }
  }

  /** Sends some receipts, or all, once more; false when one of the batches got no answer. */
  async again(receipts: readonly NumberedReceipt[]): Promise<boolean> {
    for (let at = 0; at < receipts.length; at += batchMax)
      if (!(await this.#post(receipts.slice(at, at + batchMax)))) return false
    return true
  }

  async #post(receipts: readonly NumberedReceipt[]): Promise<boolean> {
    const { url, headers } = this.#way()
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ receipts }),
      signal: AbortSignal.timeout(patienceMs),
    })
      .then(async (one) => ({ status: one.status, body: (await one.json()) as { results?: Result[] } }))
      .catch(() => undefined)
    if (answer?.status === 200 && answer.body.results) {
      for (const { outcome, number, problems } of answer.body.results)
        if (!["accepted", "same as before", "conflict"].includes(outcome))
          this.refused.push(`${number ?? "a receipt"} is ${outcome}: ${JSON.stringify(problems)}`)
      return true
    }
    // Everything a till sends is well: a refusal of the request as a whole is no outage.
    if (answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429)
      this.refused.push(`${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`)
    this.unanswered += 1
    return false
  }
}

interface Result {
  outcome: string
  number?: string
  problems?: unknown
}
