import type { Program } from "../main.ts"

/** Shows what is going on: a screen that refreshes in a terminal, plain lines elsewhere. */
export function runLiveView(program: Program, options: { isTerminal: boolean }): { stop(): void } {
  const { sql } = program.crossdock
  process.stdout.write(`open ${program.gatewayUrl}/openapi.json — Crossdock is trading; Ctrl-C stops it\n`)
  const show = async () => {
    const rows = await sql<
      { state: string; count: number }[]
    >`select state, count(*) as count from orders group by 1 order by 2 desc`
    const line = rows.map(({ state, count }) => `${count} ${state}`).join(", ")
    process.stdout.write(`orders: ${line || "none yet"}\n`)
  }
  const timer = setInterval(() => void show().catch(() => undefined), options.isTerminal ? 1000 : 5000)
  return { stop: () => clearInterval(timer) }
}
