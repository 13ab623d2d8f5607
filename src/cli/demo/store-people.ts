import { createHttpClient, type HttpClient } from "../../base/http.ts"
import { epochMs, systemClock } from "../../base/time.ts"

/** The store of the demo that gets its list from Crossdock. */
export const demoDesk = "store-amsterdam"

interface Pickup {
  pickupId: string
  method: "pickup" | "ship"
  state: string
  requestedAt: string
  changedAt: string
  acceptedBy?: string
  lines: { lineId: string; unit: string; askedMilli: number }[]
}

const lookEveryMs = 5000
// So long somebody who looks at the demo may be quicker.
const restsMs = 30_000
const byName = "the demo's people"

/**
 * The people of one store: what has waited a while they get ready, hand over and put back. What somebody else has accepted is left
 * alone. Returns what ends their day.
 */
export function staffStore({ gatewayUrl, operatorKey }: { gatewayUrl: string; operatorKey: string }): () => void {
  const client = createHttpClient({ baseUrl: gatewayUrl, timeoutMs: 10_000, allowPrivateNetwork: true })
  const headers = { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" }
  const timer = setInterval(() => {
    // A call that failed is made again at the next look.
    workThrough(client, headers).catch(() => undefined)
  }, lookEveryMs)
  return () => {
    clearInterval(timer)
    client.close()
  }
}

async function workThrough(client: HttpClient, headers: Record<string, string>): Promise<void> {
  const list = `/v1/pickups?location=${demoDesk}&open=true&limit=50`
  const answer = await client.send({ method: "GET", path: list, headers, isRead: true })
  const { items } = JSON.parse(answer.text) as { items: Pickup[] }
  for (const pickup of items) {
    if (systemClock.now() - epochMs(pickup.changedAt) < restsMs) continue
    const [what, body] = nextOf(pickup)
    if (what === undefined) continue
    const path = `/v1/pickups/${pickup.pickupId}/${what}`
    const said = JSON.stringify({ id: `${byName}: ${what}`, ...body })
    // Somebody else may have been quicker.
    await client.send({ method: "POST", path, headers, body: said }).catch(() => undefined)
  }
}

function nextOf({ state, method, pickupId, lines }: Pickup): [string | undefined, object] {
  if (state === "requested")
    return [
      "pick",
      { found: lines.map(({ lineId, unit, askedMilli: milli }) => ({ lineId, quantity: { milli, unit } })) },
    ]
  if (state === "ready")
    return method === "ship"
      ? ["hand-over", { carrier: "DHL", trackingNumber: `JVGL${pickupId.slice(4, 14).toUpperCase()}` }]
      : ["hand-over", { proof: "identity document" }]
  return state === "to put back" ? ["put-back", {}] : [undefined, {}]
}
