import { Batcher } from "../base/batch.ts"
import { AppError, asAppError, describeError, type ErrorCode } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { NewEvent } from "../canonical/events.ts"
import { appendRow, type EventLog } from "../eventlog/event-log.ts"
import {
  emptyStep,
  type StepRow,
  type Signal,
  type InstanceWrite,
  type LoadedInstance,
  type LoadedRun,
  type StepWrite,
} from "./ledger-rows.ts"

/** Which instance to begin a run of, and for whom. */
interface LoadRequest {
  workflow: string
  key: string
  by: string | undefined
}

/** Shared by all writes of one run: once one of them has failed, no later one is made. */
export interface RunFate {
  hasFailedWrite: boolean
}

interface LedgerWrite {
  workflow: string
  key: string
  epoch: number
  fate?: RunFate
  steps?: StepWrite[]
  instance?: InstanceWrite
  events?: NewEvent[]
  /** Ends the run's hold on its instance. */
  givesBack?: boolean
  correlation: string
}

/** A step as `workflow_load` tells it: less of one that is done. */
type ToldStep = Pick<StepRow, "step" | "n" | "kind"> & Partial<StepRow>

type WriteAnswer = "written" | "written, called again" | "overtaken" | "an earlier one failed"

export interface StartInstance {
  workflow: string
  key: string
  input: unknown
  correlation: string
  traceparent: string | null
  promised_at: string
}

export interface NewSignal {
  workflow: string
  key: string
  fact: string
  name: string
  data: unknown
  at: string
  xid: string
  seq: number
}

/**
 * Reads and writes the effect ledger, in micro-batches.
 *
 * Writes are durable when they resolve and are applied in the order they were handed over. A write from a run that another
 * has overtaken (a worker that was paused and came back) is refused with LEASE_LOST and changes nothing. Writes that share a
 * fate are refused once one of them has failed: an instance that ended must not lack what was done before its end.
 */
export class EffectLedger {
  readonly #sql: Sql
  readonly #eventLog: EventLog
  readonly #loads: Batcher<LoadRequest, LoadedRun | undefined>
  readonly #writes: Batcher<LedgerWrite, WriteAnswer>
  readonly #holds: Batcher<{ workflow: string; key: string; epoch: number }, void>

  constructor(sql: Sql, eventLog: EventLog) {
    this.#sql = sql
    this.#eventLog = eventLog
    this.#loads = new Batcher({ sizeMax: 200, queueMax: 10_000, flush: (keys) => this.#loadAll(keys) })
    this.#writes = new Batcher({ sizeMax: 300, queueMax: 20_000, flush: (writes) => this.#writeAll(writes) })
    this.#holds = new Batcher({ sizeMax: 500, queueMax: 20_000, flush: (runs) => this.#holdAll(runs) })
  }

  /**
   * Begins a run for the invocation `by`: takes the instance and reads all that was done. Undefined when no such instance was
   * started, and when another invocation has it: that one then runs it once more. The same invocation, tried again after its
   * worker died, takes its instances over at once; others do when its hold runs out. Without `by` it is taken from whoever has it.
   */
  load(workflow: string, key: string, by?: string): Promise<LoadedRun | undefined> {
    return this.#loads.add({ workflow, key, by })
  }

  /** Keeps others from taking an instance for another half minute; call it before that is over for as long as a run goes on. */
  hold(run: { workflow: string; key: string; epoch: number }): Promise<void> {
    return this.#holds.add(run)
  }

  /** Answers whether the run that gives its instance back was called again meanwhile. */
  async write(write: LedgerWrite): Promise<boolean> {
    const answer = await this.#writes.add(write)
    if (answer === "overtaken")
      throw new AppError("LEASE_LOST", `another run of ${write.workflow} ${write.key} has begun`)
    if (answer === "an earlier one failed")
      throw new AppError("STORAGE_UNAVAILABLE", `an earlier write of this run of ${write.workflow} ${write.key} failed`)
    return answer === "written, called again"
  }

