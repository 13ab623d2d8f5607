import { setTimeout as sleep } from "node:timers/promises"
import type { Random } from "../../lab/random.ts"
import type { NumberedReceipt } from "../../src/canonical/sales/receipt.ts"
import type { Line } from "../../test/fixtures/sales/line.ts"
import type { StoreLook } from "../books/stores-book.ts"
import { planTroubles, type Planned, type Trouble } from "./acts.ts"
import type { Agent } from "./agent.ts"
import { Sender } from "./sender.ts"
import { Till, type WebUnit } from "./till.ts"

const tillCount = 3
const sendEveryMs = 150
const lookEveryMs = 3000

/** What a store needs of the world. */
export interface StoreParts {
  storeId: string
  random: Random
  line: Line
  /** Undefined: its tills speak to the centre themselves. */
  agent: Agent | undefined
  key: string
  /** Business days that it trades, one after the other. */
  days: readonly string[]
  windowMs: number
  /** Pause between two receipts. */
  pauseMs: number
  /** One request to the centre, whatever becomes of it; undefined without an answer. */
  ask: (method: "GET" | "POST", path: string, body?: object) => Promise<unknown>
  /** A unit of a web order that its buyer has by now, and that nobody brought back yet. */
  webUnit: () => Promise<WebUnit | undefined>
}

/** One store with three tills: it trades day after day, whatever goes wrong with its line, its tills and its agent. */
export class ChaosStore {
  readonly storeId: string
  readonly agent: Agent | undefined
  readonly senders: readonly Sender[]
  /** How often each trouble came. */
  readonly troubles = new Map<Trouble, number>()
  readonly looks: StoreLook[] = []
  readonly #parts: StoreParts
  readonly #plan: Planned[]
  readonly #lasting: Promise<unknown>[] = []
  #startedAt = 0

  constructor(parts: StoreParts) {
    this.#parts = parts
    const { storeId, random, agent, line, key, windowMs } = parts
    this.storeId = storeId
    this.agent = agent
    this.#plan = planTroubles(random, { hasAgent: agent !== undefined, windowMs })
    const returnable: ConstructorParameters<typeof Till>[0]["returnable"] = []
    const way = () =>
      agent
        ? { url: `${agent.url}/sales`, headers: {} }
        : { url: `${line.url}/v1/sales`, headers: { authorization: `Bearer ${key}` } }
    this.senders = Array.from({ length: tillCount }, (_, n) => {
      return new Sender(new Till({ storeId, tillId: String(n + 1), random, returnable }), way)
    })
  }

  get tills(): Till[] {
    return this.senders.map(({ till }) => till)
  }

