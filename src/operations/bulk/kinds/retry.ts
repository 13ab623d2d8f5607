import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { cut } from "../../../base/text.ts"
import { instant, type Clock } from "../../../base/time.ts"
import { newEvent, type EventData, type NewEvent } from "../../../canonical/events.ts"
import { RetryFrom } from "../../../canonical/events/exceptions.ts"
import { entity } from "../../../canonical/parts.ts"
import type { Ref } from "../../../canonical/refs.ts"
import type { EventLog } from "../../../eventlog/event-log.ts"
import type { ExceptionDesk } from "../../exceptions/desk.ts"
import type { ExceptionRecord } from "../../exceptions/record.ts"
import { done, skipped, type BulkAct, type BulkKind, type Became, type Member, type Preview } from "../kind.ts"
import {
  assertNotTooMany,
  chosenCases,
  decideOne,
  goneCases,
  isChosen,
  memberOf,
  openCases,
  type ChosenCases,
} from "./cases.ts"

const Spec = entity("Retry", {
  from: Type.Enum(RetryFrom.enum, {
    description: "where from; what exists in other systems is found and never done again",
  }),
  step: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: "of a chosen step: its name, as the case's trace shows it",
    }),
  ),
  version: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "the version of the workflows; default: the one that is deployed",
    }),
  ),
  workflow: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "every run of this workflow that fails, instead of chosen cases",
    }),
  ),
  ...chosenCases,
})

interface RetrySpec extends ChosenCases {
  from: EventData<"workflow.retried">["from"]
  step?: string
  version?: string
  workflow?: string
}

interface Instance {
  workflow: string
  about: Ref
}

interface RetryParts {
  desk: ExceptionDesk
  eventLog: Pick<EventLog, "append" | "knownFacts">
  clock: Clock
  /** The version of the workflows that is deployed. */
  version: string
  workflows: {
    view(
      names: readonly Instance[],
      retry: Pick<RetrySpec, "from" | "step">,
    ): Promise<
      readonly (Instance & { problem?: string; seen: string; again: string[]; exists: string[]; tried: string[] })[]
    >
    failing(filter: { workflow: string; limit: number }): Promise<readonly Instance[]>
    looksAs(name: Instance, seen: string): Promise<boolean>
  }
}

/** Whole journals are read for the preview. */
const instancesMax = 2000
const translatesAgain = "translate again"

/** A case or a run that fails, and the instance that it is about, where it has one. */
interface Candidate extends Member {
  instance?: Instance
}

/**
 * Has workflows go on that failed or wait for a person: from the failed step, from a chosen one, or from the first. Deliveries that
 * could not be understood are translated again. Every effect keeps its key, so what exists is found (I-3), and earlier attempts stay
 * in the journal.
 */
export function retryMany(parts: RetryParts): BulkKind<RetrySpec> {
  return {
    name: "retry",
    does: "has failed work go on, from the failed step, a chosen one or the first; nothing is done a second time",
    schema: Spec,
    async preview(spec, { channels }) {
      checkSpec(spec, parts.version)
      const { candidates, ...sorted } = await findCandidates(parts, spec, channels)
      return withViews(parts, spec, { ...sorted, members: candidates })
    },
    async carryOut({ id, seen = "" }, spec, act) {
      const [version, journal = ""] = seen.split(" ")
      if (journal !== "" && version !== parts.version)
        return skipped(`version ${parts.version} is deployed by now, not ${version} of the preview`)
      if (id.includes("/"))
        return goOn(parts, { instance: { workflow: spec.workflow ?? "", about: id as Ref }, journal }, { spec, act })
      return retryCase(parts, { id, journal }, { spec, act })
    },
  }
}

function checkSpec({ from, step, version, workflow, ...chosen }: RetrySpec, deployed: string): void {
  const problem = (pointer: string, message: string) =>
    new AppError("REQUEST_INVALID", message, { problems: [{ pointer: `/spec/${pointer}`, message }] })
  if ((from === "chosen step") !== (step !== undefined))
    throw problem("step", "a chosen step, and only that, needs its name")
  if (workflow !== undefined && isChosen(chosen)) throw problem("workflow", "say either a workflow or cases")
  if (version !== undefined && version !== deployed)
    throw problem("version", `only ${deployed} is deployed, and no older version is kept: to run another, deploy it`)
}

async function findCandidates(
  { desk, workflows }: RetryParts,
  { workflow, from, step: _step, version: _version, ...chosen }: RetrySpec,
  channels: readonly string[] | undefined,
): Promise<Preview & { candidates: Candidate[] }> {
  if (workflow !== undefined) {
    if (channels) throw new AppError("PERMISSION_MISSING", "it is about all channels; you are limited to some")
    const failing = await workflows.failing({ workflow, limit: instancesMax + 1 })
    assertNotTooMany(failing.length, instancesMax)
    const candidates = failing.map((one) => ({
      id: one.about,
      about: `${one.workflow} of ${one.about}`,
      instance: one,
    }))
    return { candidates, members: [], refused: [] }
  }
  const candidates: Candidate[] = []
  const refused: Preview["refused"] = []
  for await (const found of openCases(desk, { ...chosen, channels })) {
    const why = whyNot(found, from)
    if (why === undefined) candidates.push({ ...memberOf(found), ...instanceOf(found) })
    else refused.push({ id: found.id, why })
    assertNotTooMany(candidates.length, instancesMax)
  }
  return { candidates, members: [], refused: [...refused, ...goneCases(chosen.ids, { members: candidates, refused })] }
}

function instanceOf({ workflow, about }: ExceptionRecord): { instance?: Instance } {
  return workflow === undefined ? {} : { instance: { workflow, about } }
}

