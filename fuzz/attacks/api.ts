import type { Random } from "../../lab/random.ts"
import type { Answers } from "../answers.ts"
import type { Call } from "../call.ts"
import { jsonOf, oddValues, spoil, spoilBytes, spoilText, textOf } from "../spoil.ts"
import type { Stage } from "../stage.ts"
import { soundBodies } from "./bodies.ts"

interface Operation {
  method: string
  path: string
  query: string[]
  body: unknown
}

/** Requests to every operation of the API, of which one part or another is odd: path, query, headers, body, credentials. */
export async function apiAttack(stage: Stage, answers: Answers): Promise<(random: Random, n: number) => Promise<void>> {
  const operations = await readOperations(stage)
  return async (random, n) => {
    const operation = random.pick(operations)
    const call = callOf(stage, operation, { random, n })
    const answer = await stage.caller.send(call)
    answers.note(`${operation.method} ${operation.path}`.slice(0, 40), call, answer)
  }
}

/** The operations that the OpenAPI document names. */
async function readOperations(stage: Stage): Promise<Operation[]> {
  const document = (await stage.api("GET", "/openapi.json")) as {
    paths: Record<string, Record<string, { parameters?: { name?: string; in?: string }[]; requestBody?: unknown }>>
  }
  const bodies = soundBodies(stage)
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(() => !path.startsWith("/hooks"))
      .map(([method, { parameters = [], requestBody }]): Operation => {
        const id = `${method.toUpperCase()} ${path}`
        const query = parameters.flatMap((one) => (one.in === "query" && one.name !== undefined ? [one.name] : []))
        return {
          method: method.toUpperCase(),
          path,
          query,
          body: bodies[id] ?? (requestBody === undefined ? undefined : {}),
        }
      }),
  )
}

function callOf(stage: Stage, { method, path, query, body }: Operation, by: { random: Random; n: number }): Call {
  const { random, n } = by
  const isOdd = () => random.chance(0.25)
  const odd = () => encodeURIComponent(storableText(random.pick(oddValues)))
  const known: Record<string, string> = {
    "/v1/orders/{id}": stage.orderId,
    "/v1/consumers/{id}": "fuzz-target",
    "/v1/connections/{id}": "tax",
    "/v1/objects/{ref}": encodeURIComponent(`order/${stage.orderId}`),
  }
  const owner = Object.keys(known).find((one) => path.startsWith(one))
  const address = path.replaceAll(/\{\w+\}/g, () => (isOdd() || owner === undefined ? odd() : (known[owner] ?? "")))
  const asked = query.filter(() => random.chance(0.4)).map((name) => `${name}=${queryValue(stage, name, random)}`)
  if (random.chance(0.03)) asked.push("noSuch=1", "limit=1&limit=2")
  const rawPath = `${address}${asked.length > 0 ? `?${asked.join("&")}` : ""}`
  const headers: Record<string, string> = { authorization: `Bearer ${credential(stage, random)}` }
  for (const name of ["x-correlation-id", "traceparent", "crossdock-version", "idempotency-key", "accept"])
    if (random.chance(0.05)) headers[name] = headerText(random)
  if (body === undefined) return { method, path: rawPath, headers }
  headers["content-type"] = random.chance(0.03) ? headerText(random) : "application/json"
  const fresh = JSON.parse(JSON.stringify(body).replaceAll("{n}", String(n))) as unknown
  if (random.chance(0.2)) return { method, path: rawPath, headers, body: spoilBytes(random, JSON.stringify(fresh)) }
  const spoilt = random.chance(0.05) ? fresh : spoil(random, fresh)
  return { method, path: rawPath, headers, body: jsonOf(spoilt) ?? "{" }
}

function credential({ keys }: Stage, random: Random): string {
  const dice = random.next()
  if (dice < 0.8) return keys.all
  if (dice < 0.95) return keys.limited
  return headerText(random).replaceAll(" ", "")
}

function queryValue(stage: Stage, name: string, random: Random): string {
  const sound: Record<string, readonly string[]> = {
    limit: ["1", "500", "0", "501", "1e2", "-1"],
    cursor: ["MjAyNi0xMS0yMFQxMDowMDowMC4wMDBafHg", "eA", "MXwx"],
    key: [`order/${stage.orderId}`, stage.orderId, "stock/x/y"],
    type: ["order.placed", "order.placed,order.edited", "constructor"],
    follow: ["false", "0", "no"],
    q: [stage.orderId.slice(4, 9), "abc"],
    of: [stage.orderId, `order/${stage.orderId}`],
    sku: stage.skus,
    location: [stage.locationId],
    which: ["open", "ended"],
  }
  if (random.chance(0.5)) return encodeURIComponent(random.pick(sound[name] ?? ["shopify"]))
  return encodeURIComponent(
    storableText(random.chance(0.5) ? spoilText(random, stage.orderId) : random.pick(oddValues)),
  )
}

/** Text as an address can hold it. */
function storableText(value: unknown): string {
  return textOf(value).toWellFormed().slice(0, 2000)
}

function headerText(random: Random): string {
  return storableText(random.pick(oddValues))
    .replaceAll(/[^\x20-\x7e]/g, "?")
    .slice(0, 500)
}
