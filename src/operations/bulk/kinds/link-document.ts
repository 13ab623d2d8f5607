import { Type } from "typebox"
import { AppError, asAppError } from "../../../base/errors.ts"
import { cut } from "../../../base/text.ts"
import { instant, type Clock } from "../../../base/time.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { Order } from "../../../canonical/order.ts"
import { entity, type Reference } from "../../../canonical/parts.ts"
import { parseRef, ref, type Ref } from "../../../canonical/refs.ts"
import type { EventLog } from "../../../eventlog/event-log.ts"
import { done, skipped, type BulkAct, type BulkKind, type Became, type Preview } from "../kind.ts"
import { candidate, type Candidate, type LinkableStep, type ReadsDocuments } from "../links/candidate.ts"
import type { StepOf, Taken } from "../links/linked-documents.ts"

const Spec = entity("Link document", {
  object: Type.String({
    minLength: 1,
    maxLength: 200,
    description: "whose step it is: the id of an order, or a ref, as order/ord_… or return/ret_…",
  }),
  number: Type.String({ minLength: 1, maxLength: 64, description: "the document's number in the other system" }),
  system: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "the connection that has the document; default: the one of the step",
    }),
  ),
  step: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        "the step whose outcome it is, as the order's way names it; default: the only one without an outcome",
    }),
  ),
  despite: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1000,
      description: "why it is the right document, where it differs from what was asked or cannot be read",
    }),
  ),
})

interface LinkDocument {
  object: string
  number: string
  system?: string
  step?: string
  despite?: string
}

export interface LinkParts {
  eventLog: Pick<EventLog, "knownFacts">
  clock: Clock
  /** The order that an object belongs to, or is, where the caller may see it. */
  order(about: Ref, channels: readonly string[] | undefined): Promise<Order | undefined>
  steps(about: Ref): Promise<LinkableStep[]>
  read: ReadsDocuments
  ownerOf(document: Reference, step: StepOf): Promise<string | undefined>
  take(taken: Taken): Promise<string | undefined>
}

/**
 * Says that a document which exists in another system is the outcome of a step whose answer was lost, or that somebody carried out by
 * hand. The document is read by its connector and compared; the workflow takes it as the step's outcome and goes on, and nothing is sent
 * for that step again (I-3). A repeat, also by another person, changes nothing.
 */
export function linkDocument(parts: LinkParts): BulkKind<LinkDocument> {
  return {
    name: "link document",
    does: "says that a document which exists in another system is the outcome of a step; it is not made a second time",
    schema: Spec,
    async preview(spec, { channels }) {
      const { order, step } = await stepMeant(parts, spec, { channels })
      const member = memberId(step)
      const refused = (why: string): Preview => ({ members: [], refused: [{ id: member, why: cut(why, 500) }] })
      if (step.why !== undefined) return refused(step.why)
      const found = await candidate(parts, { step, order, number: spec.number })
      if (!found) return refused(`${step.connection} has no ${step.links.document} ${spec.number}`)
      const { document, differences, cannotBe } = found
      const words = `${document.type} ${document.id} of ${document.system}`
      if (cannotBe !== undefined) return refused(`${words}: ${cannotBe}`)
      const owner = await parts.ownerOf(document, step)
      if (owner !== undefined) return refused(`${words} is a document of ${owner} already`)
      if (differences.length > 0 && spec.despite === undefined)
        return refused(`${words}: ${differences.join("; ")}. To link it all the same, say why in "despite"`)
      const about = cut(`${words} becomes the outcome of "${step.step}" of order ${order.number}`, 1000)
      // Another currency's amount cannot be compared; what was asked counts, and what the order is worth where that has no money.
      const worth = step.asked?.worth ?? order.total.shop
      const { total = worth } = found
      const atRisk = total.currency === worth.currency && total.amountMinor > worth.amountMinor ? total : worth
      return {
        members: [{ id: member, about, atRisk, seen: JSON.stringify(seenOf(step, found)) }],
        refused: [],
        says: saidOf(found, { words, despite: spec.despite }),
      }
    },
    async carryOut({ seen: text = "" }, spec, act) {
      // The preview wrote it.
      const seen = JSON.parse(text) as Seen
      const at = instant(parts.clock.now())
      const event = linked(seen, { output: {}, spec, act, at })
      // By this operation before a crash, or by somebody who linked the same at the same time.
      const isTold = async () => (await parts.eventLog.knownFacts([event])).has(event.fact)
      if (await isTold()) return done
      const meant = { ...spec, step: seen.step, system: seen.connection }
      const look = () => stepMeant(parts, meant, { isBegun: true })
      const became = await link(parts, { look, seen }, { spec, act, at }).catch(asSkipped)
      return became.outcome === "skipped" && (await isTold()) ? done : became
    },
  }
}

