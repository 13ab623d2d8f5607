// Answers about returns, with the members that the console shows. `test/console/answers.int.test.ts` holds them against the API.

import type { Money } from "../../api/answers.ts"

/** A return in a list, with its three tracks. */
export interface Return {
  returnId: string
  orderId: string
  state: string
  goods: string
  money: string
  books: string
  reason: string
  how: string
  requestedBy: string
  requestedAt: string
  changedAt: string
  due?: Money
  givenBack?: Money
}

/** What was told of a return; the data of facts differs by their type. */
export interface ReturnFact {
  type: string
  time: string
  source: string
  data: {
    lines?: readonly ReturnFactLine[]
    reason?: string
    goods?: string
    money?: string
    books?: string
    by?: string
    locationId?: string
    takenOver?: { lines: readonly ReturnFactLine[] }
  }
}

interface ReturnFactLine {
  lineId?: string
  quantity?: { milli: number; unit: string }
  what?: string
  amount?: Money
  condition?: string
  disposition?: string
}

/** One return. */
export interface OneReturn extends Return {
  buyer: { state: string; words: string }
  facts: readonly ReturnFact[]
}
