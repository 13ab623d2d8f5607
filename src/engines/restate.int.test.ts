import { createServer, type Http2Server } from "node:http2"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createEndpointHandler, object, type ObjectContext } from "@restatedev/restate-sdk"
import { afterAll, beforeAll, expect, test } from "vitest"
import { sharedRestate, uniqueName } from "../../test/fixtures/engines.ts"
import { createHttpClient } from "../base/http.ts"
import { createLog } from "../base/log.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import { startRestate, type RunningRestate } from "./restate.ts"

const name = uniqueName("counter")
const counter = object({
  name,
  handlers: {
    add: async (context: ObjectContext, amount: number) => {
      const total = ((await context.get<number>("total")) ?? 0) + amount
      context.set("total", total)
      return total
    },
  },
})

let worker: Http2Server
let workerUrl: string

beforeAll(async () => {
  worker = createServer(createEndpointHandler({ services: [counter], logger: () => undefined }))
  worker.listen(0, "127.0.0.1")
  await new Promise((resolve) => worker.once("listening", resolve))
  const address = worker.address()
  workerUrl = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`
})

afterAll(() => {
  worker.close()
})

async function post(baseUrl: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
  const client = createHttpClient({ baseUrl, timeoutMs: 10_000, keepAlive: false, allowPrivateNetwork: true })
  try {
    const headers = { "content-type": "application/json" }
    return await client.send({ method: "POST", path, headers, body: JSON.stringify(body) })
  } finally {
    client.close()
  }
}

test("the shared Restate runs a handler of this worker", async () => {
  const { ingressUrl, adminUrl } = await sharedRestate()
  expect((await post(adminUrl, "/deployments", { uri: workerUrl })).status).toBe(201)
  expect(await post(ingressUrl, `/${name}/a/add`, 2)).toMatchObject({ status: 200, text: "2" })
})

test("what a handler stored is there after kill -9, and after a start on other ports", async () => {
  const folder = mkdtempSync(join(tmpdir(), "restate-"))
  const start = (first: number) => {
    const ports = { "Restate ingress": first, "Restate admin": first + 1, "Restate node": first + 2 }
    return startRestate({ dataFolder: folder, log: createLog("test", "silent"), ports })
  }
  let restate: RunningRestate | undefined
  try {
    restate = await start(29_100)
    await post(restate.adminUrl, "/deployments", { uri: workerUrl })
    await post(restate.ingressUrl, `/${name}/a/add`, 2)
    if (restate.child.pid !== undefined) process.kill(restate.child.pid, "SIGKILL")
    const startedMs = monotonicMs()
    while (restate.child.restarts === 0 && monotonicMs() - startedMs < 15_000) await sleep(50)
    expect(await post(restate.ingressUrl, `/${name}/a/add`, 3)).toMatchObject({ status: 200, text: "5" })
    await restate.child.stop()
    rmSync(join(folder, "restate.ports.json"))
    restate = await start(29_200)
    expect(await post(restate.ingressUrl, `/${name}/a/add`, 4)).toMatchObject({ status: 200, text: "9" })
  } finally {
    await restate?.child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
