import { AppError } from "../../base/errors.ts"
import { answerJson, headerText, retryAfterMs, type HttpAnswer, type HttpClient } from "../../base/http.ts"
import type { Clock } from "../../base/time.ts"
import type { Call } from "../../ports/write.ts"
import { answeredOrder, objectOf, orderFields, type VendureOrder } from "./payloads.ts"

type Context = Omit<Call, "key">

interface GraphCall {
  query: string
  variables: Record<string, unknown>
  /** Token of the shop's channel; absent: its default channel. */
  channel?: string
  call: Context
}

/** Calls the Admin API of one shop within one session. */
export interface VendureClient {
  /** A query; every failure is `unavailable`. Returns `data`. */
  read(request: GraphCall): Promise<Record<string, unknown>>
  /**
   * A mutation with one field `answer`; a failure after sending is `uncertain`. The shop's refusals are 200 with a type
   * whose name ends in Error. They are returned as `refusal`, because most of them are the trace of an earlier attempt
   * of ours.
   */
  write(request: GraphCall): Promise<{ answer: Record<string, unknown>; refusal: string | undefined }>
  /**
   * A mutation with one field `answer` that is a list of records and has no refusals of its own. An error inside the shop is `uncertain`
   * with `data.isAnswered`: the shop ran it to its end, and it is known by now what came of it.
   */
  writeMany(request: GraphCall): Promise<readonly unknown[]>
  /** One order by its id, as our own calls need it; VENDOR_REJECTED when there is none. */
  order(id: string, call: Context): Promise<VendureOrder>
  /** One order by its id as the shop shows it, whatever that is; VENDOR_REJECTED when there is none. */
  orderAsShown(id: string, call: Context): Promise<unknown>
}

const login = `mutation ($user: String!, $password: String!) { login(username: $user, password: $password) { __typename } }`

export function createVendureClient(options: {
  http: HttpClient
  user: string
  password: string
  clock: Clock
}): VendureClient {
  const { http, clock } = options
  let token: Promise<string> | undefined
  const post = (request: GraphCall, extra: { isRead: boolean; token?: string }): Promise<HttpAnswer> =>
    http.send({
      method: "POST",
      path: "/admin-api",
      headers: {
        "content-type": "application/json",
        ...(extra.token === undefined ? {} : { authorization: `Bearer ${extra.token}` }),
        ...(request.channel === undefined ? {} : { "vendure-token": request.channel }),
        ...(request.call.traceparent === undefined ? {} : { traceparent: request.call.traceparent }),
      },
      body: JSON.stringify({ query: request.query, variables: request.variables }),
      signal: request.call.signal,
      isRead: extra.isRead,
    })
  const logIn = async (call: Context): Promise<string> => {
    const { user, password } = options
    const answer = await post({ query: login, variables: { user, password }, call }, { isRead: true })
    throwForStatus(answer, { isRead: true, nowMs: clock.now() })
    const given = headerText(answer, "vendure-auth-token")
    if (given === undefined)
      throw new AppError("VENDOR_KEY_REFUSED", `the shop refuses the login: ${answer.text.slice(0, 200)}`)
    return given
  }
  // A running login is shared. A failed one is forgotten, so that the next call tries again.
  const session = (call: Context): Promise<string> => {
    token ??= logIn(call).catch((thrown: unknown) => {
      token = undefined
      throw thrown
    })
    return token
  }
  const send = async (request: GraphCall, isRead: boolean): Promise<Record<string, unknown>> => {
    for (let attempt = 1; ; attempt += 1) {
      const used = session(request.call)
      const answer = await post(request, { isRead, token: await used })
      throwForStatus(answer, { isRead, nowMs: clock.now() })
      const body = objectOf(answerJson(answer))
      const errors = errorsOf(body["errors"])
      // An expired session is 200 with FORBIDDEN, and nothing was done.
      if (errors.some(({ code }) => code === "FORBIDDEN") && attempt === 1) {
        if (token === used) token = undefined
        continue
      }
      throwForErrors(errors, isRead)
      return objectOf(body["data"])
    }
  }
  return {
    read: (request) => send(request, true),
    async write(request) {
      const answer = objectOf((await send(request, false))["answer"])
      const isRefusal = String(answer["__typename"]).endsWith("Error")
      const refusal = isRefusal ? `${String(answer["errorCode"])}: ${String(answer["message"])}` : undefined
      return { answer, refusal }
    },
    writeMany: async (request) => recordsOf((await send(request, false))["answer"]),
    order: async (id, call) => answeredOrder(await orderAsShown(send, id, call)),
    orderAsShown: (id, call) => orderAsShown(send, id, call),
  }
}

function recordsOf(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer
  throw new AppError("VENDOR_UNCERTAIN", "a mutation was answered without its records")
}

type Send = (request: GraphCall, isRead: boolean) => Promise<Record<string, unknown>>

async function orderAsShown(send: Send, id: string, call: Context): Promise<unknown> {
  const query = `query ($id: ID!) { order(id: $id) { ${orderFields} } }`
  const { order } = await send({ query, variables: { id }, call }, true)
  if (order === null || order === undefined) throw new AppError("VENDOR_REJECTED", `the shop has no order ${id}`)
  return order
}

function throwForStatus(answer: HttpAnswer, { isRead, nowMs }: { isRead: boolean; nowMs: number }): void {
  const { status } = answer
  if (status >= 200 && status < 300) return
  const words = `status ${status}: ${answer.text.slice(0, 300)}`
  const after = retryAfterMs(answer, nowMs)
  const options = after === undefined ? {} : { retryAfterMs: after }
  if (status === 401 || status === 403) throw new AppError("VENDOR_KEY_REFUSED", words, options)
  if (status === 429) throw new AppError("VENDOR_UNAVAILABLE", words, options)
  if (status >= 500) throw new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", words, options)
  // Only an operation that does not fit the schema gets a 400 (GRAPHQL_VALIDATION_FAILED): our defect or a new version.
  throw new AppError("VENDOR_MISBEHAVED", words)
}

interface GraphError {
  code: string
  message: string
}

/** Errors that say that nothing was done. CHANNEL_NOT_FOUND is a token that none of several channels has (source of ChannelService). */
const refusals = ["ENTITY_NOT_FOUND", "USER_INPUT_ERROR", "ILLEGAL_OPERATION", "CHANNEL_NOT_FOUND"]

function throwForErrors(errors: readonly GraphError[], isRead: boolean): void {
  if (errors.length === 0) return
  const words = errors.map(({ code, message }) => `${code} ${message}`).join("; ")
  const has = (code: string) => errors.some((error) => error.code === code)
  // An administrator must grant a missing permission, so orders wait and are not undone.
  if (has("FORBIDDEN") || has("UNAUTHORIZED")) throw new AppError("VENDOR_KEY_REFUSED", words)
  const code = refusals.find(has)
  if (code !== undefined) throw new AppError("VENDOR_REJECTED", words, { data: { code } })
  throw new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", words, { data: { isAnswered: true } })
}

function errorsOf(value: unknown): GraphError[] {
  if (!Array.isArray(value)) return []
  return value.map((error: unknown) => {
    const { message, extensions } = objectOf(error)
    return { message: String(message), code: String(objectOf(extensions)["code"] ?? "") }
  })
}
