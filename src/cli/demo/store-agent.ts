import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { dataFolder } from "../../base/config.ts"
import { AppError } from "../../base/errors.ts"
import { createHttpClient } from "../../base/http.ts"
import { createLog } from "../../base/log.ts"
import { instant, systemClock } from "../../base/time.ts"
import { startEdge } from "../../edge/agent.ts"

const keyForMs = 30 * 86_400_000
/** A good line for four minutes, none for half a minute, and then one that carries all but receipts: so the centre can name what is to come. */
const phases = [
  { line: "good", forMs: 240_000 },
  { line: "cut", forMs: 30_000 },
  { line: "no receipts", forMs: 20_000 },
] as const
type LineState = (typeof phases)[number]["line"]

/** The agent of the demo's store: where its tills send receipts, and the key they need not have. */
export interface DemoAgent {
  url: string
  stop(): Promise<void>
}

/** Starts the agent of a store behind a line that is cut now and then; `say` tells when. */
export async function startStoreAgent(
  program: { gatewayUrl: string; operatorKey: string },
  { storeId, timeZone, say }: { storeId: string; timeZone: string; say: (what: string) => void },
): Promise<DemoAgent> {
  const key = await keyOf(program, storeId)
  const line = await startLine(program.gatewayUrl)
  const folder = join(dataFolder(), "edge")
  const where = { storeId, centreUrl: line.url, key, dataFolder: folder, port: 0, timeZone }
  const agent = await startEdge(
    { ...where, reserveBytes: 64 * 1024 * 1024, snapshot: { everyMs: 15_000, channel: "tills" } },
    { log: createLog("edge", "error") },
  ).catch(async (thrown: unknown) => {
    await line.close()
    throw thrown
  })
  let phase = 0
  let timer: NodeJS.Timeout | undefined
  const enter = () => {
    const { line: state, forMs } = phases[phase % phases.length] ?? phases[0]
    phase += 1
    line.set(state)
    const { outstanding } = agent.status()
    if (state === "cut") say(`${storeId}: its line is cut; its tills go on selling, its agent keeps what they sell`)
    if (state === "no receipts")
      say(
        `${storeId}: ${outstanding} receipts wait there; the centre hears which: crossdock stores outstanding ${storeId}`,
      )
    if (state === "good" && outstanding > 0) say(`${storeId}: its line is good again; ${outstanding} receipts come now`)
    // What fails is tried again by the agent itself.
    if (state !== "cut") agent.sync().catch(() => undefined)
    timer = setTimeout(enter, forMs)
  }
  enter()
  return {
    url: agent.url,
    async stop() {
      clearTimeout(timer)
      await agent.stop()
      await line.close()
    },
  }
}

/** A key for this run: the agent of one store sends its receipts, and reads what is its own. */
async function keyOf(
  { gatewayUrl, operatorKey }: { gatewayUrl: string; operatorKey: string },
  storeId: string,
): Promise<string> {
  const client = createHttpClient({ baseUrl: gatewayUrl, timeoutMs: 10_000, allowPrivateNetwork: true })
  const path = `/v1/consumers/edge-${storeId}`
  const headers = { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" }
  const call = async <Answer>(method: "GET" | "PUT" | "POST" | "DELETE", to: string, body?: object) => {
    const answer = await client.send({
      method,
      path: to,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (answer.status >= 300)
      throw new AppError("INVARIANT_BROKEN", `${to}: ${answer.status} ${answer.text.slice(0, 300)}`)
    return JSON.parse(answer.text) as Answer
  }
  try {
    const scopes = ["sales:write", "stores:read"]
    await call("PUT", path, { name: `Agent of ${storeId}`, owner: "stores", scopes, stores: [storeId] })
    // Keys of former runs: nobody has them any more, and a consumer has two at most.
    const { items } = await call<{ items: { id: string }[] }>("GET", `${path}/keys`)
    for (const { id } of items) await call("DELETE", `${path}/keys/${id}`)
    const expiresAt = instant(systemClock.now() + keyForMs)
    return (await call<{ key: string }>("POST", `${path}/keys`, { expiresAt })).key
  } finally {
    client.close()
  }
}

/** A line to the centre that can be cut, on this machine. */
async function startLine(
  target: string,
): Promise<{ url: string; set(state: LineState): void; close(): Promise<void> }> {
  const { hostname, port } = new URL(target)
  let state: LineState = "good"
  const server = createServer((incoming, outgoing) => {
    const { url: path = "", method, headers } = incoming
    if (state === "cut" || (state === "no receipts" && path === "/v1/sales")) return void incoming.socket.destroy()
    const forward = request(
      { hostname, port, path, method, headers: { ...headers, host: `${hostname}:${port}` } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    forward.on("error", () => incoming.socket.destroy())
    incoming.pipe(forward)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  // It listens on a port: the address is no path of a socket.
  const at = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${at.port}`,
    set(next) {
      state = next
      if (next === "cut") server.closeAllConnections()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
