import { instant, monotonicMs } from "../base/time.ts"
import type { PublishingChannel } from "./policies.ts"
import type { PublishedRows } from "./rows.ts"

const everyMaxMs = 60_000
const atOnceMax = 2000
const countEveryMs = 3_600_000

/** Asks for a look at a part of all rows, so that each is read back in its time, whatever happens or does not. */
export class RollingAudit {
  readonly #channel: PublishingChannel
  readonly #rows: Pick<PublishedRows<unknown>, "count" | "audit">
  #askedMs = monotonicMs()
  #count: number | undefined
  #countedMs = 0

  constructor(channel: PublishingChannel, rows: Pick<PublishedRows<unknown>, "count" | "audit">) {
    this.#channel = channel
    this.#rows = rows
  }

  async ask(nowMs: number): Promise<void> {
    const { auditWithinMs, channel } = this.#channel
    const everyMs = Math.min(everyMaxMs, auditWithinMs / 10)
    if (monotonicMs() - this.#askedMs < everyMs) return
    this.#askedMs = monotonicMs()
    // Counting millions of rows takes a second: once an hour is enough.
    if (this.#count === undefined || monotonicMs() - this.#countedMs > Math.min(countEveryMs, auditWithinMs)) {
      this.#count = await this.#rows.count(channel)
      this.#countedMs = monotonicMs()
    }
    const share = Math.ceil((this.#count * everyMs) / auditWithinMs)
    const most = Math.min(Math.max(1, share), atOnceMax)
    await this.#rows.audit(channel, { most, now: instant(nowMs) })
  }
}
