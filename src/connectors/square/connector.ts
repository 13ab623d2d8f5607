import { AppError, asAppError, type Problem } from "../../base/errors.ts"
import { defineConnector } from "../../ports/connector.ts"
import { createSquareClient, squareVersion, timeoutMsDefault, type CallContext, type SquareClient } from "./client.ts"
import { listsChanges, locationsMax } from "./lists-changes.ts"
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
        await checkAll(client, settings, call)
      },
      close: client.close,
    }
  },
})

/** What each read needs, as the OpenAPI description has it at the endpoint. */
const scopesNeeded = ["ORDERS_READ", "PAYMENTS_READ", "ITEMS_READ", "MERCHANT_PROFILE_READ"]

/**
 * Everything that is wrong with the token at once. RetrieveTokenStatus tells its scopes, and whose it is. Throws VENDOR_KEY_REFUSED when it is refused or
 * may not read all that receipts need, CONFIG_INVALID when the settings name another merchant or locations that are not there.
 */
async function checkAll(client: SquareClient, settings: SquareSettings, call: CallContext): Promise<void> {
  const status = await client.ask("/oauth2/token/status", {}, call)
  const scopes = listOf(status["scopes"])
  const missing = scopesNeeded.filter((scope) => !scopes.includes(scope))
  const problems: Problem[] = []
  if (missing.length > 0)
    problems.push({ pointer: "/accessToken", message: `lacks ${missing.join(", ")}: let the seller grant them` })
  const merchant = textOf(status["merchant_id"])
  if (settings.merchantId !== undefined && merchant !== settings.merchantId)
    problems.push({
      pointer: "/merchantId",
      message: `is ${settings.merchantId}, and the access token is of the merchant ${merchant}`,
    })
  if (!missing.includes("MERCHANT_PROFILE_READ"))
    problems.push(...(await locationProblems(client, Object.keys(settings.locations), call)))
  const open = Object.keys(settings.locations).filter(
    (id) => !problems.some(({ pointer }) => pointer === `/locations/${id}`),
  )
  if (!missing.includes("ORDERS_READ")) problems.push(...(await accessProblems(client, open, call)))
  if (problems.length === 0) return
  const words = problems.map(({ pointer, message }) => `${pointer.slice(1)} ${message}`).join("; ")
  throw new AppError(missing.length > 0 ? "VENDOR_KEY_REFUSED" : "CONFIG_INVALID", words, { problems })
}

async function locationProblems(
  client: SquareClient,
  wanted: readonly string[],
  call: CallContext,
): Promise<Problem[]> {
  const answer = await client.get("/v2/locations", call)
  const all = listOf(answer?.["locations"])
  const named = (one: unknown) => `${String(fieldOf(one, "id"))} (${String(fieldOf(one, "name"))})`
  return wanted.flatMap((id): Problem[] => {
    const found = all.find((one) => fieldOf(one, "id") === id)
    const status = fieldOf(found, "status")
    if (status === "ACTIVE") return []
    const pointer = `/locations/${id}`
    if (found !== undefined)
      return [{ pointer, message: `is ${String(status)} in Square: open it there, or take it out` }]
    return [{ pointer, message: `is no location of the merchant, which has ${all.map(named).join(", ") || "none"}` }]
  })
}

/** Locations whose orders the token may not read. Ten are asked about at once, and one by one where that is refused. */
async function accessProblems(client: SquareClient, wanted: readonly string[], call: CallContext): Promise<Problem[]> {
  const problems: Problem[] = []
  for (let n = 0; n < wanted.length; n += locationsMax) {
    const group = wanted.slice(n, n + locationsMax)
    const refused = await refusalOf(client, group, call)
    if (refused === undefined) continue
    for (const id of group) {
      const message = group.length === 1 ? refused : await refusalOf(client, [id], call)
      if (message !== undefined) problems.push({ pointer: `/locations/${id}`, message })
    }
  }
  return problems
}

async function refusalOf(client: SquareClient, locationIds: readonly string[], call: CallContext) {
  try {
    await client.ask("/v2/orders/search", { location_ids: locationIds, limit: 1 }, call)
    return undefined
  } catch (thrown) {
    const error = asAppError(thrown)
    if (error.code !== "VENDOR_KEY_REFUSED" && error.code !== "VENDOR_REJECTED") throw error
    return error.message
  }
}
