import { storage, type Sql } from "../../base/sql.ts"
import { ref as refOf, type Ref } from "../../canonical/refs.ts"
import { hopsOf, type Hop } from "./hops.ts"
import { linkedObjects, type LinkedObject } from "./linked-objects.ts"
import { readRemovals, removedOf } from "../removals.ts"
import type { OrderBook, OrderRecord } from "../order-book.ts"
import { objectsMeant, type Hit } from "../search.ts"

/** A wait of a workflow. */
export interface Wait {
  kind: string
  name: string
  until?: string
}

/** A workflow of one of the objects of a trace. */
export interface TracedWorkflow {
  object: Ref
  workflow: string
  state: string
  correlation: string
  /** Missing once it has ended. */
  waitingFor?: Wait[]
}

/** The history of an object and of those linked to it, oldest first. */
export interface Trace {
  /** The object that was asked for. */
  object: Ref
  objects: LinkedObject[]
  workflows: TracedWorkflow[]
  /** For people: the parts that retention has deleted. */
  removed?: string[]
  hops: Hop[]
  /** Where the next page of hops begins; missing on the last one. */
  next?: string
  /** Whether these are all objects: very many linked ones are cut. */
  isComplete: boolean
}

/** Objects to choose from, when a text means several. */
export interface Candidates {
  candidates: Hit[]
}

/** Traces an object by its ref, our id or any id of another system. Undefined if there is none. */
export async function traceOf(
  sql: Sql,
  { of, channels, after }: { of: string; channels?: readonly string[]; after?: string },
): Promise<Trace | Candidates | undefined> {
  const meant = await objectsMeant(sql, of, channels)
  const [only] = meant
  if (!only) return undefined
  if (meant.length > 1) return { candidates: meant }
  const { objects, isComplete } = await linkedObjects(sql, only.ref, channels)
  const refs = objects.map(({ ref }) => ref)
  const [way, workflows, removals] = await Promise.all([
    hopsOf(sql, refs, after),
    workflowsOf(sql, refs),
    readRemovals(sql),
  ])
  const openedAt = objects.find(({ ref }) => ref === only.ref)?.object?.openedAt
  const left = { ...way.left, "finished work": workflows.length }
  // What a later page has none of may be on the first.
  const removed = openedAt === undefined || after !== undefined ? [] : removedOf(openedAt, removals, left)
  return {
    object: only.ref,
    objects,
    workflows,
    ...(removed.length > 0 ? { removed } : {}),
    hops: way.hops,
    ...(way.next === undefined ? {} : { next: way.next }),
    isComplete,
  }
}

/** The history of one order, without linked objects. */
export interface OrderTrace {
  order: Omit<OrderRecord, "document">
  correlation?: string
  waitingFor?: Wait[]
  /** For people: the parts that retention has deleted. */
  removed?: string[]
  hops: Hop[]
  /** Where the next page of hops begins; missing on the last one. */
  next?: string
}

/** Reads the hops of one order: deliveries, facts, steps with their attempts and probes, states. */
export async function traceOrder(
  sql: Sql,
  orderBook: Pick<OrderBook, "find">,
  { id, after }: { id: string; after?: string },
): Promise<OrderTrace | undefined> {
  const order = await orderBook.find(id)
  if (!order) return undefined
  const about = refOf("order", order.id)
  const [{ hops, next, left }, workflows, removals] = await Promise.all([
    hopsOf(sql, [about], after),
    workflowsOf(sql, [about]),
    readRemovals(sql),
  ])
  const { document: _document, ...summary } = order
  const isFirst = after === undefined
  const removed = isFirst ? removedOf(order.placedAt, removals, { ...left, "finished work": workflows.length }) : []
  const [first] = workflows
  const waits = workflows.flatMap(({ waitingFor = [] }) => waitingFor)
  return {
    order: summary,
    ...(first ? { correlation: first.correlation } : {}),
    ...(waits.length > 0 ? { waitingFor: waits } : {}),
    ...(removed.length > 0 ? { removed } : {}),
    hops,
    ...(next === undefined ? {} : { next }),
  }
}

async function workflowsOf(sql: Sql, refs: readonly Ref[]): Promise<TracedWorkflow[]> {
  const rows = await storage(
    () => sql<{ object: Ref; workflow: string; state: string; correlation: string; waiting: Wait[] | null }[]>`
      select i.about as object, i.workflow, i.state, i.correlation, q.waiting
      from workflow_instances i left join workflow_queue q on q.instance = i.id where i.about = any(${[...refs]}) order by i.id`,
  )
  return rows.map(({ waiting, ...row }) => ({ ...row, ...(waiting === null ? {} : { waitingFor: waiting }) }))
}
