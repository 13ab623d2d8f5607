import { describe, expect, test } from "vitest"
import type { Evidence, Flow } from "./evidence.ts"
import { atMost, compareFlow } from "./flow.ts"
import { rankCauses } from "./rank.ts"

const flow = (now: number, usual = 60): Flow => ({
  now,
  earlier: [usual, usual + 6, usual - 5, usual + 2, usual - 8, usual],
})
const nothing: Flow = { now: 0, earlier: [0, 0, 0, 0, 0, 0] }

const calm = {
  flows: [
    { channel: "shop", placed: flow(58), left: flow(57), money: [] },
    { channel: "market", placed: flow(61), left: flow(60), money: [] },
  ],
  warehouses: ["warehouse"],
  troubles: [],
  cases: [],
  usualCases: { data: nothing, flow: nothing },
  unread: [],
  heardLate: [],
  waiting: { released: 5, before: 3 },
} satisfies Evidence

const withShop = (shop: { placed?: Flow; left?: Flow }, more: Partial<Evidence> = {}): Evidence => ({
  ...calm,
  flows: calm.flows.map((one) => (one.channel === "shop" ? { ...one, ...shop } : one)),
  ...more,
})

const trouble = { connection: "shop", share: 0.6, says: "shop: it fails", isOver: false } as const
const cases = { group: "grp_1", about: "order", cases: 25, orders: 25, connection: "shop" } as const

/** What is injected, and the cause that has to come first. */
const injected: Record<string, Evidence> = {
  "platform outage": withShop({ placed: flow(20), left: flow(22) }, { troubles: [{ ...trouble, what: "away" }] }),
  "sync failure": withShop({ placed: flow(20), left: flow(22) }, { troubles: [{ ...trouble, what: "refuses us" }] }),
  "warehouse delay": withShop({ left: flow(12) }, { waiting: { released: 70, before: 3 } }),
  "bad data": withShop(
    { left: flow(33) },
    {
      cases: [{ ...cases, kind: "data", cause: "article is unknown", value: "TEE-NEW" }],
      waiting: { released: 5, before: 28 },
    },
  ),
  "workflow flaw": withShop(
    { left: flow(33) },
    {
      cases: [{ ...cases, kind: "flow", cause: "tax differs", operation: "tax differs" }],
      waiting: { released: 5, before: 28 },
    },
  ),
  demand: {
    ...calm,
    flows: calm.flows.map((one) => ({ ...one, placed: flow(24), left: flow(25) })),
  },
}

describe("X-08 why is revenue down", () => {
  for (const [cause, evidence] of Object.entries(injected))
    test(`${cause} comes first when it is the cause`, () => {
      const { verdict, suspects } = rankCauses(evidence)
      expect(verdict).toBe("down")
      expect(suspects[0]?.cause).toBe(cause)
      expect(suspects[0]?.evidence.length).toBeGreaterThan(0)
    })

  test("nothing is down when all is as usual", () => {
    expect(rankCauses(calm)).toMatchObject({ verdict: "as usual", missing: 0, stuck: 0, suspects: [] })
  })

  test("too few weeks, or too few orders, are not enough data", () => {
    const few = { now: 0, earlier: [3, 4, 2, 5, 3] }
    const young = { now: 0, earlier: [60, 61] }
    for (const placed of [few, young])
      expect(rankCauses({ ...calm, flows: [{ channel: "shop", placed, left: placed, money: [] }] }).verdict).toBe(
        "not enough data",
      )
  })

  test("what is wrong is listed also where nothing is known of what is usual", () => {
    const young = { now: 0, earlier: [] }
    const flows = [{ channel: "shop", placed: young, left: young, money: [] }]
    const why = rankCauses({ ...calm, flows, troubles: [{ ...trouble, what: "away" }] })
    expect(why).toMatchObject({ verdict: "not enough data", suspects: [{ cause: "platform outage" }] })
  })

  test("the shop that is away hides what we do not hear of it", () => {
    const evidence = withShop(
      { placed: flow(20), left: flow(22) },
      {
        troubles: [
          { ...trouble, what: "away" },
          { ...trouble, what: "not read" },
        ],
      },
    )
    const named = rankCauses(evidence).suspects.map(({ cause }) => cause)
    expect(named[0]).toBe("platform outage")
    expect(named).not.toContain("sync failure")
  })

  test("a short outage does not explain a long dip: the rest is demand", () => {
    const evidence = withShop(
      { placed: flow(20), left: flow(22) },
      { troubles: [{ ...trouble, share: 0.05, what: "away" }] },
    )
    expect(rankCauses(evidence).suspects[0]?.cause).toBe("demand")
  })

  test("as many cases as on any other day explain nothing", () => {
    const usual: Flow = { now: 25, earlier: [25, 24, 26, 25, 25, 27] }
    const evidence = { ...(injected["workflow flaw"] as Evidence), usualCases: { data: nothing, flow: usual } }
    expect(rankCauses(evidence).suspects.map(({ cause }) => cause)).not.toContain("workflow flaw")
  })
})

describe("X-08 cases that stop no order", () => {
  const parcels = { ...cases, about: "delivery", kind: "flow", cause: "parcel came back", connection: "dhl" } as const
  const causes = (evidence: Evidence) => rankCauses(evidence).suspects.map(({ cause }) => cause)

  test("parcels that come back are no workflow flaw", () => {
    expect(causes(withShop({ left: flow(33) }, { cases: [parcels] }))).not.toContain("workflow flaw")
  })

  test("a flaw beside as many of them as usual is found whole", () => {
    const usual: Flow = { now: 50, earlier: [25, 24, 26, 25, 25, 27] }
    const evidence = injected["workflow flaw"] as Evidence
    const beside = { ...evidence, cases: [...evidence.cases, parcels], usualCases: { data: nothing, flow: usual } }
    expect(rankCauses(beside).suspects[0]).toMatchObject({ cause: "workflow flaw", orders: 25 })
  })
})

describe("a flow beside the same hours of earlier weeks", () => {
  test("chance gives nothing once in a thousand times where seven are expected", () => {
    expect(atMost(0, 7)).toBeLessThan(0.001)
    expect(atMost(0, 6.5)).toBeGreaterThan(0.001)
    expect(atMost(600, 600)).toBeCloseTo(0.511, 2)
  })

  test("one odd week changes nothing", () => {
    const { expected, is } = compareFlow({ now: 59, earlier: [60, 62, 300, 58, 61, 60] })
    expect([expected, is]).toEqual([60.5, "as usual"])
  })

  test("weeks that differ much among each other are not low at once", () => {
    expect(compareFlow({ now: 40, earlier: [20, 100, 30, 110, 60, 25] }).is).toBe("as usual")
    expect(compareFlow({ now: 30, earlier: [60, 61, 58, 62, 60, 59] }).is).toBe("low")
  })
})
