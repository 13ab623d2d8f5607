import * as fc from "fast-check"
import { expect, test } from "vitest"
import { eventTypes, type EventData } from "../../canonical/events.ts"
import { beginTransfer, differs, isOver, onTheWay, settled, transferState, withMovement } from "./transfer.ts"

const ordered = { ...eventTypes["transfer.ordered"].example, lines: [{ sku: "TEE-M", milli: 10_000, unit: "ea" }] }
const move = (
  movement: "transfer shipped" | "transfer received",
  milli: number,
  sku = "TEE-M",
): EventData<"stock.moved"> => {
  return { movement, sku, locationId: "dc", milli, unit: "ea", movedAt: "2026-11-20T10:00:00.000Z" }
}

test("S-67: a transfer is over when all that was sent has arrived", () => {
  let transfer = beginTransfer(ordered)
  expect(transferState(transfer)).toBe("ordered")
  transfer = withMovement(transfer, move("transfer shipped", 10_000))
  expect(transferState(transfer)).toBe("in transit")
  transfer = withMovement(transfer, move("transfer received", 4_000))
  expect(transferState(transfer)).toBe("partly received")
  expect(onTheWay(transfer)).toEqual([{ sku: "TEE-M", unit: "ea", milli: 6_000 }])
  expect(isOver(transfer)).toBe(false)
  expect(differs({ ...transfer, isReceivedWhole: true })).toBe(true)
  expect(isOver(settled(transfer))).toBe(true)
})

test("S-67: what is on its way follows from the movements in whatever order they come", () => {
  const anyMove = fc.record({
    movement: fc.constantFrom("transfer shipped" as const, "transfer received" as const),
    units: fc.integer({ min: 1, max: 9 }),
    sku: fc.constantFrom("TEE-M", "CAP"),
  })
  fc.assert(
    fc.property(
      fc
        .array(anyMove, { maxLength: 12 })
        .chain((moves) => fc.tuple(fc.constant(moves), fc.shuffledSubarray(moves, { minLength: moves.length }))),
      ([moves, shuffled]) => {
        const after = (all: typeof moves) =>
          all.reduce(
            (transfer, { movement, units, sku }) => withMovement(transfer, move(movement, units * 1000, sku)),
            beginTransfer(ordered),
          )
        const sorted = (all: typeof moves) => onTheWay(after(all)).sort((a, b) => (a.sku < b.sku ? -1 : 1))
        expect(sorted(shuffled)).toEqual(sorted(moves))
      },
    ),
  )
})
