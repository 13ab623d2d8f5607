import { spawn, type ChildProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { eventually } from "../fixtures/crossdock.ts"

// `npm start`, as a new user does it: twice in one folder, and once more after the process was killed.
const folder = mkdtempSync(join(tmpdir(), "second-start-"))
let running: ChildProcess | undefined
afterAll(async () => {
  await end("SIGTERM")
  rmSync(folder, { recursive: true, force: true })
})

/** Starts the demo; `orders` is the number of orders in its newest line. */
function start(): { orders(): number | undefined; printed(): string } {
  const env = { ...process.env, CROSSDOCK_DATA: join(folder, "data") }
  const args = ["src/cli/main.ts", "demo", "--orders-per-second", "2"]
  running = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] })
  let text = ""
  for (const stream of [running.stdout, running.stderr])
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
    })
  return {
    orders: () => {
      const newest = [...text.matchAll(/^(\d+) orders \(/gm)].at(-1)
      return newest && Number(newest[1])
    },
    printed: () => text,
  }
}

async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const child = running
  running = undefined
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise((resolve) => child.once("exit", resolve))
  child.kill(signal)
  await over
}

/** Waits until it trades: a new order came since its first line. Returns how many there are. */
async function untilItTrades(demo: ReturnType<typeof start>): Promise<number> {
  const seen = () => Promise.resolve(demo.printed().slice(-1500))
  const first = await eventually("its first line", () => demo.orders(), { withinMs: 60_000, seen })
  return eventually(
    "a new order",
    () => {
      const count = demo.orders() ?? 0
      return count > first && count
    },
    { withinMs: 60_000, seen },
  )
}

test("P-51: a second start in the same folder trades within a minute, also after the process was killed, and goes on with the same orders", async () => {
  const first = await untilItTrades(start())
  let known = first
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await end(signal)
    const startedMs = Date.now()
    const demo = start()
    const count = await untilItTrades(demo)
    expect(Date.now() - startedMs).toBeLessThan(60_000)
    expect(demo.printed()).toMatch(/the lab goes on where it stopped: \d+ orders/)
    expect(count).toBeGreaterThan(known)
    known = count
  }
}, 300_000)
