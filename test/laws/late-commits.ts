import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"

/**
 * Stands between a connector and Shopify's simulator and hides every order for a while after its `updatedAt`, as a
 * database does whose transaction began then and commits late: the order turns up below a mark that was passed already.
 */
export async function startLateCommits(
  target: string,
  hiddenMs: number,
): Promise<{ url: string; hidden(): number; stop(): void }> {
  let hidden = 0
  const seenAtMs = new Map<string, number>()
  const isHidden = (node: { id: string }) => {
    const firstMs = seenAtMs.get(node.id) ?? Date.now()
    seenAtMs.set(node.id, firstMs)
    const isYoung = Date.now() - firstMs < hiddenMs
    if (isYoung) hidden += 1
    return isYoung
  }
  const server = createServer((incoming, outgoing) => {
    const forwarded = request(
      `${target}${incoming.url}`,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on("data", (chunk: Buffer) => chunks.push(chunk))
        answer.on("end", () => {
          const { "content-length": _length, ...headers } = answer.headers
          outgoing
            .writeHead(answer.statusCode ?? 502, headers)
            .end(without(Buffer.concat(chunks).toString("utf8"), isHidden))
        })
      },
    )
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  // A TCP server's address is an object, never a pipe name.
  const { port } = server.address() as AddressInfo
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}`, hidden: () => hidden, stop }
}

function without(text: string, isHidden: (node: { id: string }) => boolean): string {
  // The answer of the orders query; anything else goes through as it is.
  const body = JSON.parse(text) as { data?: { orders?: { nodes?: { id: string }[] } } }
  const orders = body.data?.orders
  if (orders?.nodes === undefined) return text
  orders.nodes = orders.nodes.filter((node) => !isHidden(node))
  return JSON.stringify(body)
}
