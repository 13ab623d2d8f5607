import { AppError } from "../../base/errors.ts"
import { answerJson, type HttpAnswer, type HttpClient } from "../../base/http.ts"
import type { Call } from "../../ports/write.ts"

type Context = Omit<Call, "key">

/** Calls Tryton's JSON-RPC within one session; the user's context goes along as the last parameter. */
export interface TrytonClient {
  /** A method that only reads; every failure is `unavailable`. `context` of the call is added to the user's. */
  read(
    method: string,
    params: readonly unknown[],
    call: Context & { context?: Record<string, unknown> },
  ): Promise<unknown>
  /** A method that may change something; a failure after sending is `uncertain`. */
  write(method: string, params: readonly unknown[], call: Context): Promise<unknown>
  /** Accepts, once, a warning that a refusal named (`warningOf`); the refused call is then repeated. */
  accept(warning: string, call: Context): Promise<void>
  /** A wizard call on one record. */
  wizard(name: string, on: { model: string; id: number }, call: Context): TrytonWizard
}

/** One run of a wizard: opened, moved through its states, closed. */
export interface TrytonWizard {
  create(): Promise<number>
  execute(session: number, step: { state: string; data: Record<string, unknown> }): Promise<unknown>
  close(session: number): Promise<void>
}

interface Session {
  authorization: string
  userId: unknown
  context: Record<string, unknown>
}

export function createTrytonClient(options: {
  http: HttpClient
  database: string
  user: string
  password: string
}): TrytonClient {
  const { http, database, user, password } = options
  let current: Promise<Session> | undefined
  const post = (body: { method: string; params: readonly unknown[] }, extra: PostOptions): Promise<HttpAnswer> =>
    http.send({
      method: "POST",
      path: `/${database}/`,
      headers: {
        "content-type": "application/json",
        ...(extra.authorization === undefined ? {} : { authorization: extra.authorization }),
      },
      body: JSON.stringify({ id: 1, ...body }),
      signal: extra.call.signal,
      isRead: extra.isRead,
    })
  const logIn = async (call: Context): Promise<Session> => {
    const params = [user, { password, device_cookie: null }, "en"]
    const answer = await post({ method: "common.db.login", params }, { call, isRead: true })
    const result = answer.status === 401 ? undefined : resultOf(answer, true)
    if (!Array.isArray(result)) throw new AppError("VENDOR_KEY_REFUSED", "Tryton refuses the login")
    const authorization = `Session ${Buffer.from(`${user}:${result[0]}:${result[1]}`).toString("base64")}`
    const preferences = { method: "model.res.user.get_preferences", params: [true, {}] }
    const context = resultOf(await post(preferences, { call, isRead: true, authorization }), true)
    // In English whatever the user reads, because a refusal is known by its words alone.
    return { authorization, userId: result[0], context: { ...objectOf(context), language: "en" } }
  }
  // A login checks a password hash and takes up to 1.4 s, a call within a session 6 ms. So one login is shared and
  // kept.
  const session = (call: Context): Promise<Session> => {
    current ??= logIn(call).catch((thrown: unknown) => {
      current = undefined
      throw thrown
    })
    return current
  }
  const send = async (method: string, params: readonly unknown[], extra: SendOptions): Promise<unknown> => {
    for (let attempt = 1; ; attempt += 1) {
      const used = session(extra.call)
      const { authorization, context } = await used
      const all = [...params, { ...context, ...extra.context }]
      const answer = await post({ method, params: all }, { ...extra, authorization })
      // An expired session gives 401 with an empty body, and nothing was done.
      if (answer.status === 401 && attempt === 1) {
        if (current === used) current = undefined
        continue
      }
      return resultOf(answer, extra.isRead)
    }
  }
  return {
    read: (method, params, call) =>
      send(method, params, { call, isRead: true, ...(call.context && { context: call.context }) }),
    write: (method, params, call) => send(method, params, { call, isRead: false }),
    async accept(name, call) {
      const { userId } = await session(call)
      await send("model.res.user.warning.create", [[{ user: userId, name, always: false }]], { call, isRead: false })
    },
    wizard: (name, on, call) => wizardOf(send, { name, on, call }),
  }
}

