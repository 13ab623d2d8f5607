import { expect, test } from "vitest"
import type { Kit, Units } from "../../canonical/catalogue/product.ts"
import { Composition, type Edge } from "./graph.ts"
import { kitProblems, unitProblems, type Known } from "./problems.ts"

const edge = (sku: string, part: string, milli = 1000): Edge => ({ sku, part, milli, productId: `p-${sku}` })

const known = (edges: readonly Edge[] = [], more: Partial<Known> = {}): Known => ({
  composition: new Composition(edges),
  today: (sku) => sku,
  isKnown: (sku) => sku !== "NOBODY",
  ownMilli: () => 0,
  ...more,
})

const derived = (...components: [sku: string, milli: number][]): Kit => ({
  stock: "derived",
  components: components.map(([sku, milli]) => ({ sku, milli })),
})
const of = (sku: string) => ({ productId: `p-${sku}`, sku })
const kitOf = (sku: string, kit: Kit, about = known()) =>
  kitProblems(of(sku), kit, about).map(({ pointer, message }) => `${pointer} ${message}`)

test("all that is wrong with a kit is said at once, each with its place", () => {
  expect(kitOf("K", derived(["A", 1000], ["K", 1000], ["A", 500], ["NOBODY", 1000]))).toEqual([
    "/set/components/1/sku K is the kit itself",
    "/set/components/2/sku A stands there twice; say once how much of it is in the kit",
    "/set/components/3/sku nobody knows NOBODY: write the component first, or in the same request",
  ])
  expect(kitOf("K", derived(["A", 1000], ["B", 1]))).toEqual([])
})

test("a circle is named as a way, also through a name that a component had before", () => {
  const about = known([edge("B", "C"), edge("C", "K")])
  expect(kitOf("K", derived(["B", 1000]), about)).toEqual(["/set/components goes round in a circle: K > B > C > K"])
  const renamed = known([edge("B", "K")], { today: (sku) => (sku === "OLD" ? "K" : sku) })
  expect(kitOf("K", derived(["OLD", 1000]), renamed)).toEqual(["/set/components/0/sku OLD is the kit itself"])
  expect(kitOf("K", { ...derived(["B", 1000]), stock: "own" }, about)).toEqual([])
})

test("kits lie four deep in kits at most, counted from above and from below", () => {
  const below = [edge("1", "2"), edge("2", "3"), edge("3", "4")]
  expect(kitOf("K", derived(["1", 1000]), known(below))).toEqual([])
  expect(kitOf("K", derived(["1", 1000]), known([...below, edge("TOP", "K")]))).toEqual([
    "/set/components kits would lie 5 deep in kits; 4 is the most",
  ])
})

test("kits and sales units go in whole, from either side", () => {
  const about = known([edge("CASE", "CAN", 24_000)])
  expect(kitOf("K", derived(["CASE", 1500]), about)).toEqual([
    "/set/components/0/milli CASE is a kit or a sales unit itself, and those go in whole: 1500 is no multiple of 1000",
  ])
  expect(kitOf("K", derived(["A", 1000]), known([edge("TOP", "K", 500)]))).toEqual([
    "/set/components TOP holds 0.5 of K, and a kit goes in whole",
  ])
})

test("a kit of kits holds at most fifty different goods, and so does every kit above it", () => {
  const edges = ["1", "2"].flatMap((box) => Array.from({ length: 30 }, (_, n) => edge(box, `${box}-${n}`)))
  expect(kitOf("K", derived(["1", 1000], ["2", 1000]), known(edges))).toEqual([
    "/set/components K would be 60 different goods; 50 is the most",
  ])
  const top = [...edges, edge("TOP", "K"), edge("TOP", "2")]
  expect(kitOf("K", derived(["1", 1000]), known(top))).toEqual([
    "/set/components TOP would be 60 different goods; 50 is the most",
  ])
})

test("what has stock of its own is no derived kit and no sales unit, until its shelf is empty", () => {
  const about = known([], { ownMilli: (sku) => (sku === "K" || sku === "CASE" ? 7000 : 0) })
  expect(kitOf("K", derived(["A", 1000]), about)[0]).toContain("/set/stock K has stock of its own: up to 7 lie")
  expect(unitsOf([{ unit: "case", baseMilli: 24_000, sku: "CASE" }], about)[0]).toContain(
    "/set/sales/0/sku CASE has stock",
  )
})

const unitsOf = (sales: Units["sales"], about = known()) =>
  unitProblems(of("CAN"), { base: "ea", sales }, about).map(({ pointer, message }) => `${pointer} ${message}`)

test("all that is wrong with units is said at once", () => {
  const about = known([edge("SET", "CUP")])
  const sales = [
    { unit: "ea", baseMilli: 1000 },
    { unit: "case", baseMilli: 24_000, sku: "CAN" },
    { unit: "case", baseMilli: 12_000, sku: "SET" },
    { unit: "tray", baseMilli: 6000, sku: "TRAY" },
    { unit: "box", baseMilli: 6000, sku: "TRAY" },
  ]
  expect(unitsOf(sales, about)).toEqual([
    "/set/sales/0/unit ea is the base unit, which is sold without being listed",
    "/set/sales/1/sku CAN is the product itself, in its base unit",
    "/set/sales/2/unit case stands there twice",
    "/set/sales/2/sku SET is made of CUP already",
    "/set/sales/4/sku TRAY stands there twice",
  ])
  expect(unitsOf([{ unit: "case", baseMilli: 24_000, sku: "CAN-24" }])).toEqual([])
  const circle = known([edge("CAN", "CAN-24")])
  expect(unitsOf([{ unit: "case", baseMilli: 24_000, sku: "CAN-24" }], circle)).toEqual([
    "/set/sales/0/sku goes round in a circle: CAN-24 > CAN > CAN-24",
  ])
})

test("a product that changes its kit is judged without what it said before", () => {
  const about = known([edge("K", "B"), edge("B", "C"), edge("C", "D"), edge("D", "E")])
  expect(kitOf("B", derived(["K", 1000]), about)).toEqual(["/set/components goes round in a circle: B > K > B"])
  expect(kitOf("K", derived(["E", 1000]), about)).toEqual([])
})
