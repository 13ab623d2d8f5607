import { DBOS } from "@dbos-inc/dbos-sdk"
import { answerParent } from "./answer-parent.ts"

// A peer: DBOS, one workflow that does nothing in as many durable steps as it is asked for, on the database it is given.

interface Run {
  steps: number
  /** Workflows under way at once. */
  inFlight: number
  seconds: number
}

const noop = DBOS.registerWorkflow(
  async (steps: number) => {
    let last = 0
    for (let step = 1; step <= steps; step += 1)
      last = await DBOS.runStep(() => Promise.resolve(step), { name: `step ${step}` })
    return last
  },
  { name: "benchFloor" },
)

const silent = () => undefined

answerParent({
  launch: async ({ databaseUrl, poolSize }: { databaseUrl: string; poolSize: number }) => {
    DBOS.setConfig({
      name: "bench",
      systemDatabaseUrl: databaseUrl,
      systemDatabasePoolSize: poolSize,
      logger: {
        info: silent,
        debug: silent,
        warn: silent,
        error: (entry) => process.stderr.write(`${String(entry)}\n`),
      },
    })
    await DBOS.launch()
  },
  /** Closed loop: each lane starts a workflow when its last one has its result. */
  run: async ({ steps, inFlight, seconds }: Run) => {
    const started = performance.now()
    let ended = 0
    let wrong = 0
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        while (performance.now() - started < seconds * 1000) {
          const result = await noop(steps)
          ended += 1
          if (result !== steps) wrong += 1
        }
      }),
    )
    return { ended, wrong, perSecond: ended / ((performance.now() - started) / 1000) }
  },
})
