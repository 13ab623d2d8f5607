import { createServer } from "node:http2"
import { createEndpointHandler, service, type Context } from "@restatedev/restate-sdk"
import { startRestate } from "../peers/restate.ts"
import { answerParent } from "./answer-parent.ts"

// The floor of durable execution: Restate, and a service that does nothing in as many durable steps as it is asked for.
// The server is this program's child, so that it ends with it, and the CPU of both is found under this one process.

const noop = service({
  name: "benchFloor",
  handlers: {
    run: async (context: Context, { steps }: { steps: number }) => {
      for (let step = 1; step <= steps; step += 1) await context.run(`step ${step}`, () => step)
      return { steps }
    },
  },
  // Finished invocations are not kept, because nothing reads them.
  options: { journalRetention: { seconds: 0 } },
})

answerParent({
  serve: async ({ folder }: { folder: string }) => {
    const restate = await startRestate(folder)
    const server = createServer(createEndpointHandler({ services: [noop], logger: () => undefined }))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const answer = await fetch(`${restate.adminUrl}/deployments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ uri: `http://127.0.0.1:${port}`, force: true }),
    })
    if (answer.status >= 300) throw new Error(`Restate refused the floor: ${answer.status} ${await answer.text()}`)
    return { ingressUrl: restate.ingressUrl, serverPid: restate.pid }
  },
})
