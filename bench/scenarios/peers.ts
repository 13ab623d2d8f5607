import { startProgram, type Program } from "../child.ts"
import { countCost } from "../counters.ts"
import { startRestateFloor, type RestateFloor } from "../floors/restate.ts"
import { best, figure, round3, sweep, type Figure, type Findings, type Options } from "../scenario.ts"
import { settle, type Stack } from "../stack.ts"
import { median } from "../statistics.ts"

// As many steps as an order has.
const steps = 16
const restateConnections = [128, 64, 256]
const dbosInFlight = [50, 100, 200]
// The embedded server takes 60 connections. DBOS wants a pool that suits its load (docs.dbos.dev, configuration); 20 and 40
// gave the same rate here.
const dbosPoolSize = 20

interface DbosRun {
  ended: number
  wrong: number
  perSecond: number
  cpuMs: number
  postgresMs: number
  walBytes: number
  transactions: number
}

/** Other durable engines with as many steps that do nothing: Restate on its own log, DBOS on the PostgreSQL we use. */
export async function peers(stack: Stack, options: Options): Promise<Findings> {
  const { seconds, rounds } = options
  const restate = await startRestateFloor(stack, steps)
  const program = startProgram("dbos-floor")
  try {
    await program.ask({ do: "launch", databaseUrl: stack.databaseUrl, poolSize: dbosPoolSize })
    const tries = { restate: sweep(restateConnections, options), dbos: sweep(dbosInFlight, options) }
    const connections = await best(
      tries.restate,
      async (count) => (await restate.measure(count, seconds / 3)).perSecond,
    )
    const inFlight = await best(
      tries.dbos,
      async (count) =>
        (await program.ask<DbosRun>({ do: "run", steps, inFlight: count, seconds: seconds / 3 })).perSecond,
    )
    const measured: { restate: Awaited<ReturnType<RestateFloor["measure"]>>; dbos: DbosRun }[] = []
    for (let round = 0; round < rounds; round += 1) {
      const own = await restate.measure(connections, seconds)
      measured.push({ restate: own, dbos: await runDbos(stack, program, { inFlight, seconds }) })
    }
    const violations = measured.flatMap((one) => [
      ...one.restate.wrong.map((answer) => `wrong answer of Restate: ${answer}`),
      ...(one.dbos.wrong > 0 ? [`${one.dbos.wrong} wrong results of DBOS`] : []),
    ])
    return {
      figures: figures(measured),
      violations,
      notes: [
        `${steps} steps that do nothing a run; Restate over HTTP with ${connections} connections, DBOS called in its own process with ${inFlight} under way`,
        "CPU of everything that takes part: Restate's server, service and client; DBOS's process and PostgreSQL",
      ],
    }
  } finally {
    await Promise.all([restate.stop(), program.stop()])
  }
}

async function runDbos(stack: Stack, program: Program, how: { inFlight: number; seconds: number }): Promise<DbosRun> {
  await settle(stack.sql)
  const counting = await countCost(stack.sql, { postgres: stack.pids["postgres"] ?? 0, dbos: program.pid })
  const run = await program.ask<DbosRun>({ do: "run", steps, ...how })
  const { cpuMs, walBytes, transactions } = await counting()
  const each = (value: number) => value / Math.max(1, run.ended)
  const postgresMs = each(cpuMs["postgres"] ?? 0)
  return {
    ...run,
    postgresMs,
    cpuMs: postgresMs + each(cpuMs["dbos"] ?? 0),
    walBytes: each(walBytes),
    transactions: each(transactions),
  }
}

function figures(
  measured: readonly { restate: Awaited<ReturnType<RestateFloor["measure"]>>; dbos: DbosRun }[],
): Figure[] {
  const sum = (cpuMs: Record<string, number>) => Object.values(cpuMs).reduce((total, ms) => total + ms, 0)
  const part = (name: string) => round3(median(measured.map(({ restate }) => restate.cpuMs[name] ?? 0)))
  const dbos = measured.map((one) => one.dbos)
  const restateBy = `server ${part("server")}, service ${part("service")}, client ${part("client")}`
  return [
    figure(
      "Restate",
      "runs/s",
      measured.map(({ restate }) => restate.perSecond),
    ),
    {
      ...figure(
        "Restate, CPU",
        "CPU-ms a run",
        measured.map(({ restate }) => sum(restate.cpuMs)),
      ),
      more: restateBy,
    },
    figure(
      "DBOS",
      "runs/s",
      dbos.map((one) => one.perSecond),
    ),
    {
      ...figure(
        "DBOS, CPU",
        "CPU-ms a run",
        dbos.map((one) => one.cpuMs),
      ),
      more: `of which PostgreSQL ${round3(median(dbos.map((one) => one.postgresMs)))}`,
    },
    figure(
      "DBOS, WAL",
      "bytes a run",
      dbos.map((one) => one.walBytes),
    ),
    figure(
      "DBOS, transactions",
      "a run",
      dbos.map((one) => one.transactions),
    ),
  ]
}
