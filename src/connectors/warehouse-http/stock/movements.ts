import type { Static } from "typebox"
import { AppError, type Problem } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { StockState } from "../../../canonical/stock/states.ts"
import { validator, type Validator } from "../../../canonical/validate.ts"
import type { RefusedRecord, Translation } from "../../../ports/capabilities/intake.ts"
import { reference } from "../../../ports/write.ts"
import { CountedLine, MovedLine, movements, states, type CountedEvent, type MovedEvent } from "../payloads.ts"

const countedLine = validator(CountedLine, "line of a count")
const movedLine = validator(MovedLine, "line of a movement")

/** A count covers the stock on the shelf, which includes our reserved units, so no reservation is deducted. */
export function counted(event: Static<typeof CountedEvent>, connection: string): Translation {
  const { locationId, occurredAt } = event
  if (event.lines.length === 0) return { events: [], ignored: `the count of ${locationId} has no lines` }
  return eachLine(event.lines, { checked: countedLine, what: "count", connection }, ({ sku, onHandMilli, unit }) =>
    newEvent({
      type: "stock.counted",
      fact: `${connection}:stock:${locationId}:${sku}:counted:${occurredAt}`,
      source: connection,
      time: occurredAt,
      data: { sku, locationId, countedMilli: onHandMilli, unit, countedAt: occurredAt, includesReservations: "none" },
    }),
  )
}

/** A movement of many articles. The number is of the place, and the same movement has the same one for ever. */
export function moved(event: Static<typeof MovedEvent>, connection: string): Translation {
  const { locationId, movementNumber: n, occurredAt: movedAt, orderId, transferId, reason, toLocationId } = event
  const movement = wordOf(movements, { name: "movement", word: event.movement })
  const state = stateOf("state", event.state)
  const toState = stateOf("toState", event.toState)
  if (movement === "transfer shipped" && toLocationId === undefined)
    throw new AppError("TRANSLATION_FAILED", "a transfer says where its goods go", {
      problems: [{ pointer: "/toLocationId", message: "is missing" }],
    })
  return eachLine(event.lines, { checked: movedLine, what: "movement", connection }, (line) =>
    newEvent({
      type: "stock.moved",
      fact: `${connection}:stock:${locationId}:moved:${n}:${line.sku}`,
      source: connection,
      time: movedAt,
      data: {
        movement,
        sku: line.sku,
        locationId,
        milli: line.quantityMilli,
        unit: line.unit,
        movedAt,
        number: { stream: locationId, n },
        ...(state ? { state } : {}),
        ...(toState ? { toState } : {}),
        ...(toLocationId === undefined ? {} : { toLocationId }),
        ...(orderId === undefined ? {} : { orderId }),
        ...(transferId === undefined ? {} : { transferId }),
        ...(reason === undefined ? {} : { reason }),
      },
    }),
  )
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

interface LineReader<Line> {
  checked: Validator<Line>
  what: string
  connection: string
}

/** Lines are independent facts, so a bad line is refused alone. */
function eachLine<Line>(
  lines: readonly unknown[],
  { checked, what, connection }: LineReader<Line>,
  eventOf: (line: Line) => NewEvent,
): Translation {
  const events: NewEvent[] = []
  const refused: RefusedRecord[] = []
  for (const [index, line] of lines.entries()) {
    const problems = checked.problems(line)
    if (problems.length === 0) events.push(eventOf(checked.parse(line)))
    else refused.push(refusedLine(line, { pointer: `/lines/${index}`, problems, what, connection }))
  }
  return { events, ...(refused.length > 0 && { refused }) }
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
