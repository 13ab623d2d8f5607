import { AppError } from "../../base/errors.ts"
import { instant, parseInstant, systemClock } from "../../base/time.ts"

/** A moment, or how long ago: `7d`, `12h`, `2026-11-20`. */
export function momentOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const ago = /^(\d{1,4})([hdw])$/.exec(text)
  const hours = { h: 1, d: 24, w: 168 }
  if (ago) return instant(systemClock.now() - Number(ago[1]) * hours[ago[2] as keyof typeof hours] * 3_600_000)
  const moment = parseInstant(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
  if (moment === undefined)
    throw new AppError("REQUEST_INVALID", `"${text}" is no moment: 7d, 12h, 2026-11-20 or 2026-11-20T08:00:00Z`)
  return moment
}
