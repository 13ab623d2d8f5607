import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export type Delivery = { path: string; headers: Record<string, string>; body: string }

/** An endpoint for the lab's own tests: keeps every webhook it gets. */
export type Receiver = { url: string; received: Delivery[]; answerWith(status: number): void; stop(): Promise<void> }

export async function startReceiver(): Promise<Receiver> {
  const received: Delivery[] = []
  let status = 200
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      received.push({ path: request.url ?? "", headers, body: Buffer.concat(chunks).toString("utf8") })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  // A TCP server's address is an object, never a pipe name.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answerWith: (next) => {
      status = next
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
