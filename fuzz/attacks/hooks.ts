import { createHmac } from "node:crypto"
import { fraudWebhookSecret } from "../../lab/fraud/fraud.ts"
import type { Random } from "../../lab/random.ts"
import { shopifyDefaults } from "../../lab/shopify/shopify.ts"
import { stripeWebhookSecret } from "../../lab/stripe/stripe.ts"
import { warehouseWebhookSecret } from "../../lab/warehouse/warehouse.ts"
import { readDelivery } from "../../src/eventlog/deliveries/stored-deliveries.ts"
import type { Answers } from "../answers.ts"
import { jsonOf, spoil, spoilBytes } from "../spoil.ts"
import type { Stage } from "../stage.ts"

interface Sample {
  connection: string
  topic: string
  headers: Record<string, string>
  text: string
}

/** Deliveries like those that the vendors sent, of which one part or another is odd, under a signature that fits. */
export async function hookAttack(
  stage: Stage,
  answers: Answers,
): Promise<(random: Random, n: number) => Promise<void>> {
  const samples = await deliveriesTaken(stage)
  return async (random, n) => {
    const sample = random.pick(samples)
    const body = oddBody(random, sample.text)
    const headers: Record<string, string> = {
      "content-type": "application/json",
      ...(random.chance(0.03) ? {} : signed(sample, { body, n })),
    }
    const path = `/hooks/${random.chance(0.02) ? "constructor" : sample.connection}`
    const call = { method: "POST", path, headers, body }
    answers.note(`hook ${sample.connection}`, call, await stage.caller.send(call))
  }
}

/** Every kind of delivery that the trade before brought, by connection and topic. */
async function deliveriesTaken({ sql }: Stage): Promise<Sample[]> {
  const rows = await sql<{ id: number; connection: string; topic: string }[]>`
    select distinct on (connection, topic, id % 3) id, connection, topic from inbox where via = 'webhook'`
  const samples: Sample[] = []
  for (const { id, connection, topic } of rows) {
    const delivery = await readDelivery(sql, id)
    if (delivery)
      samples.push({ connection, topic, headers: delivery.headers, text: Buffer.from(delivery.bytes).toString() })
  }
  if (samples.length === 0) throw new Error("the trade before brought no delivery")
  return samples
}

function oddBody(random: Random, text: string): Buffer {
  if (random.chance(0.2)) return spoilBytes(random, text)
  if (random.chance(0.05)) return Buffer.from(text)
  return Buffer.from(jsonOf(spoil(random, JSON.parse(text))) ?? "{}")
}

function signed(sample: Sample, { body, n }: { body: Buffer; n: number }): Record<string, string> {
  const { connection, headers, topic } = sample
  if (connection === "shopify") return shopHeaders(headers, { body, topic, n })
  const timestamp = String(Math.floor(Date.now() / 1000))
  if (connection === "stripe") {
    const signature = createHmac("sha256", stripeWebhookSecret).update(`${timestamp}.`).update(body).digest("hex")
    return { "stripe-signature": `t=${timestamp},v1=${signature}` }
  }
  const secret = connection === "fraud" ? fraudWebhookSecret : warehouseWebhookSecret
  const key = Buffer.from(secret.slice("whsec_".length), "base64")
  const signature = createHmac("sha256", key).update(`fuzz-${n}.${timestamp}.`).update(body).digest("base64")
  return { "webhook-id": `fuzz-${n}`, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` }
}

function shopHeaders(
  headers: Record<string, string>,
  { body, topic, n }: { body: Buffer; topic: string; n: number },
): Record<string, string> {
  return {
    "x-shopify-topic": topic,
    "x-shopify-shop-domain": headers["x-shopify-shop-domain"] ?? "",
    "x-shopify-webhook-id": `fuzz-${n}`,
    "x-shopify-triggered-at": new Date().toISOString(),
    "x-shopify-hmac-sha256": createHmac("sha256", shopifyDefaults.clientSecret).update(body).digest("base64"),
  }
}
