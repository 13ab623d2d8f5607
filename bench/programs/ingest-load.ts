import { deliverySource, type ShopDelivery } from "../deliveries.ts"
import { answerParent } from "./answer-parent.ts"
import { post, runLoad, type Prepared } from "./http-client.ts"

// The shop's side of ingest over HTTP: signed deliveries, every hundredth twice, as a sender whose answer got lost would.

const repeatEvery = 100

let source: () => ShopDelivery
let prepared: Prepared[] = []

function prepareOne(delivery: ShopDelivery): Prepared {
  return { bytes: post("/hooks/shopify", delivery.headers, delivery.body), expects: "HTTP/1.1 200" }
}

answerParent({
  prepare: async ({ firstOrderId, count }: { firstOrderId: number; count: number }) => {
    source ??= await deliverySource(firstOrderId)
    prepared = []
    while (prepared.length < count) {
      const one = prepareOne(source())
      prepared.push(one)
      if (prepared.length % repeatEvery === 0) prepared.push(one)
    }
    const bytes = prepared.reduce((sum, one) => sum + one.bytes.length, 0)
    return { count: prepared.length, bytesEach: Math.round(bytes / prepared.length) }
  },
  run: async ({ url, connections }: { url: string; connections: number }) => {
    let at = 0
    return await runLoad({ url, connections, next: () => prepared[at++] })
  },
})
