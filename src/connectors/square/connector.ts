import { AppError } from "../../base/errors.ts"
import { defineConnector } from "../../ports/connector.ts"
import { createSquareClient, squareVersion, timeoutMsDefault, type CallContext, type SquareClient } from "./client.ts"
import { listsChanges } from "./lists-changes.ts"
import { fieldOf, listOf, textOf } from "./payloads.ts"
import { readsObjects } from "./reads-objects.ts"
import { receivesDeliveries } from "./receives-deliveries.ts"
import { SquareSettings } from "./settings.ts"

/** Orders show up late when their devices were away; five minutes cover clocks and what is committed late. */
const overlapDefaultMs = 300_000

/** Square's tills: completed orders, returns and exchanges of its locations become receipts of the stores. */
export const square = defineConnector({
  name: "square",
  apiVersion: squareVersion,
  apiDocs: "https://developer.squareup.com/reference/square",
  connection: SquareSettings,
  // No limit is published; a 429 paces it (developer.squareup.com/docs/build-basics/general-considerations/handling-errors, read 2026-11).
  rate: { concurrencyMax: 4 },
  timeoutMs: timeoutMsDefault,
  connect(settings, { connectionId, clock }) {
    const client = createSquareClient(settings, clock)
    const reading = { client, connectionId, clock }
    return {
      receivesDeliveries: receivesDeliveries(settings, connectionId),
      readsObjects: readsObjects(reading),
      listsChanges: listsChanges({
        ...reading,
        locationIds: Object.keys(settings.locations),
        overlapMs: settings.overlapMs ?? overlapDefaultMs,
      }),
      async check() {
        const call = { signal: AbortSignal.timeout(settings.timeoutMs ?? timeoutMsDefault), correlation: "check" }
        await checkToken(client, settings, call)
        await checkLocations(client, Object.keys(settings.locations), call)
      },
      close: client.close,
    }
  },
})

/** What each read needs, as the OpenAPI description has it at the endpoint. */
const scopesNeeded = ["ORDERS_READ", "PAYMENTS_READ", "ITEMS_READ", "MERCHANT_PROFILE_READ"]

/** RetrieveTokenStatus tells the scopes of the token that asks, and whose it is. */
async function checkToken(client: SquareClient, { merchantId }: SquareSettings, call: CallContext): Promise<void> {
  const status = await client.ask("/oauth2/token/status", {}, call)
  const scopes = listOf(status["scopes"])
  const missing = scopesNeeded.filter((scope) => !scopes.includes(scope))
  if (missing.length > 0)
    throw new AppError("VENDOR_KEY_REFUSED", `the access token lacks ${missing.join(", ")}: let the seller grant them`)
  const merchant = textOf(status["merchant_id"])
  if (merchantId !== undefined && merchant !== merchantId)
    throw new AppError("CONFIG_INVALID", `the access token is of the merchant ${merchant}, not ${merchantId}`)
}

async function checkLocations(client: SquareClient, wanted: readonly string[], call: CallContext): Promise<void> {
  const answer = await client.get("/v2/locations", call)
  const active = listOf(answer?.["locations"])
    .filter((one) => fieldOf(one, "status") === "ACTIVE")
    .map((one) => String(fieldOf(one, "id")))
  const missing = wanted.filter((id) => !active.includes(id))
  if (missing.length > 0)
    throw new AppError(
      "CONFIG_INVALID",
      `Square has no active location ${missing.join(", ")}; it has ${active.join(", ") || "none"}`,
    )
}
