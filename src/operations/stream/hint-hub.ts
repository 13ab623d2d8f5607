import { setTimeout as timer } from "node:timers/promises"
import type { Log } from "../../base/log.ts"
import type { Sql } from "../../base/sql.ts"
import type { Position } from "../../eventlog/event-log.ts"
import { changesAfter, endOfLog, notedGroups, operationStates, type Change, type Changes } from "./changes.ts"

export type HintListener = (heard: Changes) => void

interface HintHubOptions {
  sql: Sql
  log: Log
  /** What this process knows of the connections by itself: a text that differs when something has changed. */
  connections: () => ReadonlyMap<string, string>
  everyMs?: number
}

const everyMsDefault = 1000

/**
 * Tells everybody who listens what has changed, once a second.
 *
 * It reads while somebody listens and not otherwise, and reads once however many they are: ten open consoles cost as one. Of what
 * is no event (operations, what people do with groups, connections) it compares states.
 */
export class HintHub {
  readonly #options: HintHubOptions
  readonly #listeners = new Set<HintListener>()
  #position: Position | undefined
  /** Where the first reading begins. */
  #start: Promise<Position> | undefined
  #noted: number | undefined
  #operations: Awaited<ReturnType<typeof operationStates>> | undefined
  #connections: ReadonlyMap<string, string> | undefined
  #readings = 0
  #isRunning = false

  constructor(options: HintHubOptions) {
    this.#options = options
  }

  /** Has a listener told from now on; returns the way to stop that. */
  listen(listener: HintListener): () => void {
    this.#listeners.add(listener)
    if (!this.#isRunning) void this.#run()
    return () => void this.#listeners.delete(listener)
  }

  /** What happened in the log since a position, for somebody who was away. */
  since(position: Position): Promise<Changes> {
    return changesAfter(this.#options.sql, position)
  }

  /** Where the log is now. Whoever listens already hears of everything after it. */
  async position(): Promise<Position> {
    if (this.#position) return this.#position
    return this.#isRunning ? this.#begin() : endOfLog(this.#options.sql)
  }

  async #begin(): Promise<Position> {
    this.#start ??= endOfLog(this.#options.sql)
    try {
      return await this.#start
    } catch (thrown) {
      this.#start = undefined
      throw thrown
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    let isAway = false
    try {
      while (this.#listeners.size > 0) {
        try {
          const heard = await this.#read()
          for (const listener of this.#listeners) listener(heard)
          isAway = false
        } catch (thrown) {
          // Who listens sees by the failures of its own reads that Crossdock is away.
          if (!isAway) this.#options.log.warn({ err: thrown }, "what has changed could not be read")
          isAway = true
        }
        await timer(this.#options.everyMs ?? everyMsDefault)
      }
    } finally {
      this.#isRunning = false
      // Whoever comes later begins there, not here.
      this.#position = undefined
      this.#start = undefined
      this.#noted = undefined
      this.#operations = undefined
      this.#connections = undefined
    }
  }

  async #read(): Promise<Changes> {
    const { sql } = this.#options
    const { changes, position } = this.#position
      ? await changesAfter(sql, this.#position)
      : { changes: [], position: await this.#begin() }
    this.#position = position
    const others = [...(await this.#groups()), ...(await this.#operationChanges()), ...this.#connectionChanges()]
    return { changes: [...changes, ...others], position }
  }

  async #groups(): Promise<Change[]> {
    const { last, ids } = await notedGroups(this.#options.sql, this.#noted)
    this.#noted = last
    return ids.map((id) => ({ topic: "exception-groups", id }))
  }

  async #operationChanges(): Promise<Change[]> {
    this.#readings += 1
    const [before, now] = [this.#operations, await operationStates(this.#options.sql, this.#readings)]
    this.#operations = now
    if (!before) return []
    return [...now].flatMap(([id, { state, channels }]): Change[] =>
      before.get(id)?.state === state ? [] : [{ topic: "operations", id, ...(channels ? { channels } : {}) }],
    )
  }

  #connectionChanges(): Change[] {
    const [before, now] = [this.#connections, this.#options.connections()]
    this.#connections = now
    if (!before) return []
    return [...now].flatMap(([id, state]): Change[] => (before.get(id) === state ? [] : [{ topic: "connections", id }]))
  }
}
