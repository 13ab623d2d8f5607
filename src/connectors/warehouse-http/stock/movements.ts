import type { Static } from "typebox"
import { AppError, type Problem } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import { newEvent, type EventData, type NewEvent } from "../../../canonical/events.ts"
import type { MovementKind } from "../../../canonical/events/stock.ts"
import type { StockState } from "../../../canonical/stock/states.ts"
import { validator, type Validator } from "../../../canonical/validate.ts"
import type { RefusedRecord, Translation } from "../../../ports/capabilities/intake.ts"
import { reference } from "../../../ports/write.ts"
import {
  AdjustedLine,
  CountedLine,
  MovedLine,
  movements,
  states,
  type CountedEvent,
  type MovedEvent,
} from "../payloads.ts"

/** Units of one article. */
interface Line {
  sku: string
  milli: number
  unit: string
}

const countedLine = reading(validator(CountedLine, "line of a count"), "count", ({ onHandMilli }) => onHandMilli)
const movedLine = reading(validator(MovedLine, "line of a movement"), "movement", ({ quantityMilli }) => quantityMilli)
const adjustedLine = reading(
  validator(AdjustedLine, "line of an adjustment"),
  "movement",
  ({ quantityMilli }) => quantityMilli,
)

/** A count covers the stock on the shelf, which includes our reserved units, so no reservation is deducted. */
export function counted(event: Static<typeof CountedEvent>, connection: string): Translation {
  const { locationId, occurredAt } = event
  if (event.lines.length === 0) return { events: [], ignored: `the count of ${locationId} has no lines` }
  return eachArticle(event.lines, { ...countedLine, connection }, ({ sku, milli, unit }) =>
    newEvent({
      type: "stock.counted",
      fact: `${connection}:stock:${locationId}:${sku}:counted:${occurredAt}`,
      source: connection,
      time: occurredAt,
      data: { sku, locationId, countedMilli: milli, unit, countedAt: occurredAt, includesReservations: "none" },
    }),
  )
}

/** A movement of many articles. The number is of the place, and the same movement has the same one for ever. */
export function moved(event: Static<typeof MovedEvent>, connection: string): Translation {
  const { locationId, movementNumber: n, occurredAt: movedAt, orderId, transferId, reason, toLocationId } = event
  const movement = wordOf(movements, { name: "movement", word: event.movement })
  const purchase = purchaseOf(event, movement)
  const state = stateOf("state", event.state)
  const toState = stateOf("toState", event.toState)
  if (movement === "transfer shipped" && toLocationId === undefined)
    throw new AppError("TRANSLATION_FAILED", "a transfer says where its goods go", {
      problems: [{ pointer: "/toLocationId", message: "is missing" }],
    })
  if (movement === "change of state" && state === toState)
    throw new AppError("TRANSLATION_FAILED", "a change of state has two states", {
      problems: [{ pointer: "/toState", message: "is the state that the goods had" }],
    })
  const reader = movement === "adjustment" ? adjustedLine : movedLine
  return eachArticle(event.lines, { ...reader, connection }, (line) =>
    newEvent({
      type: "stock.moved",
      fact: `${connection}:stock:${locationId}:moved:${n}:${line.sku}`,
      source: connection,
      time: movedAt,
      data: {
        movement,
        ...line,
        locationId,
        movedAt,
        number: { stream: locationId, n },
        ...(state ? { state } : {}),
        ...(toState ? { toState } : {}),
        ...(toLocationId === undefined ? {} : { toLocationId }),
        ...(orderId === undefined ? {} : { orderId }),
        ...(transferId === undefined ? {} : { transferId }),
        ...(purchase ? { purchase } : {}),
        ...(reason === undefined ? {} : { reason }),
      },
    }),
  )
}

