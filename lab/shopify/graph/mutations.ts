import type { GraphQLResolveInfo } from "graphql"
import { randomUUID } from "node:crypto"
import type { Call } from "../../simulator.ts"
import { cancelOrder, cancelProblem } from "../changes/cancel.ts"
import type { UserError } from "../changes/requests.ts"
import type { FulfilRequest } from "../changes/fulfil.ts"
import { fulfil, planFulfilment } from "../changes/fulfil.ts"
import { fulfilmentOrderMutations } from "./fulfilment-order-mutations.ts"
import { paymentMutations } from "./payment-mutations.ts"
import type { RefundInput } from "./refund-mutation.ts"
import { refundOnce, refusedByProvider } from "./refund-mutation.ts"
import type { ShopOrder, Tracking } from "../orders/model.ts"
import { restOrder } from "../rest/order-payload.ts"
import type { ShopStore } from "../store.ts"
import { topics } from "../store.ts"
import type { SetQuantitiesInput } from "../inventory/set-quantities.ts"
import { setQuantities } from "../inventory/set-quantities.ts"
import { productMutations } from "../products/product-mutations.ts"
import { fulfillmentView } from "./views/fulfilment-view.ts"
import { orderView } from "./views/order-view.ts"
import { idempotent } from "./idempotent.ts"
import { gid, idOf } from "./paging.ts"
import type { View } from "./views/part-views.ts"
import { cancelJobView, orderOf, scopeOf, subscriptionView } from "./queries.ts"

export type MutationContext = { call: Call; jobMs: number; apiVersion: string }

// Arguments have the types of admin.graphql: graphql-js checked them before a resolver runs.

const none: UserError[] = []

export function mutationRoot(store: ShopStore, currency: string): View {
  return {
    fulfillmentCreate: (args: FulfillmentCreateArguments, context: MutationContext) =>
      fulfillmentCreate(store, args, context),
    ...fulfilmentOrderMutations(store),
    inventorySetQuantities: (
      args: { input: SetQuantitiesInput },
      { call }: MutationContext,
      info: GraphQLResolveInfo,
    ) => idempotent(store, { info, input: args.input }, () => setQuantities(store, args.input, call)),
    orderCancel: (args: OrderCancelArguments, context: MutationContext) => orderCancel(store, args, context),
    ...paymentMutations(store),
    ...productMutations(store, currency),
    orderUpdate: (args: { input: OrderInput }, context: MutationContext) => orderUpdate(store, args.input, context),
    refundCreate: (args: { input: RefundInput }, context: MutationContext, info: GraphQLResolveInfo) =>
      refundOnce(store, { info, input: args.input, call: context.call }),
    tagsAdd: (args: TagsArguments, context: MutationContext) => changeTags(store, args, { context, isAdding: true }),
    tagsRemove: (args: TagsArguments, context: MutationContext) =>
      changeTags(store, args, { context, isAdding: false }),
    webhookSubscriptionCreate: (args: SubscriptionArguments, context: MutationContext) =>
      subscribe(store, args, context),
    webhookSubscriptionDelete: ({ id }: { id: string }, context: MutationContext) => {
      const isKnown = store.subscriptions.has(idOf("WebhookSubscription", id) ?? 0)
      if (!isKnown)
        return { deletedWebhookSubscriptionId: null, userErrors: error(["id"], "Webhook subscription does not exist") }
      context.call.commit(() => store.subscriptions.delete(idOf("WebhookSubscription", id) ?? 0))
      return { deletedWebhookSubscriptionId: id, userErrors: none }
    },
  }
}

type FulfillmentCreateArguments = {
  fulfillment: {
    lineItemsByFulfillmentOrder: {
      fulfillmentOrderId: string
      fulfillmentOrderLineItems?: { id: string; quantity: number }[] | null
    }[]
    trackingInfo?: { company?: string; number?: string; numbers?: string[]; url?: string; urls?: string[] } | null
  }
}

function fulfillmentCreate(
  store: ShopStore,
  { fulfillment }: FulfillmentCreateArguments,
  { call }: MutationContext,
): View {
  const parts = fulfillment.lineItemsByFulfillmentOrder.map((part) => ({
    fulfillmentOrderId: idOf("FulfillmentOrder", part.fulfillmentOrderId) ?? 0,
    lines: part.fulfillmentOrderLineItems?.map((line) => ({
      id: idOf("FulfillmentOrderLineItem", line.id) ?? 0,
      quantity: line.quantity,
    })),
  }))
  const request: FulfilRequest = { parts, tracking: trackingOf(fulfillment.trackingInfo ?? {}) }
  const plan = planFulfilment(store, request)
  if ("errors" in plan) return { fulfillment: null, userErrors: plan.errors }
  const booked = call.commit(() => fulfil(store, plan, request.tracking))
  return { fulfillment: fulfillmentView(scopeOf(store, plan.order), booked), userErrors: none }
}

function trackingOf(input: NonNullable<FulfillmentCreateArguments["fulfillment"]["trackingInfo"]>): Tracking[] {
  const numbers = input.numbers ?? (input.number === undefined ? [] : [input.number])
  const urls = input.urls ?? (input.url === undefined ? [] : [input.url])
  const count = Math.max(numbers.length, urls.length)
  return Array.from({ length: count }, (_, index) => ({
    company: input.company ?? null,
    number: numbers[index] ?? null,
    url: urls[index] ?? null,
  }))
}

