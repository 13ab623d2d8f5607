import { startProgram, type Program } from "../child.ts"
import { countCpu } from "../counters.ts"
import type { LoadResult } from "../programs/http-client.ts"
import type { Stack } from "../stack.ts"

/** Raw Restate: runs per second of a service with this many `ctx.run` steps that do nothing. */
export interface RestateFloor {
  measure(connections: number, seconds: number): Promise<FloorRun>
  stop(): Promise<void>
}

/** A period of runs, with the CPU-ms per run of each process. */
export interface FloorRun extends LoadResult {
  cpuMs: Record<string, number>
}

/** Starts its own server, service and client. */
export async function startRestateFloor(stack: Stack, steps: number): Promise<RestateFloor> {
  const service = startProgram("restate-floor")
  const client = startProgram("http-load")
  const stop = async () => {
    await Promise.all([service.stop(), client.stop()])
  }
  try {
    const { ingressUrl, serverPid } = await service.ask<Serving>({ do: "serve", folder: stack.folder })
    const pids = { server: serverPid, service: service.pid, client: client.pid }
    const measure = async (connections: number, seconds: number) => {
      const cpuMs = countCpu(pids)
      const result = await invoke(client, { url: ingressUrl, steps, connections, seconds })
      const each = Object.entries(cpuMs()).map(([name, ms]) => [name, ms / Math.max(1, result.answered)] as const)
      return { ...result, cpuMs: Object.fromEntries(each) }
    }
    return { measure, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

interface Serving {
  ingressUrl: string
  serverPid: number
}

interface Invocation {
  url: string
  steps: number
  connections: number
  seconds: number
}

function invoke(client: Program, { steps, ...how }: Invocation): Promise<LoadResult> {
  const body = JSON.stringify({ steps })
  return client.ask<LoadResult>({ do: "invoke", path: "/benchFloor/run", body, expects: `{"steps":${steps}}`, ...how })
}
