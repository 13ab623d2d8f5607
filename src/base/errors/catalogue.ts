/**
 * What the system does about an error. `invalid`, `rejected` and `conflict` are final: undo and raise an exception. `unavailable` means
 * that nothing was sent: wait. `uncertain` means that it may have happened: look it up before repeating. `defect` means that an
 * invariant of ours is broken: pause and alert.
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
    summary: "The request could not be parsed as its content type.",
    hint: "Send well-formed JSON in UTF-8, or what else the route documents, with its content type.",
  },
  REQUEST_INVALID: {
    kind: "invalid",
    http: 422,
    summary: "The request does not match the schema or breaks an invariant of the canonical model.",
    hint: "Each problem is listed with a JSON pointer. Correct them all and send the request again.",
  },
  REQUEST_TOO_LARGE: {
    kind: "invalid",
    http: 413,
    summary: "The body is larger, or nested more deeply, than this route accepts.",
    hint: "Split the work into several requests. The API reference lists the limits.",
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
    summary: "The webhook's signature does not match its raw bytes, or the webhook is too old or a replay.",
    hint: "Check that both sides use the same secret, that no proxy rewrites the body, and that the sender's clock is right.",
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
    summary: "The requested object or route does not exist.",
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
    summary: "This consumer has exceeded its rate limit.",
    hint: "Wait for the time in `Retry-After`; ask for a higher limit if this is your normal load.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: "conflict",
    http: 422,
    summary: "The idempotency key was already used for a different request.",
    hint: "Use a new key for every new request.",
  },
  REQUEST_IN_PROGRESS: {
    kind: "conflict",
    http: 409,
    summary: "A request with the same idempotency key is being handled right now.",
    hint: "Wait a moment and repeat the request. The repeat returns the result of the first one.",
  },
  STATE_FORBIDS: {
    kind: "conflict",
    http: 409,
    summary: "The object's state does not allow this action.",
    hint: "Read the object's state; the detail says which states allow the action.",
  },
  RESERVATION_KEY_REUSED: {
    kind: "conflict",
    http: 409,
    summary: "A reservation with this key exists and has different lines.",
    hint: "Release the old reservation, or use a new key.",
  },
  REFERENCE_REUSED: {
    kind: "conflict",
    http: 409,
    summary: "The same reference was used before for something else. What it was used for first stands.",
    hint: "Use a reference of its own for it, or repeat what was sent first. The problems say what differs.",
  },
  STOCK_UNKNOWN: {
    kind: "invalid",
    http: 422,
    summary: "A SKU or location in the request is not known.",
    hint: "Load the product and location first, or correct the identifiers named in the problems.",
  },
  ARTICLE_UNKNOWN: {
    kind: "rejected",
    http: 422,
    summary: "Another system does not know an article that it was told of. It did nothing.",
    hint: "Create the article in that system, or say what it is called there: `crossdock mappings set <connection> <its article> <SKU>`.",
  },
  DERIVED_BY_CHANNEL: {
    kind: "rejected",
    http: 422,
    summary: "The channel works the value out itself, from other articles, and takes none for it.",
    hint: "Publish what it is worked out from. To publish it after all, make it an ordinary product there: a bundle no more.",
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
    summary: "The amounts of the order do not add up to its total.",
    hint: "The detail lists each wrong sum with both values. Send the amounts as the shop charged them.",
  },
  TRANSLATION_FAILED: {
    kind: "invalid",
    http: 422,
    summary: "A delivery could not be translated into canonical events. Its bytes are kept.",
    hint: "Correct the mapping, or load the missing data, then translate the parked deliveries again.",
  },
  FACT_FORBIDDEN: {
    kind: "invalid",
    http: 422,
    summary: "A connection stated a fact it may not state. The fact was not stored; its delivery is kept.",
    hint: "Find out who sent the delivery. If the connector should state such facts, add their types to its `states`.",
  },
  VENDOR_VALUE_UNKNOWN: {
    kind: "invalid",
    http: 422,
    summary: "A vendor sent a value that the connector's mapping does not know.",
    hint: "Add the value to the connector's mapping. Unknown values never get a default.",
  },
  VENDOR_REJECTED: {
    kind: "rejected",
    http: 422,
    summary: "The other system refused the request.",
    hint: "Read the vendor's message in the detail, correct the data in that system or in this one, then retry.",
  },
  PERIOD_CLOSED: {
    kind: "rejected",
    http: 422,
    summary: "The other system's books are closed for the posting date.",
    hint: "Post on a day that is open, or have the period opened and retry.",
  },
  HELD_BY_CHANNEL: {
    kind: "rejected",
    http: 422,
    summary: "The channel holds back what it was to show as shipped.",
    hint: "Have the hold lifted in the channel. It is shown by itself then.",
  },
  AUTHORISATION_GONE: {
    kind: "rejected",
    http: 422,
    summary: "The authorisation lapsed or was voided: nothing can be captured of it any more.",
    hint: "Have the buyer pay in another way. A retry fails.",
  },
  VENDOR_CONFLICT: {
    kind: "conflict",
    http: 409,
    summary: "The other system holds a newer or different version.",
    hint: "Compare both versions in the detail and decide which one is valid.",
  },
  VENDOR_UNAVAILABLE: {
    kind: "unavailable",
    http: 503,
    summary: "The other system is unavailable or limits our rate. Nothing was changed there.",
    hint: "Nothing to do: the work waits and resumes when the system is available again.",
  },
  VENDOR_KEY_REFUSED: {
    kind: "unavailable",
    http: 503,
    summary: "The other system refuses our key, our password or the rights that go with it. Nothing was changed there.",
    hint: "Correct the key in that system or in the connection's settings. Waiting work then continues by itself.",
  },
  VENDOR_UNCERTAIN: {
    kind: "uncertain",
    http: 502,
    summary: "The request was sent but no clear response came back. It may have taken effect.",
    hint: "Nothing to do: Crossdock looks the document up by its reference before it repeats anything.",
  },
  VENDOR_MISBEHAVED: {
    kind: "defect",
    http: 502,
    summary: "The other system's response does not match its documentation.",
    hint: "Compare the response in the detail with the vendor's documentation, and extend the connector.",
  },
  CONNECTION_PAUSED: {
    kind: "unavailable",
    http: 503,
    summary: "The connection is paused, or its circuit breaker is open.",
    hint: "Resume the connection when the other system is available. Waiting work then continues by itself.",
  },
  STORAGE_UNAVAILABLE: {
    kind: "unavailable",
    http: 503,
    summary: "The database is unavailable. The request was not acknowledged.",
    hint: "Send the request again later, and run `crossdock doctor`.",
  },
  DISK_FULL: {
    kind: "unavailable",
    http: 507,
    summary: "The disk of the store's agent is full. The receipt was not kept, and nothing of it was written.",
    hint: "Make room on the disk and send the receipt again; it is taken as soon as there is room. Until then the till keeps it.",
  },
  GATEWAY_BUSY: {
    kind: "unavailable",
    http: 503,
    summary: "The gateway receives as many request bodies as it can hold.",
    hint: "Send the request again after the time in `Retry-After`, and its body without pauses.",
  },
  LEASE_LOST: {
    kind: "unavailable",
    http: 503,
    summary: "Another worker took over this piece of work.",
    hint: "Nothing to do: the other worker continues it.",
  },
  CONFIG_INVALID: {
    kind: "invalid",
    http: 500,
    summary: "The configuration is invalid.",
    hint: "Each problem is listed with its place. Correct them all and start again.",
  },
  WORKFLOW_STRANDED: {
    kind: "conflict",
    http: 409,
    summary: "Running workflows have steps that this version does not know.",
    hint: "Declare each of these steps as renamed or dropped, or run the version that has it.",
  },
  INVARIANT_BROKEN: {
    kind: "defect",
    http: 500,
    summary: "An invariant of Crossdock is broken.",
    hint: "Report the correlation id to the developers. The work is paused.",
  },
} satisfies Record<string, CatalogueEntry>
