import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type * as Console from "../../console/api/answers.ts"
import type * as Stores from "../../console/api/store-answers.ts"
import type * as Returns from "../../console/screens/returns/answers.ts"
import type * as Work from "../../console/api/work-answers.ts"
import type * as Promises from "../../console/api/promise-answers.ts"
import type * as Systems from "../../console/api/system-answers.ts"
import type { ApiKey, Consumer } from "../../src/governance/consumers.ts"
import type { Person } from "../../src/governance/people/people.ts"
import type { BulkOperation } from "../../src/operations/bulk/operation-row.ts"
import type { BulkOperations } from "../../src/operations/bulk/operations.ts"
import type { EffectRecord } from "../../src/operations/effect-list.ts"
import type { AlertView, NoticeView, ReceiverView } from "../../src/operations/alerts/read.ts"
import type { Silence } from "../../src/operations/alerts/silences.ts"
import type { ExceptionRecord } from "../../src/operations/exceptions/record.ts"
import type { Ask } from "../../src/operations/asks.ts"
import type { ExceptionFilters } from "../../src/operations/exceptions/filters.ts"
import type { ExceptionGroup } from "../../src/operations/groups/groups.ts"
import type { GroupRule } from "../../src/operations/groups/rules.ts"
import type { DeliveryView } from "../../src/operations/payloads/delivery-view.ts"
import type { ObjectRecord } from "../../src/operations/object-list.ts"
import type { BudgetGate } from "../../src/operations/promises/budget.ts"
import type { Member } from "../../src/operations/promises/missed.ts"
import type { PromiseView } from "../../src/operations/promises/read.ts"
import type { OrderRecord } from "../../src/operations/order-book.ts"
import type { Hit } from "../../src/operations/search.ts"
import type { Hop } from "../../src/operations/trace/hops.ts"
import type { AccountView } from "../../src/orders/account-view.ts"
import type { PickupRecord } from "../../src/orders/pickups/read.ts"
import type { ReturnRecord } from "../../src/orders/returns/read.ts"
import type { ArticleCandidate } from "../../src/canonical/catalogue/article-candidates.ts"
import type { WaitingArticle } from "../../src/operations/exceptions/unknown-articles.ts"
import type { ArticleMapping } from "../../src/stock/articles/articles.ts"
import type { Place } from "../../src/gateway/routes/stock/locations.ts"
import type { PlaceOrder } from "../../src/operations/places/work.ts"
import type { HeldLine } from "../../src/stock/views/held.ts"
import type { LedgerEntry } from "../../src/stock/views/ledger-entries.ts"
import type { Availability } from "../../src/stock/availability.ts"
import { startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"

/** As JSON brings it: what may be undefined is left out. */
type Sent<T> = T extends string | number | boolean | null
  ? T
  : T extends readonly (infer One)[]
    ? Sent<One>[]
    : { [K in keyof T as undefined extends T[K] ? never : K]: Sent<T[K]> } & {
        [K in keyof T as undefined extends T[K] ? K : never]?: Sent<Exclude<T[K], undefined>>
      }

/** No `true` unless the API gives every member that the console reads, of the type it is read as. */
type Gives<Answer, Read> = Sent<Answer> extends Read ? (keyof Read extends keyof Answer ? true : never) : never

// Proved by `tsc`: the line of an answer that has changed is no longer `true`.
const given: {
  case: Gives<ExceptionRecord, Console.Exception>
  group: Gives<ExceptionGroup & { history: []; rules: GroupRule[] }, Work.RuledGroup>
  delivery: Gives<DeliveryView, Work.DeliveryView>
  filters: Gives<ExceptionFilters, Work.ExceptionFilters>
  ask: Gives<Ask, Work.Ask>
  object: Gives<ObjectRecord, Console.BusinessObject>
  order: Gives<OrderRecord, Omit<Console.OrderRow, "foundVia">>
  account: Gives<AccountView, Console.Account>
  return: Gives<ReturnRecord, Returns.Return>
  pickup: Gives<PickupRecord, Stores.Pickup>
  hop: Gives<Hop, Console.Hop>
  hit: Gives<Hit, Console.SearchHit>
  availability: Gives<Availability, Stores.Availability>
  held: Gives<HeldLine, Stores.HeldLine>
  booking: Gives<LedgerEntry, Stores.LedgerEntry>
  placeOrder: Gives<PlaceOrder, Stores.PlaceOrder>
  place: Gives<Place, Stores.Place>
  mapping: Gives<ArticleMapping, Console.ArticleMapping>
  unknownArticle: Gives<WaitingArticle & { candidates: ArticleCandidate[] }, Console.UnknownArticle>
  operation: Gives<BulkOperation, Omit<Work.Operation, "approval" | "difference">>
  member: Gives<Awaited<ReturnType<BulkOperations["members"]>>[number], Work.OperationMember>
  promise: Gives<PromiseView, Promises.Promised>
  missed: Gives<Member, Promises.MissedOutcome>
  budget: Gives<BudgetGate, Promises.BudgetGate>
  alert: Gives<AlertView & { notices: NoticeView[] }, Promises.Alert>
  receiver: Gives<ReceiverView, Promises.AlertReceiver>
  silence: Gives<Silence, Promises.Silence>
  effect: Gives<EffectRecord, Omit<Systems.Effect, "reference" | "error">>
  consumer: Gives<Consumer, Systems.Consumer>
  person: Gives<Person, Systems.Person>
  key: Gives<ApiKey, Systems.ConsumerKey>
} = {
  case: true,
  group: true,
  delivery: true,
  filters: true,
  ask: true,
  object: true,
  order: true,
  account: true,
  return: true,
  pickup: true,
  hop: true,
  hit: true,
  availability: true,
  held: true,
  booking: true,
  placeOrder: true,
  place: true,
  mapping: true,
  unknownArticle: true,
  operation: true,
  member: true,
  promise: true,
  missed: true,
  budget: true,
  alert: true,
  receiver: true,
  silence: true,
  effect: true,
  consumer: true,
  person: true,
  key: true,
}

/** What every answer has: `tsc` says when a member of the console's type is missing here. */
type Always<Read> = { [K in keyof Read as undefined extends Read[K] ? never : K]: unknown }

const text = expect.any(String) as unknown
const count = expect.any(Number) as unknown
const list = expect.any(Array) as unknown

describe("what the console reads", () => {
  let t: TestCrossdock
  beforeAll(async () => {
    t = await startTestCrossdock({ seed: 63 })
  })
  afterAll(() => t?.stop())

  test("the API gives, where no type of it says so", async () => {
    const kpis = {
      sinceHours: count,
      orders: {
        total: count,
        perSecondLastMinute: count,
        closedPerSecondLastMinute: count,
        byState: expect.any(Object),
      },
      money: list,
      stock: { skus: count, onHand: count, reserved: count },
      waiting: list,
      effects: list,
      exceptionsOpen: count,
      atRisk: list,
      deliveries: { received: count, duplicates: count, ignored: count, parked: count },
    } satisfies Always<Systems.Kpis>
    const me = {
      id: text,
      name: text,
      roles: list,
      scopes: list,
      channels: null,
      stores: null,
      can: list,
    } satisfies Always<Console.Me>
    const connection = {
      id: text,
      connector: text,
      apiVersion: text,
      capabilities: list,
      connectedAt: text,
      isPaused: false,
      breaker: "closed",
      retryInMs: count,
      askedToWaitMs: count,
      callsUnderWay: count,
      callsWaiting: count,
      objectsWaiting: count,
      readers: list,
    } satisfies Always<Systems.Connection>
    const reader = { name: text, state: text, everyMs: count, lateAfterMs: count } satisfies Always<Systems.Reader>
    const retention = { outlook: list, tables: list } satisfies Always<Systems.Retention>
    expect(given).toMatchObject({ case: true })
    expect((await t.api("GET", "/v1/kpis")).body).toMatchObject(kpis)
    expect((await t.api("GET", "/v1/me")).body).toMatchObject(me)
    expect((await t.api("GET", "/v1/connections/sap")).body).toMatchObject(connection)
    expect((await t.api("GET", "/v1/readers")).body.items?.[0]).toMatchObject(reader)
    expect((await t.api("GET", "/v1/retention")).body).toMatchObject(retention)
  })
})
