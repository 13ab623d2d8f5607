import { createHmac } from "node:crypto"
import { Inject } from "@nestjs/common"
import {
  EventBus,
  JobQueueService,
  OrderPlacedEvent,
  OrderStateTransitionEvent,
  PluginCommonModule,
  RefundStateTransitionEvent,
  VendurePlugin,
} from "@vendure/core"

/**
 * Settings of the shop's webhook, set before bootstrap: where to post, and how to read the shop's own Admin API, from which each
 * delivery takes the order as it is when it is sent, in the words every integrator of Vendure knows.
 */
export const webhook = {
  url: "",
  secret: "",
  timeoutMs: 5_000,
  retries: 10,
  adminApi: "",
  user: "",
  password: "",
  fields: "",
}

/** Turns order events into signed POSTs through Vendure's own job queue. A job that fails is retried by the queue. */
export class OrderWebhooks {
  constructor(eventBus, jobQueueService) {
    this.eventBus = eventBus
    this.jobQueueService = jobQueueService
  }

  async onApplicationBootstrap() {
    this.queue = await this.jobQueueService.createQueue({ name: "order-webhooks", process: (job) => deliver(job) })
    this.follow(OrderPlacedEvent, "order")
    this.follow(OrderStateTransitionEvent, "order")
    this.follow(RefundStateTransitionEvent, "refund")
  }

  follow(eventType, object) {
    this.eventBus.ofType(eventType).subscribe((event) => {
      // A cart moves through states too; nobody outside the shop cares before it is placed.
      if (event.order.orderPlacedAt) void this.queue.add(payloadOf(event, object), { retries: webhook.retries })
    })
  }
}

function payloadOf(event, object) {
  const { order } = event
  return {
    type: event instanceof OrderPlacedEvent ? "order.placed" : `${object}.state_changed`,
    at: event.createdAt.toISOString(),
    order: { id: String(order.id), code: order.code },
    subject: { object, id: String(event[object].id) },
    state: { from: event.fromState, to: event.toState },
  }
}

/** Signs as the Standard Webhooks specification does: HMAC-SHA256 over id, timestamp and the raw body. */
async function deliver(job) {
  const body = JSON.stringify({
    ...job.data,
    ...(webhook.fields ? { snapshot: await readOrder(job.data.order.id) } : {}),
  })
  const id = `msg_${job.id}`
  const timestamp = String(Math.floor(Date.now() / 1000))
  const key = Buffer.from(webhook.secret.replace(/^whsec_/, ""), "base64")
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")
  const response = await fetch(webhook.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${signature}`,
    },
    body,
    signal: AbortSignal.timeout(webhook.timeoutMs),
  })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`the webhook was answered with ${response.status}`)
}

let token

async function readOrder(id) {
  token ??= await logIn()
  const query = `query ($id: ID!) { order(id: $id) { ${webhook.fields} } }`
  const { body } = await ask({ query, variables: { id } }, { authorization: `Bearer ${token}` })
  const order = body.data?.order
  if (!order) token = undefined
  if (!order) throw new Error(`the order cannot be read: ${JSON.stringify(body).slice(0, 300)}`)
  // Parts and totals are not of one moment while an order is being cancelled; the queue tries again half a second later.
  const goods = [
    ...order.lines.map((line) => line.proratedLinePriceWithTax),
    ...order.surcharges.map((s) => s.priceWithTax),
  ]
  const shipping = order.shippingLines.map((line) => line.discountedPriceWithTax)
  const sum = (amounts) => amounts.reduce((whole, part) => whole + part, 0)
  if (sum(goods) !== order.subTotalWithTax || sum(shipping) !== order.shippingWithTax)
    throw new Error("read in the middle of a change")
  return order
}

async function logIn() {
  const { user, password } = webhook
  const query = `mutation ($user: String!, $password: String!) { login(username: $user, password: $password) { __typename } }`
  return (await ask({ query, variables: { user, password } }, {})).headers.get("vendure-auth-token")
}

async function ask(operation, headers) {
  const response = await fetch(webhook.adminApi, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(operation),
    signal: AbortSignal.timeout(webhook.timeoutMs),
  })
  return { headers: response.headers, body: await response.json() }
}

// What `@Inject()` and `@VendurePlugin()` do in TypeScript: plain JavaScript has no decorators.
Inject(EventBus)(OrderWebhooks, undefined, 0)
Inject(JobQueueService)(OrderWebhooks, undefined, 1)
VendurePlugin({ imports: [PluginCommonModule], compatibility: "^3.0.0" })(OrderWebhooks)
