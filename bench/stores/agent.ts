import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { startReady, type Child } from "../child.ts"
import type { Stack } from "../stack.ts"

/** Nobody listens there: the agent of a store whose line is cut. */
export const noCentre = "http://127.0.0.1:9"

const lookEveryMs = 100

/** The agent of a store in a process of its own. */
export interface Agent extends Child {
  url: string
  /** Receipts that the centre has not answered. */
  outstanding(): Promise<number>
  /** Walks the journal: how many receipts it keeps, and what is wrong with it. */
  walk(): Promise<{ entries: number; breaks: unknown[] }>
  /** kill -9: nothing is closed or flushed. */
  kill(): Promise<void>
}

/** Starts `crossdock edge` on a folder of the stack; a folder that was used before has its journal. */
export async function startAgent(
  stack: Stack,
  of: { storeId: string; folder: string; centreUrl: string; key: string },
): Promise<Agent> {
  const args = ["edge", "--store", of.storeId, "--time-zone", "Europe/Amsterdam", "--port", "0"]
  const child = await startReady<{ url: string }>(
    "edge",
    ["bin/crossdock.mjs", ...args, "--data", join(stack.folder, of.folder)],
    { CROSSDOCK_URL: of.centreUrl, CROSSDOCK_EDGE_KEY: of.key },
  )
  const { url } = child.ready
  // Our own process answers with these shapes; `/health` answers 503 while the disk is full.
  const get = async <Answer>(path: string) => (await (await fetch(url + path)).json()) as Answer
  return {
    ...child,
    url,
    outstanding: async () => (await get<{ outstanding: number }>("/health")).outstanding,
    walk: () => get("/verify"),
    kill: async () => {
      process.kill(child.pid, "SIGKILL")
      await child.stop()
    },
  }
}

/** Waits until the centre has answered every receipt; returns how long that took. */
export async function untilSent(agent: Agent, withinMs: number): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    const left = await agent.outstanding()
    const tookMs = performance.now() - startedAt
    if (left === 0) return tookMs
    if (tookMs > withinMs) throw new Error(`the centre did not answer ${left} receipts within ${withinMs} ms`)
    await sleep(lookEveryMs)
  }
}
