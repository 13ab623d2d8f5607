import { expect, test } from "vitest"
import { memoryProblem } from "./demo.ts"

const fresh = { ordersInLab: 0, crossdockHasOrders: false, crossdockHasStock: false }

test("a first start, a second one, and one after a kill before the first order came in are all right", () => {
  expect(memoryProblem(fresh)).toBeUndefined()
  expect(memoryProblem({ ordersInLab: 9, crossdockHasOrders: true, crossdockHasStock: true })).toBeUndefined()
  expect(memoryProblem({ ...fresh, crossdockHasStock: true })).toBeUndefined()
  expect(memoryProblem({ ordersInLab: 1, crossdockHasOrders: false, crossdockHasStock: true })).toBeUndefined()
})

test("when only the lab or only Crossdock remembers, the start says which, and what to remove", () => {
  const onlyCrossdock = memoryProblem({ ...fresh, crossdockHasOrders: true, crossdockHasStock: true })
  expect(onlyCrossdock).toMatch(/database has orders .* the lab in .* has none.*remove/)
  const onlyLab = memoryProblem({ ...fresh, ordersInLab: 9 })
  expect(onlyLab).toMatch(/The lab in .* has 9 orders .* database knows nothing.*remove/)
})