/** Why a case cannot be retried. One that waits for no answer goes on by itself; a retry makes it go on now. */
function whyNot({ workflow, allowedActions }: ExceptionRecord, from: RetrySpec["from"]): string | undefined {
  if (workflow !== undefined) {
    const waitsForAnother = !allowedActions.includes("retry") && !allowedActions.includes("acknowledge")
    return waitsForAnother && from === "failed step" ? `only ${allowedActions.join(", ")} may be done` : undefined
  }
  if (!allowedActions.includes(translatesAgain)) return `only ${allowedActions.join(", ")} may be done`
  return from === "failed step" ? undefined : "it is no workflow: a delivery is translated as a whole"
}

async function withViews(
  { workflows, version }: RetryParts,
  { from, step }: RetrySpec,
  { members, refused }: { members: Candidate[]; refused: Preview["refused"] },
): Promise<Preview> {
  const names = [
    ...new Map(members.flatMap(({ instance }) => (instance ? [[keyOf(instance), instance]] : []))).values(),
  ]
  const views = new Map<string, Awaited<ReturnType<RetryParts["workflows"]["view"]>>[number]>()
  for (let at = 0; at < names.length; at += 100)
    for (const view of await workflows.view(names.slice(at, at + 100), {
      from,
      ...(step === undefined ? {} : { step }),
    }))
      views.set(keyOf(view), view)
  const left: Preview["refused"] = [...refused]
  const taken = members.flatMap(({ instance, ...member }): Member[] => {
    if (!instance) return [member]
    const view = views.get(keyOf(instance))
    const problem = view ? view.problem : "its workflow is gone"
    if (problem !== undefined) left.push({ id: member.id, why: problem })
    if (!view || problem !== undefined) return []
    const exists = view.exists.length === 0 ? "" : `; exists and is found: ${view.exists.join(", ")}`
    return [{ ...member, about: cut(`${member.about}${exists}`, 1000), seen: `${version} ${view.seen}` }]
  })
  const shown = [...views.values()].filter(({ problem }) => problem === undefined)
  return { members: taken, refused: left, says: saidOf(shown, { version, deliveries: taken.length - shown.length }) }
}

const keyOf = ({ workflow, about }: Instance) => `${workflow}\n${about}`

function saidOf(
  views: readonly { again: string[]; exists: string[]; tried: string[] }[],
  { version, deliveries }: { version: string; deliveries: number },
): string[] {
  const counted = (what: "again" | "exists" | "tried") => {
    const counts = new Map<string, number>()
    for (const view of views)
      for (const name of new Set(view[what].map((one) => one.replace(/[#( ]*[#(].*$/, ""))))
        counts.set(name, (counts.get(name) ?? 0) + 1)
    return [...counts].map(([name, count]) => `${name} (${count})`).join(", ")
  }
  const [exists, tried, again] = [counted("exists"), counted("tried"), counted("again")]
  return [
    ...(views.length > 0 ? [`It runs on version ${version}, which is deployed; no older version is kept.`] : []),
    ...(exists === "" ? [] : [`What exists is found and not done again: ${exists}.`]),
    ...(tried === "" ? [] : [`Tried again, each under its key: ${tried}.`]),
    ...(again === "" ? [] : [`Decided anew: ${again}.`]),
    ...(deliveries > 0 && views.length === 0 ? ["The kept bytes are translated again by the mapping of today."] : []),
  ]
}

async function retryCase(
  parts: RetryParts,
  { id, journal }: { id: string; journal: string },
  { spec, act }: { spec: RetrySpec; act: BulkAct },
): Promise<Became> {
  const { desk } = parts
  const found = await desk.find(id)
  if (!found) return skipped("it is gone")
  const { workflow, about, allowedActions, decision } = found
  const action = workflow === undefined ? translatesAgain : "retry"
  const isOurs = decision?.by === act.by && decision.action === action
  const mayDecide = allowedActions.includes(action)
  if (workflow === undefined || (spec.from === "failed step" && mayDecide))
    return decideOne(desk, id, { ...act, action })
  const went = await goOn(parts, { instance: { workflow, about }, journal, isOver: decision && !isOurs }, { spec, act })
  // The run may have ended the case by itself meanwhile; it was retried all the same.
  if (went.outcome === "done" && mayDecide) await decideOne(desk, id, { ...act, action })
  return went
}

interface Going {
  instance: Instance
  journal: string
  /** The case was decided by somebody else. */
  isOver?: boolean | undefined
}

/** Tells the workflow, once in an operation. */
async function goOn(
  { eventLog, workflows, clock }: RetryParts,
  { instance, journal, isOver = false }: Going,
  { spec, act }: { spec: RetrySpec; act: BulkAct },
): Promise<Became> {
  const event = retried(instance, { spec, act, at: instant(clock.now()) })
  if ((await eventLog.knownFacts([event])).has(event.fact)) return done
  if (isOver) return skipped("it was decided meanwhile")
  if (!(await workflows.looksAs(instance, journal))) return skipped("it moved since the preview")
  await eventLog.append(event)
  return done
}

function retried(
  { workflow, about }: Instance,
  { spec: { from, step }, act: { by, reason, operation }, at }: { spec: RetrySpec; act: BulkAct; at: string },
): NewEvent<"workflow.retried"> {
  return newEvent({
    type: "workflow.retried",
    fact: `${operation}:${workflow}`,
    source: "crossdock:operations",
    time: at,
    data: { about, workflow, from, ...(step === undefined ? {} : { step }), retriedBy: by, reason, at },
  })
}
