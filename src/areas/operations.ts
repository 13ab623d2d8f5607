import { traceparentOf } from "../base/ids.ts"
import { withDeadline } from "../base/time.ts"
import type { Order } from "../canonical/order.ts"
import { orderIdIn } from "../canonical/refs.ts"
import { documentOf, openEffects, orderOfWork } from "../durable/links/linkable.ts"
import { deployedVersion } from "../durable/retry/deployed-version.ts"
import { failingInstances, looksAs, viewRetries } from "../durable/retry/retries.ts"
import { readWaiting } from "../durable/waiting.ts"
import { forgetWorkers } from "../durable/journal.ts"
import type { GatewayCore } from "../gateway/core.ts"
import { bulkRoutes } from "../gateway/routes/operations/bulk.ts"
import { effectRoutes } from "../gateway/routes/operations/effects.ts"
import { exceptionRoutes, type Exceptions } from "../gateway/routes/operations/exceptions.ts"
import { objectRoutes } from "../gateway/routes/operations/objects.ts"
import { groupRuleRoutes, type GroupRules } from "../gateway/routes/operations/group-rules.ts"
import { groupRoutes, type Groups } from "../gateway/routes/operations/groups.ts"
import { streamRoutes } from "../gateway/routes/operations/stream.ts"
import { kpiRoutes } from "../gateway/routes/figures/kpis.ts"
import { CarriesOutOperations } from "../operations/bulk/carry-out.ts"
import { decideMany } from "../operations/bulk/kinds/decide.ts"
import type { AnyBulkKind } from "../operations/bulk/kind.ts"
import { linkDocument } from "../operations/bulk/kinds/link-document.ts"
import { ownerOf, takeDocument } from "../operations/bulk/links/linked-documents.ts"
import { OrderBook } from "../operations/order-book.ts"
import { retryMany } from "../operations/bulk/kinds/retry.ts"
import { BulkOperations } from "../operations/bulk/operations.ts"
import { forgetOperations } from "../operations/bulk/reads.ts"
import { listEffects } from "../operations/effect-list.ts"
import { readFilters } from "../operations/exceptions/filters.ts"
import { ExceptionDesk } from "../operations/exceptions/desk.ts"
import { foldFigures, readFigures } from "../operations/figures.ts"
import { registerExceptions } from "../operations/gauges.ts"
import { findGroup, listGroups } from "../operations/groups/groups.ts"
import { actOnGroup, notesOf } from "../operations/groups/marks.ts"
import { effectFigures } from "../operations/live-figures.ts"
import { findVisibleObject, listObjects } from "../operations/object-list.ts"
import {
  listGroupRules,
  mergeGroups,
  rulesOfGroup,
  splitFields,
  splitGroup,
  undoGroupRule,
  type SplitField,
} from "../operations/groups/rules.ts"
import { OperationsPolicyBlock } from "../operations/policies.ts"
import { searchObjects } from "../operations/search.ts"
import { HintHub } from "../operations/stream/hint-hub.ts"
import { traceOf } from "../operations/trace/trace.ts"
import { defineArea, type AreaParts } from "./define-area.ts"

/** The desk with the actions of all areas. */
export function deskOf({ sql, eventLog, inbox, clock, areas }: AreaParts): ExceptionDesk {
  return new ExceptionDesk({ sql, eventLog, inbox, clock, actions: areas.flatMap(({ actions = [] }) => actions) })
}

function exceptionsOf(parts: AreaParts): Exceptions {
  const desk = deskOf(parts)
  return {
    list: (request) => desk.list(request),
    find: (id, of) => desk.find(id, of),
    decide: (id, decision) => desk.decide(id, decision),
    actions: () => desk.actions(),
    filters: (of) => readFilters(parts.sql, of),
  }
}

/** What all areas let people do to many objects at once. */
const kindsOf = (parts: AreaParts) => parts.areas.flatMap(({ bulk }) => bulk?.(parts) ?? [])

/** Groups of open exceptions, and what people do with them. */
function groupsOf({ sql, clock }: AreaParts, policies: OperationsPolicyBlock | undefined): Groups {
  const options = { sql, clock, ...(policies?.ranking ? { ranking: policies.ranking } : {}) }
  return {
    list: (filter) => listGroups(options, filter),
    async find(id, of) {
      const group = await findGroup(options, id, of)
      return group && { ...group, history: await notesOf(sql, id), rules: await rulesOfGroup(sql, id) }
    },
    async act(id, { channels, ...act }) {
      const group = await findGroup(options, id, { channels })
      if (group) await actOnGroup(options, group, act)
      return group && (await findGroup(options, id, { channels }))
    },
  }
}

/** What people said about which cases are one group. */
const rulesOf = ({ sql, clock }: AreaParts): GroupRules<SplitField> => ({
  fields: splitFields,
  list: () => listGroupRules(sql),
  merge: (rule) => mergeGroups({ sql, clock }, rule),
  split: (rule) => splitGroup({ sql, clock }, rule),
  undo: (undone) => undoGroupRule({ sql, clock }, undone),
})

