import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { afterNews, deliveryTerms, left, onDay, told } from "../../../test/fixtures/deliveries.ts"
import { shipmentMilestones } from "../../canonical/shipment.ts"
import { apply, dueAt, isOver, stateOf, type Delivery, type News } from "./apply.ts"
import { endOf, whereIs } from "./parcel.ts"

const shipment = fc.constantFrom("A", "B", "C")

const milestone = fc
  .record({
    shipmentId: shipment,
    milestone: fc.constantFrom(...shipmentMilestones),
    at: fc.constantFrom(onDay(1), onDay(1, "10:02:00"), onDay(2), onDay(3), onDay(4)),
    by: fc.constantFrom("shipment", "tracking number", "both", "channel"),
    expectedAt: fc.option(fc.constantFrom(onDay(4), onDay(6)), { nil: undefined }),
  })
  .map(({ shipmentId, milestone: word, at, by, expectedAt }): News => {
    const { data } = told(shipmentId, word, { at, ...(expectedAt === undefined ? {} : { expectedAt }) })
    const { shipmentId: _id, ...rest } = data
    const named = {
      shipment: { shipmentId },
      "tracking number": { trackingNumber: `T-${shipmentId}` },
      both: { shipmentId, trackingNumber: `T-${shipmentId}` },
      channel: { fulfilmentId: `F-${shipmentId}`, trackingNumber: `T-${shipmentId}` },
    }
    return { type: "shipment.milestone", data: { ...rest, ...named[by as keyof typeof named] } }
  })

const news: fc.Arbitrary<News[]> = fc
  .tuple(fc.subarray(["A", "B", "C"], { minLength: 1 }), fc.array(milestone, { maxLength: 10 }))
  .map(([ids, milestones]) => [...ids.map((id) => left(id)), ...milestones])

/** What counts of a delivery, whatever came first. */
function view(state: Delivery) {
  const parcels = state.parcels.map(
    (parcel) => [...parcel.ids].sort().join(" ") + ` ${whereIs(parcel)} ${endOf(parcel)}`,
  )
  const open = state.open.map(({ kind, round, parcel: id }) => {
    const [first] = [...(state.parcels.find(({ ids }) => ids.includes(id))?.ids ?? [])].sort()
    return `${first} ${kind} ${round}`
  })
  return {
    parcels: parcels.sort(),
    open: open.sort(),
    state: stateOf(state),
    due: dueAt(state, deliveryTerms),
    isOver: isOver(state),
  }
}

describe("news of parcels", () => {
  test("in any order, and any of it twice, end in the same state", () => {
    const orders = news.chain((told) =>
      fc.tuple(
        fc.constant(told),
        fc.shuffledSubarray([...told, ...told], { minLength: told.length * 2, maxLength: told.length * 2 }),
      ),
    )
    fc.assert(
      fc.property(orders, ([one, other]) => {
        expect(view(afterNews(other).state)).toEqual(view(afterNews(one).state))
      }),
      { numRuns: 1000 },
    )
  })

  test("tell each end of a shipment once, and every open exception is about a parcel in trouble", () => {
    fc.assert(
      fc.property(news, (told) => {
        const { state, actions } = afterNews([...told, ...told])
        const facts = actions.flatMap((action) =>
          action.do === "tell" ? [`${action.name.step} ${action.name.part}`] : [],
        )
        expect(new Set(facts).size).toBe(facts.length)
        const raised = actions.flatMap((action) => (action.do === "raise" ? [action.name.part + action.name.step] : []))
        const settled = actions.flatMap((action) =>
          action.do === "settle" ? [action.name.part + action.name.step] : [],
        )
        const open = raised.filter((name) => !settled.includes(name))
        expect(open.sort()).toEqual(state.open.map(({ name }) => name.part + name.step).sort())
      }),
    )
  })

  test("with deadlines that pass and people who treat everything as lost or close it, always end", () => {
    fc.assert(
      fc.property(news, fc.infiniteStream(fc.boolean()), (told, isImpatient) => {
        let { state } = afterNews(told)
        for (let n = 0; !isOver(state) || state.open.length > 0; n += 1) {
          expect(n).toBeLessThan(100)
          const [question] = state.open
          const at = dueAt(state, deliveryTerms)
          const isLeft = question === undefined || (isImpatient.next().value === true && at !== undefined)
          if (isLeft) state = apply(state, { type: "time passed", at: at ?? "" }, deliveryTerms).state
          else
            state = afterNews(
              [{ type: "decided", question, action: lastAction(question.kind), at: onDay(9) }],
              state,
            ).state
        }
      }),
    )
  })
})

const lastAction = (kind: string) =>
  kind === "delivered to whom"
    ? "it arrived"
    : kind === "parcel came back" || kind === "lost parcel arrived"
      ? "acknowledge"
      : "close"
