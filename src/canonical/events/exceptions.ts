import { Type } from "typebox"
import { barcodesMax } from "../catalogue/barcodes.ts"
import { Money, money } from "../../base/money.ts"
import { entity, InstantText, Reference, Sku } from "../parts.ts"
import { ref, Ref } from "../refs.ts"
import { Because } from "./because.ts"
import { eventType } from "./event-type.ts"
import { at, later, orderId } from "./example-order.ts"

const ExceptionId = Type.String({ minLength: 1, maxLength: 64 })
const Workflow = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 64,
    description: "the workflow that raised the exception and receives the decision",
  }),
)
/** Where a workflow is retried from. */
export const RetryFrom = Type.Enum(["failed step", "first step", "chosen step"])
const exceptionId = `${orderId}:stock-is-short-1`

/** Exceptions, and people's decisions. */
export const exceptionEvents = {
  "exception.opened": eventType({
    schema: entity("Exception opened", {
      exceptionId: ExceptionId,
      about: Ref,
      workflow: Workflow,
      cause: Type.String({ maxLength: 64 }),
      summary: Type.String({ maxLength: 1000 }),
      doneSoFar: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 100 }),
      ifNobodyActs: Type.String({ maxLength: 500 }),
      allowedActions: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 20 }),
      owner: Type.String({ maxLength: 64 }),
      atRisk: Type.Optional(Money),
      sku: Type.Optional(Sku),
      barcodes: Type.Optional(
        Type.Array(Type.String({ pattern: "^\\d{14}$" }), {
          minItems: 1,
          maxItems: barcodesMax,
          description: "GTINs on the goods of an article that nobody knows",
        }),
      ),
      missingMilli: Type.Optional(Type.Integer({ minimum: 0 })),
      because: Type.Optional(Because),
      dueAt: Type.Optional(
        entity("Due", { at: InstantText, what: Type.String({ maxLength: 120, description: "what happens then" }) }),
      ),
      named: Type.Optional(Type.Array(Reference, { minItems: 1, maxItems: 5 })),
      part: Type.Optional(
        entity("Order part", {
          name: Type.String({ minLength: 1, maxLength: 512, description: "the fact that the part could not tell" }),
          factAbout: Type.Optional(Ref),
          at: InstantText,
        }),
      ),
      at: InstantText,
    }),
    publisher: "workflow",
    summary: "An exception was raised: what happened, what is at risk, and the allowed actions.",
    about: ({ about }) => about,
    mentions: (data) => [ref("exception", data.exceptionId), ...(data.sku === undefined ? [] : [ref("sku", data.sku)])],
    // So that whoever looks for an object also finds the delivery about it that could not be read.
    names: ({ named = [] }) => named,
    example: {
      exceptionId,
      about: ref("order", orderId),
      workflow: "fulfil order",
      cause: "stock is short",
      summary: "Order #1001 was sold but there is no stock for it: missing 1 × TEE-M.",
      doneSoFar: ["screen for fraud"],
      ifNobodyActs: "the order waits, unreserved",
      allowedActions: ["retry", "cancel order"],
      owner: "operations",
      atRisk: money(4488, "EUR"),
      sku: "TEE-M",
      missingMilli: 1000,
      because: { kind: "flow", operation: "stock is short", value: "TEE-M" },
      at,
    },
  }),
  "exception.decided": eventType({
    schema: entity("Exception decided", {
      exceptionId: ExceptionId,
      about: Ref,
      workflow: Workflow,
      action: Type.String({ maxLength: 64 }),
      decidedBy: Type.String({ maxLength: 120 }),
      reason: Type.Optional(Type.String({ maxLength: 1000 })),
      day: Type.Optional(
        Type.String({
          pattern: "^\\d{4}-\\d{2}-\\d{2}$",
          description: "the day that was chosen, where the action asks for one",
        }),
      ),
      at: InstantText,
    }),
    publisher: "operations",
    summary: "A person (or a declared policy) decided an exception.",
    about: ({ about }) => about,
    mentions: (data) => [ref("exception", data.exceptionId)],
    example: {
      exceptionId,
      about: ref("order", orderId),
      workflow: "fulfil order",
      action: "retry",
      decidedBy: "m.keller@example.com",
      reason: "a pallet has just come in",
      at: later,
    },
  }),
  "effect.linked": eventType({
    schema: entity("Effect linked", {
      about: Ref,
      workflow: Type.String({ minLength: 1, maxLength: 64 }),
      step: Type.String({ minLength: 1, maxLength: 200, description: "the step whose outcome the document is" }),
      part: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: "which of several such steps" })),
      document: Reference,
      output: Type.String({
        minLength: 2,
        maxLength: 4000,
        description: "what the other system would have returned, as JSON",
      }),
      attempts: Type.Optional(
        Type.Integer({ minimum: 0, description: "how often the step had been sent when the document was looked at" }),
      ),
      despite: Type.Optional(
        Type.String({ maxLength: 1000, description: "why it is the right one although it differs or was not read" }),
      ),
      linkedBy: Type.String({ minLength: 1, maxLength: 120 }),
      reason: Type.String({ maxLength: 1000 }),
      at: InstantText,
    }),
    publisher: "operations",
    summary:
      "A person said that a document which exists in another system is the outcome of a step; it is not made again.",
    about: ({ about }) => about,
    mentions: () => [],
    names: ({ document }) => [document],
    example: {
      about: ref("order", orderId),
      workflow: "fulfil order",
      step: "book order in ERP",
      document: { system: "erp", type: "sales order", id: "4711" },
      output: '{"documentNumber":"4711"}',
      attempts: 1,
      linkedBy: "m.keller@example.com",
      reason: "the answer was lost, and the ERP cannot be asked",
      at: later,
    },
  }),
  "workflow.retried": eventType({
    schema: entity("Workflow retried", {
      about: Ref,
      workflow: Type.String({ minLength: 1, maxLength: 64, description: "the workflow that goes on" }),
      from: RetryFrom,
      step: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 200,
          description: "of a chosen step: its name, with its part after a #",
        }),
      ),
      retriedBy: Type.String({ minLength: 1, maxLength: 120 }),
      reason: Type.Optional(Type.String({ maxLength: 1000 })),
      at: InstantText,
    }),
    publisher: "operations",
    summary: "A person had a workflow go on from a step. What exists in other systems is found, not done again.",
    about: ({ about }) => about,
    mentions: () => [],
    example: {
      about: ref("order", orderId),
      workflow: "fulfil order",
      from: "chosen step",
      step: "choose locations",
      retriedBy: "m.keller@example.com",
      reason: "the location was set up wrongly",
      at: later,
    },
  }),
} as const
