/** A refusal or failure of the API, as people are told of it. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** For the people who look into it: the request's id in Crossdock's log. */
  readonly requestId: string | undefined
  readonly problems: readonly { pointer?: string; message: string }[]

  constructor(status: number, body: ProblemBody) {
    super(body.detail ?? body.title ?? `HTTP ${status}`)
    this.status = status
    this.code = body.code ?? "UNKNOWN"
    this.requestId = body.correlationId
    this.problems = body.problems ?? []
  }
}

interface ProblemBody {
  title?: string
  detail?: string
  code?: string
  correlationId?: string
  problems?: { pointer?: string; message: string }[]
}

type Parameters = Readonly<Record<string, string | number | undefined>>

/** A path of the API with its query; parameters without a value are left out. */
export function apiPath(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== "") query.set(name, String(value))
  return query.size === 0 ? path : `${path}?${query}`
}

export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return send<Answer>("GET", path, signal ? { signal } : {})
}

interface Change {
  body?: object
  /** Of one act of a person: a repeat after a lost answer changes nothing. */
  key?: string
}

/** Changes something. The header tells the gateway that it comes from the console and not from another site's form. */
export async function change<Answer>(method: "POST" | "PUT" | "DELETE", path: string, { body, key }: Change = {}) {
  return send<Answer>(method, path, {
    headers: {
      "crossdock-console": "1",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

async function send<Answer>(method: string, path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(path, { ...init, method, credentials: "same-origin" })
  const text = await response.text()
  const body: unknown = text === "" ? undefined : parsed(text)
  if (!response.ok) throw new ApiError(response.status, (body ?? {}) as ProblemBody)
  // The API's own schema says what it answers; `answers.ts` says what of it is read here.
  return body as Answer
}

/** Characters that turn the direction of a text. In a buyer's name they would turn our words and figures behind it, too. */
const turning = /[\u202A-\u202E\u2066-\u2069]/g

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll(turning, ""))
  } catch {
    return { detail: text.slice(0, 200) }
  }
}