/** Retry, with the engine's view of what it would do. */
function retry({ sql, clock, eventLog, ...parts }: AreaParts): AnyBulkKind {
  const desk = deskOf({ sql, clock, eventLog, ...parts })
  return retryMany({
    desk,
    eventLog,
    clock,
    version: deployedVersion(),
    workflows: {
      view: (names, from) => viewRetries(sql, names, from),
      failing: (filter) => failingInstances(sql, filter),
      looksAs: (name, seen) => looksAs(sql, name, seen),
    },
  }) as AnyBulkKind
}

/** Linking documents, with the steps that have no outcome and the connections that read what exists. */
function link({ sql, clock, eventLog, connections }: AreaParts): AnyBulkKind {
  const book = new OrderBook(sql)
  return linkDocument({
    eventLog,
    clock,
    async order(about, channels) {
      const id = orderIdIn(about) ?? (await orderOfWork(sql, about))
      const found = id === undefined ? undefined : await book.find(id)
      // The book holds the channel's document as the log took it.
      return found && (channels?.includes(found.channel) ?? true) ? (found.document as Order | undefined) : undefined
    },
    steps: (about) => openEffects(sql, connections, about),
    read({ connection, about, links }, wanted) {
      const { gate, timeoutMs } = connections.get(connection)
      const traceparent = traceparentOf(about)
      const ask = (signal: AbortSignal) => links.read(wanted, { signal, correlation: about, traceparent })
      // Who books by hand pauses first, so that nothing is sent meanwhile.
      return gate.passEvenIfPaused("orders", () => withDeadline(timeoutMs, ask))
    },
    ownerOf: (document, step) => ownerOf(sql, document, step),
    take: (taken) => takeDocument({ sql, eventLog }, taken),
  }) as AnyBulkKind
}

/** Tells the consoles what has changed. */
function hubOf({ sql, log, connections }: AreaParts): HintHub {
  const stateOf = ({ gate: { state } }: AreaParts["connections"]["all"][number]) =>
    JSON.stringify([state.isPaused, state.pausedBy, state.breaker, state.lastError])
  return new HintHub({ sql, log, connections: () => new Map(connections.all.map((one) => [one.id, stateOf(one)])) })
}

/** People's views and decisions, across all areas. */
export const operations = defineArea({
  name: "operations",
  policies: { schema: OperationsPolicyBlock, whenLeftOut: "defaults" },
  actions: [
    {
      name: "retry",
      does: "Tries the refused step again, under the same key: what did happen after all is found, not doubled.",
      effect: { kind: "wake" },
    },
    { name: "leave it", does: "Leaves the step undone in that system; the order goes on.", effect: { kind: "wake" } },
    {
      name: "acknowledge",
      does: "Says that a person has seen it; the system goes on as it said it would.",
      effect: { kind: "close" },
    },
  ],
  async kpis({ sql, ...parts }, { figures }) {
    const desk = deskOf({ sql, ...parts })
    const [waiting, exceptionsOpen, atRisk] = await Promise.all([readWaiting(sql), desk.countOpen(), desk.atRisk()])
    return { waiting, effects: effectFigures(figures), exceptionsOpen, atRisk }
  },
  routes(parts: AreaParts & { core: GatewayCore }, policies: OperationsPolicyBlock | undefined) {
    const { sql, areas } = parts
    const readKpis = async (hours: number) => {
      const figures = await readFigures(sql, hours)
      const own = await Promise.all(areas.map((area) => area.kpis?.(parts, { hours, figures })))
      return Object.assign({ sinceHours: hours }, ...own) as object
    }
    return [
      ...exceptionRoutes(exceptionsOf(parts)),
      ...groupRoutes(groupsOf(parts, policies)),
      ...groupRuleRoutes(rulesOf(parts)),
      ...bulkRoutes(new BulkOperations({ ...parts, ...policies, kinds: kindsOf(parts) })),
      ...objectRoutes({
        list: (request) => listObjects(sql, request),
        find: (request) => findVisibleObject(sql, request),
        search: (request) => searchObjects(sql, request),
        trace: (request) => traceOf(sql, request),
      }),
      ...effectRoutes({
        async list(request) {
          const page = await listEffects(sql, request)
          const document = (one: (typeof page.items)[number]) => documentOf(parts.connections, one)
          return { ...page, items: page.items.map((one) => ({ ...one, document: document(one) })) }
        },
      }),
      ...kpiRoutes(readKpis),
      ...streamRoutes(parts.core, hubOf(parts)),
    ]
  },
  gauges(registry, parts) {
    const desk = deskOf(parts)
    registerExceptions(registry, () => desk.countOpen())
  },
  bulk: (parts) => [decideMany(deskOf(parts)) as AnyBulkKind, retry(parts), link(parts)],
  services: (parts) => [new CarriesOutOperations({ ...parts, kinds: kindsOf(parts) })],
  async upkeep({ sql, clock }) {
    await foldFigures(sql)
    await forgetWorkers(sql)
    await forgetOperations({ sql, clock })
  },
})