  /** Trades through all of its days, and sends meanwhile what it can. */
  async trade(): Promise<void> {
    this.#startedAt = Date.now()
    const stop = new AbortController()
    const beside = [
      ...this.senders.map((sender) => every(sendEveryMs, stop.signal, () => sender.pass())),
      every(lookEveryMs, stop.signal, () => this.look([])),
    ]
    try {
      for (const [n, day] of this.#parts.days.entries()) await this.#tradeDay(day, n)
      await Promise.all(this.#lasting.splice(0))
    } finally {
      stop.abort()
      await Promise.all(beside)
      this.#parts.line.mode = "on"
    }
  }

  async #tradeDay(day: string, n: number): Promise<void> {
    const { random, pauseMs, days, webUnit } = this.#parts
    const until = (n + 1) / days.length
    this.#setClocks(day)
    for (const till of this.tills) till.open()
    while (this.#share() < until) {
      this.#setClocks(day)
      const till = random.pick(this.tills)
      till.next()
      const unit = random.chance(0.1) ? await webUnit() : undefined
      if (unit) till.takeWebUnit(unit)
      for (let next = this.#plan[0]; next && next.at <= this.#share(); next = this.#plan[0]) {
        this.#plan.shift()
        this.#begin(next, { day, till })
      }
      await sleep(random.integer(pauseMs / 2, pauseMs * 1.5))
    }
    for (const till of this.tills) till.close()
    const { trouble } = this.#plan[0] ?? {}
    if (trouble === "late receipt" || random.chance(0.3)) this.#late(random.pick(this.tills))
    // Whoever closes does not wait for the line.
    if (random.chance(0.7)) this.#lasting.push(this.closeDay(day))
  }

  #share(): number {
    return (Date.now() - this.#startedAt) / this.#parts.windowMs
  }

  /** A day of the store in a few seconds of the run: twelve hours from eight in the morning. */
  #setClocks(day: string): void {
    const { days } = this.#parts
    const share = Math.min(0.999, (this.#share() * days.length) % 1)
    const minutes = 8 * 60 + Math.floor(share * 12 * 60)
    const text = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`
    for (const till of this.tills) till.clock(day, `${day}T${text}:00.000Z`)
  }

  #note(trouble: Trouble): void {
    this.troubles.set(trouble, (this.troubles.get(trouble) ?? 0) + 1)
  }

  /** Begins a trouble; what lasts goes on beside the trade. */
  #begin({ trouble, lastsMs }: Planned, { day, till }: { day: string; till: Till }): void {
    const { agent, random } = this.#parts
    const sender = this.senders.find((one) => one.till === till)
    if (trouble === "late receipt") return this.#late(till)
    this.#note(trouble)
    if (trouble === "number is used twice") till.useNumberTwice()
    if (trouble === "till is installed anew") till.reinstall()
    if (trouble === "line is cut") this.#line("off", lastsMs)
    if (trouble === "answers are lost") this.#line("loses answers", lastsMs)
    if (trouble === "only heads go through") this.#line("no sales", lastsMs)
    if (trouble === "journal is sent again") this.#lasting.push(sender?.again([...till.paper]) ?? Promise.resolve())
    if (trouble === "day is closed early") this.#lasting.push(this.closeDay(day))
    if (trouble === "agent is killed") agent?.kill()
    if (trouble === "tail of the journal is torn" && agent) this.#lasting.push(agent.tearTail(random))
    if (trouble === "receipt stays at the till") {
      till.sell()
      const receipt = till.paper.at(-1)
      if (receipt) sender?.withheld.add(receipt)
      // One more number, so that the one that stays is missed.
      till.sell()
    }
  }

  /** Something is rung up after the last number was said. */
  #late(till: Till): void {
    this.#note("late receipt")
    till.sell()
  }

  #line(mode: Line["mode"], lastsMs: number): void {
    const { line } = this.#parts
    line.mode = mode
    const over = sleep(lastsMs).then(() => {
      if (line.mode === mode) line.mode = "on"
    })
    this.#lasting.push(over)
  }

  /** Closes a day with the last numbers of its tills; undefined without an answer. */
  async closeDay(day: string): Promise<{ state: string } | undefined> {
    const tills = this.tills.flatMap((till) => till.lastOf(day))
    const path = `/v1/store-days/${this.storeId}/${day}/close`
    return (await this.#parts.ask("POST", path, { tills })) as { state: string } | undefined
  }

  /** Looks which numbers the centre says are outstanding. `told` are the last numbers that it was told before. */
  async look(told: StoreLook["told"]): Promise<StoreLook | undefined> {
    const atMs = Date.now()
    const path = `/v1/sales/outstanding?storeId=${this.storeId}&limit=200`
    const page = (await this.#parts.ask("GET", path)) as { items?: Outstanding[] } | undefined
    if (!page?.items) return undefined
    const named = page.items.flatMap(({ tillId, epoch, outstanding }) =>
      outstanding.map((gap) => ({ tillId, epoch, ...gap })),
    )
    const look = { storeId: this.storeId, atMs, endMs: Date.now(), told, named }
    this.looks.push(look)
    return look
  }

  /** The receipts that a look names, from the tills' own paper. */
  receiptsOf({ named }: StoreLook): Map<Sender, NumberedReceipt[]> {
    return new Map(
      this.senders.map((sender) => {
        const own = named.filter(({ tillId }) => tillId === sender.till.tillId)
        const wanted = sender.till.paper.filter(({ epoch, sequence }) =>
          own.some((gap) => gap.epoch === epoch && gap.from <= sequence && sequence <= gap.to),
        )
        return [sender, wanted]
      }),
    )
  }
}

interface Outstanding {
  tillId: string
  epoch: string
  outstanding: { from: number; to: number }[]
}

async function every(ms: number, signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    await act()
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}
