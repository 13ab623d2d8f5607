/**
 * The one error class and the catalogue of every code a person or program outside can meet.
 *
 * A code's `kind` says what the system does now: `invalid`, `rejected` and `conflict` are answers (undo, tell someone);
 * `unavailable` means nothing was sent (wait); `uncertain` means it may have happened (look it up before repeating);
 * `defect` means our own invariant broke (stop, page). Codes are never renamed once released.
 */
export type ErrorKind = "invalid" | "rejected" | "conflict" | "unavailable" | "uncertain" | "defect"

interface CatalogueEntry {
  kind: ErrorKind
  http: number
  summary: string
  hint: string
}

/** Every error code, with its HTTP status, what happened in one sentence, and what to do about it. */
export const errorCatalogue = {
  REQUEST_MALFORMED: {
    kind: "invalid",
    http: 400,
    summary: "The request could not be read as what it says it is.",
    hint: "Send well-formed JSON in UTF-8 with the content type the route documents.",
  },
  REQUEST_INVALID: {
    kind: "invalid",
    http: 422,
    summary: "The request does not match the schema or breaks an invariant of the canonical model.",
    hint: "Every problem is listed with a JSON pointer; mend them all and send again.",
  },
  REQUEST_TOO_LARGE: {
    kind: "invalid",
    http: 413,
    summary: "The body is larger or deeper nested than this route accepts.",
    hint: "Split the work into several requests; the limits stand in the API reference.",
  },
  AUTHENTICATION_FAILED: {
    kind: "invalid",
    http: 401,
    summary: "No valid credentials came with the request.",
    hint: "Send an API key as `Authorization: Bearer`, or a JWT from the configured issuer, and check that it has not expired.",
  },
  SIGNATURE_INVALID: {
    kind: "invalid",
    http: 401,
    summary: "The webhook's signature does not fit its raw bytes, or it is too old, or it was replayed.",
    hint: "Check the shared secret on both sides, that no proxy rewrites the body, and the sender's clock.",
  },
  PERMISSION_MISSING: {
    kind: "invalid",
    http: 403,
    summary: "The credentials are valid but lack the scope this route needs.",
    hint: "Ask the owner of the consumer to grant the scope named in the detail.",
  },
  NOT_FOUND: {
    kind: "invalid",
    http: 404,
    summary: "There is no such thing here.",
    hint: "Check the id; ids are derived from channel and external id and never change.",
  },
  VERSION_UNKNOWN: {
    kind: "invalid",
    http: 400,
    summary: "The requested API version does not exist.",
    hint: "Use one of the versions listed in the detail.",
  },
  RATE_LIMITED: {
    kind: "unavailable",
    http: 429,
    summary: "This consumer has used up its rate for now.",
    hint: "Wait for the time in `Retry-After`; ask for a higher limit if this is your normal load.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: "conflict",
    http: 422,
    summary: "The same idempotency key came before with another body.",
    hint: "Use a new key for a new request; a key names one request for ever.",
  },
  REQUEST_IN_PROGRESS: {
    kind: "conflict",
    http: 409,
    summary: "A request with the same idempotency key is being handled right now.",
    hint: "Wait a moment and repeat; the repeat answers with the first one's result.",
  },
  STATE_FORBIDS: {
    kind: "conflict",
    http: 409,
    summary: "The object is in a state in which this is not possible.",
    hint: "Read the object's state; the detail says which states allow the action.",
  },
  RESERVATION_KEY_REUSED: {
    kind: "conflict",
    http: 409,
    summary: "A reservation with this key exists and asks for something else.",
    hint: "One key names one request; release the old reservation or use a new key.",
  },
  STOCK_UNKNOWN: {
    kind: "invalid",
    http: 422,
    summary: "A SKU or location in the request is not known.",
    hint: "Load the product and location first, or correct the identifiers named in the problems.",
  },
  STOCK_SHORT: {
    kind: "rejected",
    http: 409,
    summary: "There is not enough stock to promise.",
    hint: "Wait for a receipt, release other reservations, or allow backorders for the SKU.",
  },
  ORDER_TOTALS_WRONG: {
    kind: "invalid",
    http: 422,
    summary: "The parts of the order do not add up to its total.",
    hint: "Each sum that is off is named with both values; send amounts as the shop charged them.",
  },
  TRANSLATION_FAILED: {
    kind: "invalid",
    http: 422,
    summary: "A delivery could not be turned into canonical events; its bytes are kept.",
    hint: "Correct the mapping or the data it misses, then translate the parked rows again.",
  },
  FACT_FORBIDDEN: {
    kind: "invalid",
    http: 422,
    summary: "A connection stated a fact that is not its to state; the fact was not taken, its delivery is kept.",
    hint: "Find out who sent the delivery. When the connector should state such facts, name them in its `states`.",
  },
  VENDOR_VALUE_UNKNOWN: {
    kind: "invalid",
    http: 422,
    summary: "A vendor sent a value that no mapping knows.",
    hint: "Add the value to the connector's mapping; it is never given a default.",
  },
  VENDOR_REJECTED: {
    kind: "rejected",
    http: 422,
    summary: "The other system understood the request and refused it.",
    hint: "Read the vendor's own words in the detail, mend the data there or here, then retry.",
  },
  VENDOR_CONFLICT: {
    kind: "conflict",
    http: 409,
    summary: "The other system holds a newer or different version.",
    hint: "Read both versions in the detail and decide which one stands.",
  },
  VENDOR_UNAVAILABLE: {
    kind: "unavailable",
    http: 503,
    summary: "The other system cannot be reached or asked us to wait; nothing was sent.",
    hint: "Nothing to do: work waits and resumes when the system answers.",
  },
  VENDOR_UNCERTAIN: {
    kind: "uncertain",
    http: 502,
    summary: "The request was sent and no clear answer came; it may have happened.",
    hint: "Nothing to do: the document is looked up by our reference before anything is repeated.",
  },
  VENDOR_MISBEHAVED: {
    kind: "defect",
    http: 502,
    summary: "The other system answered in a way its documentation does not allow.",
    hint: "Compare the answer in the detail with the vendor's documentation and extend the connector.",
  },
  CONNECTION_PAUSED: {
    kind: "unavailable",
    http: 503,
    summary: "A person paused this connection, or its circuit breaker is open.",
    hint: "Resume the connection when the other side is well; waiting work drains by itself.",
  },
  STORAGE_UNAVAILABLE: {
    kind: "unavailable",
    http: 503,
    summary: "The database cannot be reached; nothing was accepted.",
    hint: "Send the request again later; check `crossdock doctor`.",
  },
  LEASE_LOST: {
    kind: "unavailable",
    http: 503,
    summary: "Another worker took over this piece of work.",
    hint: "Nothing to do: the other worker goes on with it.",
  },
  CONFIG_INVALID: {
    kind: "invalid",
    http: 500,
    summary: "The configuration has problems.",
    hint: "Every problem is listed with where it is; mend them all and start again.",
  },
  WORKFLOW_STRANDED: {
    kind: "conflict",
    http: 409,
    summary: "Work in flight has steps that this version of a workflow does not know.",
    hint: "Declare each step as renamed or dropped, or run the version that knows it.",
  },
  INVARIANT_BROKEN: {
    kind: "defect",
    http: 500,
    summary: "Something that must always hold does not.",
    hint: "Report it with the correlation id; the work is paused and nothing was guessed.",
  },
} satisfies Record<string, CatalogueEntry>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue

