import { createServer } from "node:http2"
import { createEndpointHandler, service, type Context } from "@restatedev/restate-sdk"
import { answerParent } from "./answer-parent.ts"

// The floor of durable execution: a Restate service that does nothing, in as many durable steps as it is asked for.

const noop = service({
  name: "benchFloor",
  handlers: {
    run: async (context: Context, { steps }: { steps: number }) => {
      for (let step = 1; step <= steps; step += 1) await context.run(`step ${step}`, () => step)
      return { steps }
    },
  },
  // As our own service has it: finished invocations are not kept.
  options: { journalRetention: { seconds: 0 } },
})

answerParent({
  serve: async ({ adminUrl }: { adminUrl: string }) => {
    const server = createServer(createEndpointHandler({ services: [noop], logger: () => undefined }))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const answer = await fetch(`${adminUrl}/deployments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ uri: `http://127.0.0.1:${port}`, force: true }),
    })
    if (answer.status >= 300) throw new Error(`Restate refused the floor: ${answer.status} ${await answer.text()}`)
  },
})
