import type { Ask } from "../api/work-answers.ts"
import { en } from "../texts/en.ts"

const t = en.asks

/** What was filled in, by the name of what it answers. */
export type Answers = Readonly<Record<string, string>>

interface AskFieldsProps {
  asks: readonly Ask[]
  answers: Answers
  onChange: (answers: Answers) => void
}

/** The fields of what an act needs to know, as the API describes it. */
export function AskFields({ asks, answers, onChange }: AskFieldsProps) {
  return (
    <>
      {asks.map((ask) => (
        <AskField
          key={ask.name}
          ask={ask}
          value={answers[ask.name] ?? ""}
          onChange={(value) => onChange({ ...answers, [ask.name]: value })}
        />
      ))}
    </>
  )
}

function AskField({ ask, value, onChange }: { ask: Ask; value: string; onChange: (value: string) => void }) {
  const { name, says, takes, isNeeded, choices = [] } = ask
  const called = t.names[name] ?? name.charAt(0).toUpperCase() + name.slice(1)
  const field = {
    value,
    required: isNeeded,
    onChange: ({ target }: { target: { value: string } }) => onChange(target.value),
  }
  return (
    <label className="field">
      <span>
        {called}
        {isNeeded && " *"}
      </span>
      {takes === "choice" ? (
        <select {...field}>
          <option value="">{ask.default ?? t.choose}</option>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : takes === "list" ? (
        <textarea rows={3} {...field} />
      ) : (
        <input type={inputOf[takes]} {...(takes === "number" ? { inputMode: "numeric" } : {})} {...field} />
      )}
      {says !== name && <span className="dim">{takes === "list" ? `${says}. ${t.list}` : says}</span>}
    </label>
  )
}

const inputOf = { text: "text", day: "date", moment: "datetime-local", number: "text" } as const

/** Whether everything that is needed is filled in. */
export const isAnswered = (asks: readonly Ask[], answers: Answers) =>
  asks.every(({ name, isNeeded }) => !isNeeded || (answers[name] ?? "").trim() !== "")

/** Answers as the API takes them; what was left empty is left out. */
export function readAnswers(asks: readonly Ask[], answers: Answers): Record<string, unknown> {
  const given = asks.flatMap(({ name, takes }): [string, unknown][] => {
    const text = (answers[name] ?? "").trim()
    if (text === "") return []
    if (takes === "number") return [[name, Number(text)]]
    if (takes === "list") return [[name, text.split(/[\s,]+/)]]
    return [[name, takes === "moment" ? new Date(text).toISOString() : text]]
  })
  return Object.fromEntries(given)
}
