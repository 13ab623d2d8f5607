import { createHmac } from "node:crypto"
import { expect, test } from "vitest"
import { receivesDeliveries } from "./receives-deliveries.ts"

// Notifications in the form of Square's reference (developer.squareup.com/reference/square/webhooks), ours and others.

const url = "https://crossdock.example/hooks/square"
const settings = {
  accessToken: "token",
  merchantId: "MOURS",
  notificationUrl: url,
  signatureKeys: ["key"],
  locations: { L1: { storeId: "store-1" } },
}
const { verify, translate } = receivesDeliveries(settings, "square")
const now = Date.UTC(2026, 10, 20, 10)

function notification(more: object = {}, signed = url) {
  const body = {
    merchant_id: "MOURS",
    type: "refund.updated",
    event_id: "bc316346-6691-4243-88ed-6d651a0d0c47",
    created_at: "2026-11-20T10:00:00Z",
    data: { type: "refund", id: "R1", object: { refund: { id: "R1", status: "COMPLETED", order_id: "O1" } } },
    ...more,
  }
  const text = JSON.stringify(body)
  return {
    connection: "square",
    via: "webhook" as const,
    headers: {
      "x-square-hmacsha256-signature": createHmac("sha256", "key")
        .update(signed + text)
        .digest("base64"),
    },
    bytes: new TextEncoder().encode(text),
    receivedAt: "2026-11-20T10:00:01.000Z",
  }
}
const objectOf = (object: object) => notification({ data: { type: "any", id: "1", object } })

test("a signature over a slightly other address, or none, is refused; a repeat has the id of the first", () => {
  for (const signed of [`${url}/`, url.replace("https", "http"), url.toUpperCase(), `${url}?`, ""])
    expect(() => verify(notification({}, signed), now)).toThrow(/matches no live key/)
  const unsigned = { ...notification(), headers: {} }
  expect(() => verify(unsigned, now)).toThrow(/matches no live key/)
  const first = verify(notification(), now)
  expect(first).toEqual({ deliveryId: "bc316346-6691-4243-88ed-6d651a0d0c47", topic: "refund.updated" })
  expect(verify(notification(), now)).toEqual(first)
})

test("a notification about another merchant is passed over, whatever its type", () => {
  for (const type of ["refund.updated", "catalog.version.updated"])
    expect(translate(notification({ merchant_id: "MOTHER", type }))).toEqual({
      events: [],
      ignored: "it is about the merchant MOTHER",
    })
  expect(() => translate(notification({ type: "catalog.version.updated" }))).toThrow(/no mapping for notifications/)
})

test("it names the order to read in any state of its refund; without an order it is parked", () => {
  for (const status of ["PENDING", "FAILED", null, "NEW"])
    expect(translate(objectOf({ refund: { id: "R1", status, order_id: "O1" } })).fetch).toEqual([
      { type: "order", id: "O1" },
    ])
  for (const object of [{ refund: { id: "R1", order_id: null } }, { refund: null }, {}, { refund: [] }])
    expect(() => translate(objectOf(object))).toThrow(/names no order/)
})
