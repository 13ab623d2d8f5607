import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { cut } from "../../../base/text.ts"
import { epochMs } from "../../../base/time.ts"
import { entity, InstantText } from "../../../canonical/parts.ts"
import { ref } from "../../../canonical/refs.ts"
import type { IncomingDelivery, ReplayWindow } from "../../../eventlog/deliveries/stored-deliveries.ts"
import type { WouldTell } from "../../../eventlog/inbox.ts"
import { done, skipped, type BulkKind, type Member, type Preview } from "../kind.ts"
import { assertNotTooMany } from "./cases.ts"

const Spec = entity("Replay", {
  connection: Type.String({
    minLength: 1,
    maxLength: 64,
    description: "whose deliveries; `api:` and a consumer for those of the API",
  }),
  from: Type.Unsafe<string>({ ...InstantText, description: "taken in from this moment on" }),
  to: Type.Unsafe<string>({ ...InstantText, description: "and before this one" }),
  topic: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: "only of this kind, as its sender calls it" }),
  ),
  state: Type.Optional(
    Type.Enum(["parked", "translated", "duplicate", "ignored"], { description: "only those in this state" }),
  ),
  only: Type.Optional(
    Type.Enum(["all", "with news"], {
      default: "all",
      description: "all of the window, or those that would tell something new",
    }),
  ),
})

interface Replay extends ReplayWindow {
  only?: "all" | "with news"
}

interface ReplayParts {
  inbox: {
    wouldTell(rows: readonly { inboxId: number; delivery: IncomingDelivery }[]): Promise<readonly WouldTell[]>
    /** Undefined when it is gone. */
    replay(inboxId: number): Promise<string | undefined>
  }
  /** Deliveries of a window, from the one after `after`. */
  read(
    window: ReplayWindow,
    page: { after: number; limit: number },
  ): Promise<readonly { inboxId: number; delivery: IncomingDelivery }[]>
}

/** Each is translated for the preview. */
const deliveriesMax = 5000
const pageSize = 200

/**
 * Takes the deliveries of a time window again, by the mapping of today. A fact that is known is never told twice, so the preview can say
 * of each delivery what it would add. A delivery of many records is taken whole.
 */
export function replayWindow(parts: ReplayParts): BulkKind<Replay> {
  return {
    name: "replay",
    does: "takes the deliveries of a time window again; what is known already changes nothing",
    schema: Spec,
    scope: "operations:replay",
    async preview(spec, { channels }) {
      if (channels && !channels.includes(spec.connection))
        throw new AppError("PERMISSION_MISSING", `you may see only deliveries of ${channels.join(", ")}`)
      if (epochMs(spec.from) >= epochMs(spec.to))
        throw new AppError("REQUEST_INVALID", "the window ends before it begins", {
          problems: [{ pointer: "/spec/to", message: "must be later than `from`" }],
        })
      return dryRun(parts, spec)
    },
    async carryOut({ id }) {
      const state = await parts.inbox.replay(Number(id.slice(id.indexOf("/") + 1)))
      return state === undefined ? skipped("retention has removed it") : done
    },
  }
}

async function dryRun({ inbox, read }: ReplayParts, { only = "all", ...window }: Replay): Promise<Preview> {
  const members: Member[] = []
  const refused: Preview["refused"] = []
  const sums = { all: 0, withNews: 0, fresh: 0, known: 0, parked: 0 }
  for (let after = 0; ;) {
    const page = await read(window, { after, limit: pageSize })
    const told = await inbox.wouldTell(page)
    for (const [n, { inboxId, delivery }] of page.entries()) {
      const { isParked, known, fresh, reason } = told[n] ?? { isParked: false, known: 0, fresh: 0 }
      const id = ref("inbox", String(inboxId))
      sums.all += 1
      sums.fresh += fresh
      sums.known += known
      sums.withNews += fresh > 0 ? 1 : 0
      sums.parked += isParked ? 1 : 0
      if (isParked && fresh === 0) refused.push({ id, why: cut(reason ?? "it cannot be understood", 300) })
      else if (only === "all" || fresh > 0)
        members.push({
          id,
          about: `${delivery.topic || delivery.via} of ${delivery.receivedAt}; facts: ${fresh} new, ${known} known`,
        })
    }
    assertNotTooMany(sums.all, deliveriesMax)
    if (page.length < pageSize) return { members, refused, says: saidOf(sums) }
    after = page.at(-1)?.inboxId ?? after
  }
}

function saidOf({ all, withNews, fresh, known, parked }: Record<string, number>): string[] {
  return [
    `${all} deliveries in the window: ${withNews} would tell ${fresh} new facts; ${known} facts are known and change nothing.`,
    ...(parked === 0 ? [] : [`${parked} cannot be understood by the mapping of today, or not all of them.`]),
  ]
}
