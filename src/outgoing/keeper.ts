import { asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { sleep, type Clock } from "../base/time.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { Reader, Readers } from "../eventlog/readers/readers.ts"
import type { Failure } from "../eventlog/subscriber.ts"
import { Subscriptions } from "../eventlog/subscriptions.ts"
import { readerName, type EventSubscriptions, type Leased } from "./event-subscriptions.ts"
import { SendsEvents } from "./sends-events.ts"

interface KeeperOptions {
  sql: Sql
  log: Log
  clock: Clock
  eventLog: EventLog
  readers: Readers
  store: EventSubscriptions
  /** The name of this process. */
  process: string
  allowPrivateNetwork: boolean
  onParked: (name: string, failure: Failure) => Promise<void>
}

const lookEveryMs = 5_000
const leaseMs = 30_000
/** A receiver that takes nothing for so long is an exception. */
const lateAfterMs = 15 * 60_000

interface Sending {
  leased: Leased
  sent: number
  end(): Promise<void>
}

/** Sends for the subscriptions that this process has a lease on: one process for each, whatever the number of workers. */
export class KeepsSending {
  readonly #options: KeeperOptions
  readonly #sending = new Map<string, Sending>()
  readonly #stop = new AbortController()
  #loop: Promise<void> | undefined

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#loop = this.#keep()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
    await Promise.all([...this.#sending.values()].map((one) => one.end()))
    await this.#options.store.release(this.#options.process).catch(() => undefined)
  }

  async #keep(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#look().catch((thrown: unknown) => {
        if (!isStorageAway(thrown))
          this.#options.log.error(
            { err: thrown },
            "event subscriptions could not be looked at; the next look comes soon",
          )
      })
      await sleep(lookEveryMs, this.#stop.signal).catch(() => undefined)
    }
  }

  async #look(): Promise<void> {
    const { store, process } = this.#options
    const leased = new Map((await store.lease(process, leaseMs)).map((one) => [one.id, one]))
    for (const [id, sending] of this.#sending) {
      await this.#noteSent(sending)
      const now = leased.get(id)
      if (now?.generation === sending.leased.generation && now.isRotating === sending.leased.isRotating) continue
      this.#sending.delete(id)
      await sending.end()
    }
    for (const one of leased.values()) if (!this.#sending.has(one.id)) await this.#begin(one)
  }

  async #begin(leased: Leased): Promise<void> {
    const { store, readers, clock, log, eventLog, sql, allowPrivateNetwork, onParked } = this.#options
    const { id, url, types, secretNo, isRotating } = leased
    const name = readerName(id)
    const heartbeat = await readers.join({
      name,
      what: `The event subscription ${id} to ${new URL(url).host}`,
      meanwhile: "its receiver misses events; none is lost",
      everyMs: 2000,
      lateAfterMs,
    })
    const stop = new AbortController()
    let sender: SendsEvents | undefined
    // An empty log behind what waits is no success: nothing shows that the receiver takes anything.
    const reader = { ...heartbeat, succeeded: () => sender?.takesNothing || heartbeat.succeeded() }
    const subscriptions = new Subscriptions({ sql, log, eventLog, onParked, readerOf: () => reader })
    const sending: Sending = {
      leased,
      sent: 0,
      end: async () => {
        stop.abort()
        await subscriptions.stop()
        await this.#noteSent(sending)
      },
    }
    this.#sending.set(id, sending)
    const secrets = [secretNo, ...(isRotating ? [secretNo - 1] : [])].map((no) => store.secretOf(id, no))
    try {
      const receiver = { name, url, types, secrets, allowPrivateNetwork }
      const notes = this.#notesOf(sending, heartbeat)
      sender = new SendsEvents(receiver, { clock, notes, stop: stop.signal })
      await subscriptions.start(sender)
    } catch (thrown) {
      heartbeat.failed(thrown)
      if (asAppError(thrown).code === "CONFIG_INVALID") await store.stop(id, asAppError(thrown).message)
    }
  }

  #notesOf(sending: Sending, heartbeat: Reader) {
    const { store } = this.#options
    const { id } = sending.leased
    return {
      sent: (count: number) => {
        sending.sent += count
      },
      failing: async (error: Error) => {
        heartbeat.failed(error)
        return store.noteFailing(id, error.message)
      },
      stopped: (why: string) => store.stop(id, why),
    }
  }

  async #noteSent(sending: Sending): Promise<void> {
    const { sent } = sending
    if (sent === 0) return
    sending.sent -= sent
    await this.#options.store.noteSent(sending.leased.id, sent)
  }
}