type Send = (method: string, params: readonly unknown[], extra: SendOptions) => Promise<unknown>

/** Only `execute` may change the books; opening and closing a wizard changes nothing. */
function wizardOf(
  send: Send,
  { name, on, call }: { name: string; on: { model: string; id: number }; call: Context },
): TrytonWizard {
  const context = { active_model: on.model, active_id: on.id, active_ids: [on.id], action_id: null }
  const run = (method: string, params: readonly unknown[], isRead: boolean) =>
    send(`wizard.${name}.${method}`, params, { call, isRead, context })
  return {
    async create() {
      const answer = await run("create", [], true)
      const id = Array.isArray(answer) ? Number(answer[0]) : Number.NaN
      if (!Number.isSafeInteger(id)) throw new AppError("VENDOR_MISBEHAVED", `wizard ${name} has no session`)
      return id
    },
    execute: (id, { state, data }) => run("execute", [id, data, state], false),
    async close(id) {
      await run("delete", [id], true)
    },
  }
}

interface SendOptions {
  call: Context
  isRead: boolean
  context?: Record<string, unknown>
}

type PostOptions = Omit<SendOptions, "context"> & { authorization?: string }

function resultOf(answer: HttpAnswer, isRead: boolean): unknown {
  const { status } = answer
  const words = `status ${status}: ${answer.text.replace(/<[^>]*>/g, " ").slice(0, 200)}`
  if (status === 401) throw new AppError("VENDOR_KEY_REFUSED", words)
  if (status === 429) throw new AppError("VENDOR_UNAVAILABLE", words)
  // A proxy answers 503 when no process takes the call, and also when one died after it had written.
  if (status >= 500) throw new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", words)
  // Tryton returns 403 for a method that does not exist.
  if (status !== 200) throw new AppError("VENDOR_MISBEHAVED", words)
  const body = objectOf(answerJson(answer))
  if (Array.isArray(body["error"])) throw refusal(body["error"])
  return body["result"]
}

// Errors are 200 with ["Name", details]. trytond rolls the transaction back for every one of them.
function refusal([name, detail]: unknown[]): AppError {
  const words = Array.isArray(detail) ? detail.filter((part) => typeof part === "string" && part !== "").join(" ") : ""
  const message = `${String(name)}: ${words || JSON.stringify(detail)}`.slice(0, 600)
  if (name === "UserError") return new AppError(isPeriodClosed(message) ? "PERIOD_CLOSED" : "VENDOR_REJECTED", message)
  // A warning is a question to a user; its name is the first of the details.
  if (name === "UserWarning") {
    const warning = Array.isArray(detail) ? String(detail[0]) : ""
    return new AppError("VENDOR_REJECTED", message, { data: { warning } })
  }
  // Another user changed or locked the same rows; the same call succeeds a moment later.
  if (name === "ConcurrencyException" || /serialize access|deadlock|could not obtain lock/i.test(message))
    return new AppError("VENDOR_UNAVAILABLE", message, { retryAfterMs: 500 })
  return new AppError("VENDOR_MISBEHAVED", message)
}

/**
 * What Tryton 6.0 says of a day for which the books are closed: `account.msg_no_period_date` (it looks for an open period only),
 * `account.msg_create_journal_period_closed_period`, `account.msg_modify_line_closed_journal_period`, and for goods
 * `stock.msg_move_modify_period_close`. The errors have no codes, so the text has to do; every call asks for English.
 */
function isPeriodClosed(message: string): boolean {
  return (
    message.includes("you must create a period for the date") ||
    message.includes("you must reopen period") ||
    /closed (journal-)?period/.test(message)
  )
}

/** The fields of a value that may not be an object. */
export function objectOf(value: unknown): Record<string, unknown> {
  // Reads only: a missing field is undefined.
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
}

/** The name of the warning in a refusal; undefined when the refusal is no warning. */
export function warningOf(thrown: unknown): string | undefined {
  const warning = thrown instanceof AppError ? thrown.data["warning"] : undefined
  return typeof warning === "string" ? warning : undefined
}