  /** Starts instances; one that exists stays as it is. */
  async start(instances: readonly StartInstance[]): Promise<void> {
    if (instances.length === 0) return
    await storage(() => this.#sql`select workflow_start(${JSON.stringify(instances)}::text::json)`)
  }

  /** Keeps signals for instances, started or not; the same fact is kept once. */
  async signal(signals: readonly NewSignal[]): Promise<void> {
    if (signals.length === 0) return
    await storage(() => this.#sql`select workflow_signal(${JSON.stringify(signals)}::text::json)`)
  }

  async #loadAll(requests: readonly LoadRequest[]): Promise<(LoadedRun | undefined)[]> {
    const answers = requests.map((): LoadedRun | undefined => undefined)
    let left = requests.map((request, place) => ({ ...request, place }))
    // One statement can take an instance for one invocation; the calls of others come after it, in the order they were made.
    while (left.length > 0) {
      const turns = new Map<string, LoadRequest & { places: number[] }>()
      const later: typeof left = []
      for (const request of left) {
        const turn = turns.get(instanceId(request))
        if (!turn) turns.set(instanceId(request), { ...request, places: [request.place] })
        else if (turn.by === request.by) turn.places.push(request.place)
        else later.push(request)
      }
      const runs = await this.#take([...turns.values()])
      for (const [id, { by, places }] of turns)
        for (const [at, place] of places.entries())
          answers[place] = ofLast(runs.get(id), { by, isLast: at === places.length - 1 })
      left = later
    }
    return answers
  }

  async #take(requests: readonly LoadRequest[]): Promise<Map<string, LoadedRun>> {
    const wanted = requests.map(({ workflow, key, by }, n) => ({
      n,
      workflow,
      key,
      ...(by === undefined ? {} : { by }),
    }))
    const rows = await storage(
      () => this.#sql<{ instance: LoadedInstance; steps: ToldStep[] | null; signals: Signal[] | null }[]>`
        select instance, steps, signals from workflow_load(${JSON.stringify(wanted)}::text::jsonb)`,
    )
    return new Map(
      rows.map(({ instance, steps, signals }) => [
        instanceId(instance),
        { instance, steps: (steps ?? []).map((step) => ({ ...emptyStep, ...step })), signals: signals ?? [] },
      ]),
    )
  }

  async #holdAll(runs: readonly { workflow: string; key: string; epoch: number }[]): Promise<void[]> {
    await storage(() => this.#sql`select workflow_hold(${JSON.stringify(runs)}::text::jsonb)`)
    return runs.map(() => undefined)
  }

  async #writeAll(writes: readonly LedgerWrite[]): Promise<WriteAnswer[]> {
    const sound = writes.filter((write) => !write.fate?.hasFailedWrite)
    try {
      const answers = sound.length > 0 ? await this.#writeSound(sound) : []
      let next = 0
      return writes.map((write) => (write === sound[next] ? answers[next++] : undefined) ?? "an earlier one failed")
    } catch (thrown) {
      // Whether it was committed after all the next run will read; a batch of several is tried again in halves.
      const isFinal = writes.length === 1 || asAppError(thrown).code === "STORAGE_UNAVAILABLE"
      if (isFinal) for (const { fate } of sound) if (fate) fate.hasFailedWrite = true
      throw thrown
    }
  }

  async #writeSound(writes: readonly LedgerWrite[]): Promise<WriteAnswer[]> {
    const merged = mergeWrites(writes)
    const argument = merged.map(({ write }, n) => ({
      n,
      workflow: write.workflow,
      key: write.key,
      epoch: write.epoch,
      ...(write.instance ? { instance: write.instance } : {}),
      ...(write.givesBack ? { gives_back: true } : {}),
    }))
    const steps = merged.flatMap(({ write: { workflow, key, steps: own = [] } }, w) =>
      own.map((step) => ({ w, workflow, key, ...step })),
    )
    const events = merged
      .flatMap(({ write }, w) => (write.events ?? []).map((event) => ({ event, w, correlation: write.correlation })))
      .map(({ event, w, correlation }, n) => ({ ...appendRow(event, n, { correlation }), w }))
    const rows = await storage(
      () => this.#sql<{ is_current: boolean; is_called: boolean }[]>`
        select is_current, is_called from ledger_write(${JSON.stringify(argument)}::text::jsonb,
          ${JSON.stringify(steps)}::text::json, ${JSON.stringify(events)}::text::json)
        order by n`,
    )
    if (events.length > 0) this.#eventLog.wake()
    const answers: WriteAnswer[] = writes.map(() => "overtaken")
    for (const [n, { write, places }] of merged.entries()) {
      const isCalled = write.givesBack === true && rows[n]?.is_called === true
      for (const place of places)
        if (rows[n]?.is_current) answers[place] = isCalled ? "written, called again" : "written"
    }
    return answers
  }
}

function instanceId({ workflow, key }: { workflow: string; key: string }): string {
  return `${workflow}\n${key}`
}

/** Of runs that one asker began in one moment the last is the current one; the others are overtaken before they begin. */
function ofLast(run: LoadedRun | undefined, { by, isLast }: { by: string | undefined; isLast: boolean }) {
  if (!run || isLast) return run
  return by === undefined ? { ...run, instance: { ...run.instance, epoch: run.instance.epoch - 1 } } : undefined
}

/** Folds all writes of one run in a batch into one, because one statement may touch a row once; the later state of a step wins. */
function mergeWrites(writes: readonly LedgerWrite[]): { write: LedgerWrite; places: number[] }[] {
  const byRun = new Map<string, { write: LedgerWrite; places: number[] }>()
  for (const [place, write] of writes.entries()) {
    const id = `${write.workflow}\n${write.key}\n${write.epoch}`
    const known = byRun.get(id)
    if (!known) {
      byRun.set(id, {
        write: { ...write, steps: [...(write.steps ?? [])], events: [...(write.events ?? [])] },
        places: [place],
      })
      continue
    }
    known.places.push(place)
    const steps = new Map((known.write.steps ?? []).map((step) => [step.step, step]))
    for (const step of write.steps ?? []) steps.set(step.step, { ...steps.get(step.step), ...step })
    known.write.steps = [...steps.values()]
    known.write.events?.push(...(write.events ?? []))
    if (write.instance) known.write.instance = write.instance
    if (write.givesBack) known.write.givesBack = true
  }
  return [...byRun.values()]
}

/** An error as a ledger row keeps it. */
export function ledgerError(thrown: unknown): { code: ErrorCode; message: string } {
  const { code, message } = describeError(thrown)
  return { code, message: message.slice(0, 2000) }
}