/** What received goods were ordered by. Named for anything else it would count against no order, so nobody guesses what was meant. */
function purchaseOf(
  { purchaseOrderId, inboundShipmentId }: Static<typeof MovedEvent>,
  movement: MovementKind,
): EventData<"stock.moved">["purchase"] {
  const refuse = (pointer: string, message: string) => {
    throw new AppError("TRANSLATION_FAILED", "a movement names what its goods were ordered by, and cannot", {
      problems: [{ pointer, message }],
    })
  }
  if (purchaseOrderId === undefined)
    return inboundShipmentId === undefined
      ? undefined
      : refuse("/purchaseOrderId", "is missing: a shipping notice alone does not say which order the goods are of")
  if (movement !== "receipt") return refuse("/purchaseOrderId", "only goods that were received are of a purchase order")
  return { purchaseOrderId, ...(inboundShipmentId === undefined ? {} : { inboundShipmentId }) }
}

function stateOf(name: string, word: string | undefined): StockState | undefined {
  return word === undefined ? undefined : wordOf(states, { name, word })
}

/** A word that the protocol does not have is refused: nobody may guess what happened to goods (P-27). */
function wordOf<Ours>(words: Readonly<Record<string, Ours>>, { name, word }: { name: string; word: string }): Ours {
  const ours = own(words, word)
  if (ours !== undefined) return ours
  const message = `"${word}" is no ${name} of the protocol`
  const problems = [{ pointer: `/${name}`, message, code: "VENDOR_VALUE_UNKNOWN" as const }]
  throw new AppError("VENDOR_VALUE_UNKNOWN", message, { problems })
}

interface LineReader {
  what: string
  problemsOf: (line: unknown) => readonly Problem[]
  read: (line: unknown) => Line
}

function reading<Told extends { sku: string; unit: string }>(
  checked: Validator<Told>,
  what: string,
  milliOf: (line: Told) => number,
): LineReader {
  return {
    what,
    problemsOf: (line) => checked.problems(line),
    read: (line) => {
      const told = checked.parse(line)
      return { sku: told.sku, milli: milliOf(told), unit: told.unit }
    },
  }
}

/**
 * One event for each article. A bad line is refused alone. An article may have several lines, one for each bin or pallet: they are one
 * fact, because nothing tells them apart when they are told again.
 */
function eachArticle(
  lines: readonly unknown[],
  { what, problemsOf, read, connection }: LineReader & { connection: string },
  eventOf: (line: Line) => NewEvent,
): Translation {
  const bySku = new Map<string, Line>()
  const refused: RefusedRecord[] = []
  for (const [index, told] of lines.entries()) {
    const problems = [...problemsOf(told)]
    const line = problems.length === 0 ? read(told) : undefined
    const known = line && bySku.get(line.sku)
    if (known && known.unit !== line.unit)
      problems.push({ pointer: "/unit", message: `is ${known.unit} in another line of the article` })
    if (line && problems.length === 0) bySku.set(line.sku, { ...line, milli: line.milli + (known?.milli ?? 0) })
    else refused.push(refusedLine(told, { pointer: `/lines/${index}`, problems, what, connection }))
  }
  // An adjustment by nothing is none; a count of nothing is one.
  const articles = [...bySku.values()].filter(({ milli }) => what === "count" || milli !== 0)
  return { events: articles.map(eventOf), ...(refused.length > 0 && { refused }) }
}

function refusedLine(
  line: unknown,
  of: { pointer: string; problems: readonly Problem[]; what: string; connection: string },
): RefusedRecord {
  const sku = typeof line === "object" && line !== null && "sku" in line ? line.sku : undefined
  return {
    pointer: of.pointer,
    code: "TRANSLATION_FAILED",
    message: `the line of the ${of.what} is not as documented`,
    ...(typeof sku === "string" && sku !== "" && { about: reference(of.connection, "sku", cut(sku, 256)) }),
    problems: of.problems.map((problem) => ({ ...problem, pointer: of.pointer + problem.pointer })),
  }
}