type OrderCancelArguments = {
  orderId: string
  reason: string
  restock: boolean
  refundMethod?: { originalPaymentMethodsRefund?: boolean | null } | null
  staffNote?: string | null
}

/** Returns a job at once; the order is cancelled when the job runs. */
function orderCancel(store: ShopStore, args: OrderCancelArguments, context: MutationContext): View {
  const order = orderOf(store, args.orderId)
  const refunds = args.refundMethod?.originalPaymentMethodsRefund === true
  const refused = refunds && store.refusesRefunds ? refusedByProvider : undefined
  const message = order === undefined ? "Order does not exist" : (refused ?? cancelProblem(order))
  if (order === undefined || message !== undefined) {
    const code = order === undefined ? "NOT_FOUND" : "INVALID"
    return {
      job: null,
      orderCancelUserErrors: [{ field: ["orderId"], message, code }],
      userErrors: error(["orderId"], message ?? ""),
    }
  }
  const id = gid("Job", 0).replace("/0", `/${randomUUID()}`)
  const request = {
    reason: args.reason,
    restock: args.restock,
    refundsPayments: refunds,
    staffNote: args.staffNote ?? null,
  }
  context.call.transition(() => {
    store.jobs.set(id, { isDone: false, orderId: order.id, request })
    runJob(store, id, context.jobMs)
  })
  return { job: { id, done: false }, jobResult: cancelJobView(store, id), orderCancelUserErrors: [], userErrors: none }
}

function runJob(store: ShopStore, id: string, jobMs: number): void {
  setTimeout(() => {
    const job = store.jobs.get(id)
    const order = store.orders.get(job?.orderId ?? 0)
    // A reset forgets jobs and orders.
    if (job === undefined || order === undefined) return
    // What changed since the request may keep the order from being cancelled: the job ends and has failed.
    const problem = cancelProblem(order)
    if (problem === undefined) cancelOrder(store, order, job.request)
    else job.error = problem
    job.isDone = true
    store.jobs.changed(id)
  }, jobMs)
}

/** Jobs that the previous shop had started and not finished. */
export function resumeJobs(store: ShopStore, jobMs: number): void {
  for (const [id, job] of store.jobs) if (!job.isDone) runJob(store, id, jobMs)
}

type OrderInput = {
  id: string
  note?: string | null
  email?: string | null
  poNumber?: string | null
  tags?: string[] | null
  customAttributes?: { key: string; value: string }[] | null
}

function orderUpdate(store: ShopStore, input: OrderInput, { call }: MutationContext): View {
  const order = orderOf(store, input.id)
  if (order === undefined) return { order: null, userErrors: error(["id"], "Order does not exist") }
  call.commit(() => {
    if (input.note !== undefined) order.note = input.note
    if (input.email !== undefined) order.email = input.email
    if (input.poNumber !== undefined) order.poNumber = input.poNumber
    if (input.tags) order.tags = [...input.tags]
    if (input.customAttributes)
      order.noteAttributes = input.customAttributes.map(({ key, value }) => ({ name: key, value }))
    changed(store, order)
  })
  return { order: orderView(store, order), userErrors: none }
}

type TagsArguments = { id: string; tags: string[] }

/** Adding a tag that is there, or removing one that is not, changes nothing and sends nothing. */
function changeTags(
  store: ShopStore,
  { id, tags }: TagsArguments,
  how: { context: MutationContext; isAdding: boolean },
): View {
  const order = orderOf(store, id)
  if (order === undefined) return { node: null, userErrors: error(["id"], "Order does not exist") }
  how.context.call.commit(() => {
    const before = order.tags
    const kept = before.filter((tag) => how.isAdding || !tags.includes(tag))
    order.tags = how.isAdding ? [...new Set([...kept, ...tags])] : kept
    if (order.tags.length !== before.length) changed(store, order)
  })
  return { node: orderView(store, order), userErrors: none }
}

type SubscriptionArguments = {
  topic: string
  webhookSubscription: { uri?: string | null; filter?: string | null; includeFields?: string[] | null }
}

function subscribe(store: ShopStore, args: SubscriptionArguments, context: MutationContext): View {
  const { uri, filter = null, includeFields } = args.webhookSubscription
  const topic = topics.find((item) => item.toUpperCase().replace("/", "_") === args.topic)
  if (!uri || topic === undefined) {
    return { webhookSubscription: null, userErrors: error(["webhookSubscription", "uri"], "Address can't be blank") }
  }
  const isTaken = [...store.subscriptions.values()].some((item) => item.topic === topic && item.uri === uri)
  if (isTaken) {
    const taken = "Address for this topic has already been taken"
    return { webhookSubscription: null, userErrors: error(["webhookSubscription", "uri"], taken) }
  }
  const subscription = {
    id: store.nextId(),
    topic,
    uri,
    filter,
    includeFields: includeFields ?? [],
    createdAtMs: store.nowMs(),
    apiVersion: context.apiVersion,
  }
  context.call.commit(() => store.subscriptions.set(subscription.id, subscription))
  return { webhookSubscription: subscriptionView(subscription), userErrors: none }
}

/** A write by API comes back as a webhook like any other change. */
function changed(store: ShopStore, order: ShopOrder): void {
  store.touch(order)
  store.publish("orders/updated", order, () => restOrder(order))
}

function error(field: string[], message: string): UserError[] {
  return [{ field, message }]
}
