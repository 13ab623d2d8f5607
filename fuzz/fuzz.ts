import { randomStream, type Random } from "../lab/random.ts"
import { Answers } from "./answers.ts"
import { apiAttack } from "./attacks/api.ts"
import { cursorAttack } from "./attacks/cursors.ts"
import { hookAttack } from "./attacks/hooks.ts"
import { ReaderAttack } from "./attacks/readers.ts"
import { halfDoneStates } from "./half-done.ts"
import { startStage } from "./stage.ts"

export interface FuzzReport {
  inputs: number
  /** Answers of 500 and above, requests without any answer, readers that threw. */
  serverErrors: number
  /** Errors that do not say what is wrong, or where. */
  unclear: number
  halfDone: string[]
  /** Errors that nobody caught. */
  crashes: string[]
  table: string
  seconds: number
}

const sideBySide = 8

/** Sends so many odd inputs by every door to a Crossdock on an empty database. The same seed sends the same inputs. */
export async function runFuzz(options: { databaseUrl: string; seed: number; inputs: number }): Promise<FuzzReport> {
  const { seed, inputs } = options
  const crashes: string[] = []
  const crashed = (error: unknown) =>
    void crashes.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.on("uncaughtException", crashed).on("unhandledRejection", crashed)
  const stage = await startStage(options)
  const answers = new Answers()
  const readers = await ReaderAttack.open(stage, answers)
  try {
    const [api, hooks, cursors] = [
      await apiAttack(stage, answers),
      await hookAttack(stage, answers),
      await cursorAttack(stage, answers),
    ]
    const startedAt = Date.now()
    let next = 0
    const one = (random: Random, n: number): Promise<void> => {
      const dice = random.next()
      if (dice < 0.5) return api(random, n)
      if (dice < 0.8) return hooks(random, n)
      return dice < 0.88 ? cursors(random) : readers.attack(random)
    }
    const line = async () => {
      for (let n = next++; n < inputs; n = next++) await one(randomStream(seed, `input ${n}`), n)
    }
    await Promise.all(Array.from({ length: sideBySide }, line))
    const seconds = (Date.now() - startedAt) / 1000
    const halfDone = await halfDoneStates(stage)
    const { serverErrors, unclear } = answers
    return { inputs: answers.inputs, serverErrors, unclear, halfDone, crashes, table: answers.table(), seconds }
  } finally {
    await readers.close()
    await stage.stop()
    process.off("uncaughtException", crashed).off("unhandledRejection", crashed)
  }
}

/** The figures of a run in one line. */
export function figuresOf({ inputs, serverErrors, unclear, halfDone, crashes, seconds }: FuzzReport): string {
  const perMinute = Math.round((inputs / Math.max(seconds, 0.001)) * 60)
  return `${inputs} inputs in ${seconds.toFixed(1)} s (${perMinute} a minute): ${serverErrors} of 5xx, ${unclear} unclear errors, ${halfDone.length} half-done states, ${crashes.length} crashes`
}

/** Whether a run found nothing. */
export function isClean({ serverErrors, unclear, halfDone, crashes }: FuzzReport): boolean {
  return serverErrors + unclear + halfDone.length + crashes.length === 0
}