/** What the preview saw of a member. */
interface Seen extends StepOf, Pick<LinkableStep, "name" | "part" | "connection" | "attempts"> {
  document: Reference
  digest: string
  journal: string
}

function seenOf(found: LinkableStep, { document, digest }: Candidate): Seen {
  const { about, workflow, step, name, part, connection, attempts, seen } = found
  return { about, workflow, step, name, part, connection, attempts, document, digest, journal: seen }
}

const memberId = ({ about, step }: StepOf) => `${about}:${step}`

function saidOf(
  { shows, differences }: Candidate,
  { words, despite }: { words: string; despite: string | undefined },
): string[] {
  if (differences.length === 0) return [`${words} is as it was asked: ${shows}.`]
  return [
    `${words}: ${shows}.`,
    ...differences.map((one) => `Differs: ${one}.`),
    `Linked all the same: ${despite ?? ""}.`,
  ]
}

/** REQUEST_INVALID when there is no such object, system or step, with those that there are. */
async function stepMeant(
  parts: LinkParts,
  { object, system, step: named }: LinkDocument,
  { channels, isBegun = false }: { channels?: readonly string[] | undefined; isBegun?: boolean },
): Promise<{ order: Order; step: LinkableStep }> {
  const about = (parseRef(object) ? object : ref("order", object)) as Ref
  const order = await parts.order(about, channels)
  if (!order) throw problem("object", `there is no order, return or credit ${object.slice(0, 64)}`)
  const all = await parts.steps(about)
  const fitting = all.filter((one) => named === undefined || one.step === named || one.name === named)
  const [step, another] = fitting.filter(({ connection }) => system === undefined || connection === system)
  if (step && !another) return { order, step }
  const gone = isBegun ? "conflict" : "invalid"
  if (all.length === 0) throw problem("object", `no step of ${about} waits for a document: each has its outcome`, gone)
  if (fitting.length === 0)
    throw problem("step", `has no "${named ?? ""}" without an outcome; there is ${namesOf(all)}`, gone)
  if (!step) throw problem("system", `is not where a document is missing; that is ${namesOf(fitting)}`, gone)
  throw problem("step", `say which: ${namesOf(fitting)}`, gone)
}

const namesOf = (steps: readonly LinkableStep[]) =>
  steps.map(({ step, connection }) => `"${step}" at ${connection}`).join(", ")

function problem(pointer: string, message: string, as: "invalid" | "conflict" = "invalid"): AppError {
  return as === "conflict"
    ? new AppError("STATE_FORBIDS", message)
    : new AppError("REQUEST_INVALID", message, { problems: [{ pointer: `/spec/${pointer}`, message }] })
}

/** A step that has its outcome meanwhile is left. */
function asSkipped(thrown: unknown): Became {
  if (asAppError(thrown).kind !== "conflict") throw thrown
  return skipped(cut(asAppError(thrown).message, 500))
}

/** It may come again after a crash: the fact is of the step and the document, and the document is taken once. */
async function link(
  parts: LinkParts,
  { look, seen }: { look: () => Promise<{ order: Order; step: LinkableStep }>; seen: Seen },
  { spec, act, at }: Linking,
): Promise<Became> {
  const { order, step } = await look()
  const found = await candidate(parts, { step, order, number: spec.number })
  if (!found) return skipped(`${step.connection} has no ${step.links.document} ${spec.number} any more`)
  // The other system may take its time to answer, and the workflow goes on meanwhile.
  if (seen.journal !== (await look()).step.seen)
    return skipped("its workflow moved since the preview; look at it again")
  if (seen.digest !== found.digest)
    return skipped(`the ${step.links.document} changed since the preview; look at it again`)
  const { document } = found
  const owner = await parts.ownerOf(document, step)
  if (owner !== undefined) return skipped(`${document.type} ${document.id} is a document of ${owner} already`)
  const { by, operation } = act
  const event = linked(seen, { output: found.output, spec, act, at })
  const why = await parts.take({ document, step, by, operation, at, event })
  return why === undefined ? done : skipped(why)
}

interface Linking {
  spec: LinkDocument
  act: BulkAct
  at: string
}

function linked(
  { about, workflow, step, name, part, attempts, document }: Seen,
  { output, spec, act, at }: Linking & { output: unknown },
): NewEvent<"effect.linked"> {
  return newEvent({
    type: "effect.linked",
    // Who says the same after another attempt has looked at that one, too.
    fact: `linked:${workflow}:${step}:${attempts}:${document.system}:${document.type}:${document.id}`,
    source: "crossdock:operations",
    time: at,
    data: {
      about,
      workflow,
      step: name,
      ...(part === "" ? {} : { part }),
      document,
      output: JSON.stringify(output),
      attempts,
      ...(spec.despite === undefined ? {} : { despite: spec.despite }),
      linkedBy: act.by,
      reason: act.reason,
      at,
    },
  })
}
