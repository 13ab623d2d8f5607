import { Type } from "typebox"
import { Address } from "../../canonical/parts.ts"
import { defineConnector } from "../../ports/connector.ts"
import { createHouseClient, houseTimeoutMs, HouseSettings } from "../../protocols/house-http.ts"
import { quoteFor } from "./from-canonical.ts"
import { readQuote } from "./payloads.ts"
import { taxQuote } from "./to-canonical.ts"

const TaxCode = Type.Union([
  Type.Literal("standard"),
  Type.Literal("reduced"),
  Type.Literal("zero"),
  Type.Literal("shipping"),
])

/** A tax engine that speaks docs/reference/http-json-systems.md, "Tax". */
export const taxHttp = defineConnector({
  name: "tax-http",
  apiVersion: "2026-11",
  apiDocs: "docs/reference/http-json-systems.md#tax",
  connection: Type.Object({
    ...HouseSettings,
    homeAddress: Type.Optional(Address),
    defaultTaxCode: Type.Optional(TaxCode),
    taxCodesBySku: Type.Optional(
      Type.Record(Type.String(), TaxCode, { description: "tax code of each SKU that has another" }),
    ),
  }),
  // The protocol publishes no limit; the client slows down on 429.
  rate: { concurrencyMax: 16 },
  timeoutMs: houseTimeoutMs,
  connect(settings, { clock }) {
    const client = createHouseClient(settings, clock)
    return {
      checksTax: {
        quoteTax: async ({ order }, call) => {
          const { body } = await client.send({
            method: "POST",
            path: "/quotes",
            isRead: true,
            body: quoteFor(order, settings),
            call,
          })
          return taxQuote(order, readQuote(body))
        },
      },
      check: async () => {
        // The protocol has no ping. A quote without lines is refused with 400, but only after the token was checked.
        await client.send({
          method: "POST",
          path: "/quotes",
          isRead: true,
          body: {},
          allow: [400],
          call: { signal: AbortSignal.timeout(settings.timeoutMs ?? houseTimeoutMs), correlation: "check" },
        })
      },
      close: client.close,
    }
  },
})
