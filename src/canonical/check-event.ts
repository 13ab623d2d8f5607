import { AppError, type Problem } from "../base/errors.ts"
import { isMoment, parseInstant } from "../base/time.ts"
import { aboutOf, eventTypes, isEventName, type EventName, type NewEvent } from "./events.ts"
import { parseRef } from "./refs.ts"
import { validator, type Validator } from "./validate.ts"

const validators = new Map<EventName, Validator<unknown>>()
const factLengthMax = 1024

/**
 * Returns every problem of an event: its place and what was expected; empty when the event is valid. Every writer of
 * events calls this, because an invalid fact would stop its readers.
 */
export function checkEvent(event: NewEvent): Problem[] {
  const type: unknown = event.type
  if (typeof type !== "string" || !isEventName(type))
    return [{ pointer: "/type", message: `${JSON.stringify(type)?.slice(0, 64)} is not an event type` }]
  const problems = envelopeProblems(event)
  for (const { pointer, message } of dataValidator(type).problems(event.data))
    problems.push({ pointer: `/data${pointer}`, message })
  // `aboutOf` needs data that fits its schema.
  if (problems.length === 0) problems.push(...identityProblems(event))
  return problems
}

/** Throws INVARIANT_BROKEN with every problem when one of our own events is invalid. `who` names the code that made it. */
export function assertEvents(events: readonly NewEvent[], who: string): void {
  for (const event of events) {
    const problems = checkEvent(event)
    if (problems.length === 0) continue
    const text = problems.map(({ pointer, message }) => `${pointer} ${message}`).join("; ")
    throw new AppError("INVARIANT_BROKEN", `${who} made an invalid ${String(event.type)}: ${text}`, {
      problems,
    })
  }
}

function envelopeProblems({ fact, source, time }: NewEvent): Problem[] {
  const problems: Problem[] = []
  if (!isText(fact, factLengthMax))
    problems.push({ pointer: "/fact", message: `expected 1 to ${factLengthMax} characters` })
  if (!isText(source, 256)) problems.push({ pointer: "/source", message: "expected 1 to 256 characters" })
  if (typeof time !== "string" || parseInstant(time) === undefined || !isMoment(time))
    problems.push({ pointer: "/time", message: "expected an ISO 8601 date-time with an offset" })
  return problems
}

function isText(value: unknown, lengthMax: number): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= lengthMax
}

/** An event about an order contains no other order, and the object it is about has a name. */
function identityProblems(event: NewEvent): Problem[] {
  const problems: Problem[] = []
  if (parseRef(aboutOf(event)) === undefined)
    problems.push({ pointer: "/data", message: `is about "${aboutOf(event)}", which names no object` })
  const data = event.data as Readonly<Record<string, unknown>>
  for (const [name, field] of nestedOrderIds) {
    const nested = Object.hasOwn(data, name) ? (data[name] as Readonly<Record<string, unknown>>)[field] : undefined
    if (nested !== undefined && nested !== data["orderId"])
      problems.push({ pointer: `/data/${name}/${field}`, message: "is another order than /data/orderId" })
  }
  return problems
}

const nestedOrderIds = [
  ["order", "id"],
  ["shipment", "orderId"],
  ["shortage", "orderId"],
] as const

function dataValidator(type: EventName): Validator<unknown> {
  const known = validators.get(type)
  if (known) return known
  const compiled = validator(eventTypes[type].schema, type)
  validators.set(type, compiled)
  return compiled
}