/** One thing that is wrong, where it is (JSON pointer into the input), and what was expected. */
export interface Problem {
  pointer: string
  message: string
  code?: string
}

interface AppErrorOptions {
  cause?: unknown
  retryAfterMs?: number
  problems?: readonly Problem[]
  data?: Record<string, unknown>
}

/** The only error thrown on purpose. Branch on `kind` or `code`, never on the message. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined
  readonly problems: readonly Problem[]
  readonly data: Record<string, unknown>

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = "AppError"
    this.code = code
    this.retryAfterMs = options.retryAfterMs
    this.problems = options.problems ?? []
    this.data = options.data ?? {}
  }

  get kind(): ErrorKind {
    return errorCatalogue[this.code].kind
  }
}

/** Turns anything thrown into an AppError; what we did not throw ourselves is a defect. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new AppError("INVARIANT_BROKEN", message, { cause: thrown })
}

/** What is written to a ledger row or log line about an error; carries no secrets because messages carry none. */
export function describeError(thrown: unknown): { code: ErrorCode; message: string; problems?: readonly Problem[] } {
  const error = asAppError(thrown)
  return {
    code: error.code,
    message: error.message,
    ...(error.problems.length > 0 ? { problems: error.problems } : {}),
  }
}

/** Throws INVARIANT_BROKEN when a statement that must be true is not. */
export function assertInvariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AppError("INVARIANT_BROKEN", message)
}
