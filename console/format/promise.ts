import type { Alert, Promised, Says } from "../api/promise-answers.ts"
import { en } from "../texts/en.ts"
import { lengthText } from "./time.ts"
import type { Shown } from "./roles.ts"

const roles: Readonly<Record<Says, Shown["role"]>> = {
  page: "stopped",
  list: "risk",
  kept: "done",
  "too few": "waiting",
}

/** Whether a promise is kept. */
export function promiseState(says: Says): Shown {
  return { role: roles[says], word: en.promises.says[says] }
}

/** "10 min", "3 d", "by 02:00, store time". */
export function promisedTime({ within = {}, by }: Pick<Promised, "within" | "by">): string {
  if (by !== undefined) return en.promises.by(by)
  const { days = 0, hours = 0, minutes = 0, seconds = 0, ms = 0 } = within
  return lengthText((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + ms)
}

/** 0.995 → "99.5 %". */
export const shareText = (share: number): string => `${Number((share * 100).toFixed(2))} %`

/** Who has an alert, or why nobody has. */
export function alertState({ state, held, acknowledged, level }: Alert): Shown {
  const t = en.alerts
  if (state === "resolved") return { role: "done", word: t.ended.toLowerCase() }
  if (held !== undefined) return { role: "waiting", word: t.toNobody }
  if (acknowledged && Date.parse(acknowledged.until) > Date.now())
    return { role: "moving", word: t.withWhom(acknowledged.by) }
  return { role: "needs", word: t.levels[level] ?? t.levels[0] }
}
