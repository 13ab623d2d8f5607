import { createHmac, randomUUID } from "node:crypto"
import { createServer } from "node:http"
import { createEstate } from "../lab/estate/estate.ts"
import { shopifyDefaults, startShopify } from "../lab/shopify/shopify.ts"

/** A webhook as the shop sends it. */
export interface ShopDelivery {
  body: string
  headers: Record<string, string>
}

const templateCount = 200
const topic = "orders/create"

/**
 * Makes an endless series of deliveries of new orders. The lab's shop wrote the bodies; each gets its own order id and
 * signature, so that every one is a new fact.
 */
export async function deliverySource(firstOrderId: number): Promise<() => ShopDelivery> {
  const templates = await captureOrders()
  let made = 0
  return () => {
    const template = templates[made % templates.length]
    if (!template) throw new Error("the shop sent no order")
    made += 1
    const body = template.body.replaceAll(String(template.id), String(firstOrderId + made))
    return { body, headers: signed(body) }
  }
}

function signed(body: string): Record<string, string> {
  return {
    "content-type": "application/json",
    "x-shopify-topic": topic,
    "x-shopify-hmac-sha256": createHmac("sha256", shopifyDefaults.clientSecret).update(body).digest("base64"),
    "x-shopify-shop-domain": shopifyDefaults.shopDomain,
    "x-shopify-api-version": shopifyDefaults.apiVersion,
    "x-shopify-webhook-id": randomUUID(),
    "x-shopify-event-id": randomUUID(),
    "x-shopify-triggered-at": new Date().toISOString(),
  }
}

async function captureOrders(): Promise<{ id: number; body: string }[]> {
  const captured: { id: number; body: string }[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8")
      if (request.headers["x-shopify-topic"] === topic)
        captured.push({ id: (JSON.parse(body) as { id: number }).id, body })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const shop = await startShopify({
    seed: 11,
    estate: createEstate({ seed: 7 }),
    oddShare: 0,
    webhookTarget: `http://127.0.0.1:${port}/`,
  })
  await fetch(`${shop.url}/__lab/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ count: templateCount, odd: false, payment: "paid" }),
  })
  for (let waited = 0; captured.length < templateCount && waited < 5000; waited += 20)
    await new Promise((resolve) => setTimeout(resolve, 20))
  await shop.stop()
  await new Promise((resolve) => server.close(resolve))
  return captured
}
