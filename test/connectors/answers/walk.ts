import { asAppError } from "../../../src/base/errors.ts"
import type { Exchange, Recorder } from "./recorder.ts"

/** A field of an answer, and what the vendor's schema says of it. */
export interface AnswerField {
  /** The entity or type it belongs to, as the schema names it. */
  type: string
  field: string
  /** "guaranteed" is never null; "unknown" is not in the schema we have. */
  says: "nullable" | "guaranteed" | "unknown"
  holder: Record<string, unknown>
  /** Its name in the answer, where that is another. */
  key?: string
}

/** What a vendor's schema says of calls. */
export interface VendorSchema {
  /** Every field of an answer, at any depth; the holders are the answer's own objects. */
  fieldsOf(exchange: Exchange): AnswerField[]
  /** What the request has or asks for that the schema does not allow; and what it cannot say, as "not checked: …". */
  problemsOf(exchange: Exchange): string[]
}

/** A connector beside a recorder of its simulator. */
export interface Walk {
  recorder: Recorder
  schema: VendorSchema
  /** Everything the connector does that reads an answer, each by itself; objects of its own each time. */
  steps(): Promise<Record<string, () => Promise<unknown>>>
  stop(): Promise<void>
}

/** What was found out by walking. */
export interface Findings {
  /** Fields that are demanded although the schema does not guarantee them. */
  demanded: string[]
  /** Requests the schema does not allow. */
  requests: string[]
  /** What could not be held against a schema. */
  unchecked: string[]
  /** How many fields were made null. */
  tried: number
}

/**
 * Lets the connector do everything once, holds each request against the schema, and then does all of it again for each field that
 * the schema lets be null, with that field null in every answer. A connector may refuse what it then reads in its own words,
 * but it must not call the vendor's answer broken.
 */
export async function walk({ recorder, schema, steps }: Walk): Promise<Findings> {
  const problems = await broken(await steps())
  if (problems.length > 0) throw new Error(`the connector fails before anything is null: ${problems.join("; ")}`)
  const seen = recorder.exchanges.splice(0)
  const fields = new Map(seen.flatMap((one) => schema.fieldsOf(one)).map((one) => [nameOf(one), one]))
  const requests = [...new Set(seen.flatMap((one) => schema.problemsOf(one)))]
  const demanded: string[] = []
  const nullable = [...fields.values()].filter(({ says }) => says === "nullable")
  for (const { type, field } of nullable) {
    recorder.alter = (exchange) => {
      for (const one of schema.fieldsOf(exchange))
        if (one.type === type && one.field === field) one.holder[one.key ?? field] = null
      return exchange.answer
    }
    for (const problem of await broken(await prepared(recorder, steps))) demanded.push(`${type}.${field}: ${problem}`)
    recorder.alter = undefined
  }
  recorder.exchanges.length = 0
  const isNote = (text: string) => text.startsWith("not checked: ")
  const unknown = [...fields.values()].filter(({ says }) => says === "unknown").map(({ type }) => `answers of ${type}`)
  return {
    demanded,
    requests: requests.filter((text) => !isNote(text)),
    unchecked: [...new Set([...unknown, ...requests.filter(isNote).map((text) => text.slice(13))])].toSorted(),
    tried: nullable.length,
  }
}

/** JSON that is no answer of any call. */
const rubbish: readonly unknown[] = [
  {},
  null,
  "text",
  [],
  7,
  { data: null },
  { d: {} },
  { d: null },
  { object: "list" },
]

/**
 * Does everything again with rubbish for every answer. Returns what took it for an answer instead of refusing it, as "step:
 * rubbish".
 */
export async function takenForAnswers({ recorder, steps }: Walk): Promise<string[]> {
  const taken: string[] = []
  for (const one of rubbish) {
    recorder.alter = () => structuredClone(one)
    const results = Object.entries(await prepared(recorder, steps)).map(async ([name, step]) => {
      const outcome = await step().then(
        () => "took it",
        (thrown: unknown) => asAppError(thrown).code,
      )
      // A defect of ours is no refusal of theirs.
      if (outcome === "took it" || outcome === "INVARIANT_BROKEN")
        taken.push(`${name}: ${JSON.stringify(one)} ${outcome}`)
    })
    await Promise.all(results)
    recorder.alter = undefined
  }
  return taken.toSorted()
}

/** What has to be there first is made with the answers as they are. */
async function prepared(recorder: Recorder, steps: Walk["steps"]): ReturnType<Walk["steps"]> {
  const { alter } = recorder
  recorder.alter = undefined
  const made = await steps()
  recorder.alter = alter
  return made
}

/** All at once: none of them needs what another one does. */
async function broken(steps: Record<string, () => Promise<unknown>>): Promise<string[]> {
  const told = Object.entries(steps).map(async ([name, step]) => {
    try {
      await step()
      return []
    } catch (thrown) {
      const { code, message } = asAppError(thrown)
      return ourOwnWords.has(code) ? [`${name} says ${message.slice(0, 160)}`] : []
    }
  })
  return (await Promise.all(told)).flat()
}

/** Codes that call the answer broken, or a clear one unclear; INVARIANT_BROKEN also stands for a thrown TypeError. */
const ourOwnWords: ReadonlySet<string> = new Set([
  "VENDOR_MISBEHAVED",
  "VENDOR_UNCERTAIN",
  "INVARIANT_BROKEN",
  "TRANSLATION_FAILED",
])

const nameOf = ({ type, field }: AnswerField) => `${type}.${field}`

/** An object that came as JSON; anything else is no object. */
export function objectOf(value: unknown): Record<string, unknown> | undefined {
  // JSON: an object that is no array has names.
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
