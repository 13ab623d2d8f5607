import { AppError } from "../../../base/errors.ts"
import { ChannelId, entity, Sku } from "../../../canonical/parts.ts"
import type { ExceptionDesk } from "../../exceptions/desk.ts"
import { decideOne, sortOut } from "./cases.ts"
import { done, type BulkKind } from "../kind.ts"

const Spec = entity("Map article", { channel: ChannelId, article: Sku, sku: Sku })

interface MapArticle {
  channel: string
  article: string
  sku: string
}

interface MappingParts {
  desk: ExceptionDesk
  articles: {
    /** STOCK_UNKNOWN with candidates when the stock does not know the SKU. */
    assertKnown(sku: string): Promise<void>
    set(mapping: MapArticle & { by: string; reason: string }): Promise<void>
  }
  /** Which open cases the mapping answers. */
  answers(spec: MapArticle): readonly { cause: string; sku: string; channels?: readonly string[] }[]
}

/** Says what an article of a system is, and lets every order go on that waits for it. */
export function mapArticle({ desk, articles, answers }: MappingParts): BulkKind<MapArticle> {
  return {
    name: "map article",
    does: "says which SKU an article of a channel or a system is; every order that waits for it goes on",
    schema: Spec,
    async preview(spec, { channels }) {
      if (channels)
        throw new AppError("PERMISSION_MISSING", "a mapping counts for all channels; you are limited to some")
      await articles.assertKnown(spec.sku)
      return sortOut(waitingFor(desk, answers(spec)), "retry")
    },
    prepare: (spec, { by, reason }) => articles.set({ ...spec, by, reason }),
    async carryOut({ id }, _spec, act) {
      // The workflow itself may have heard of the mapping first.
      if ((await desk.find(id))?.decision?.action === "retry") return done
      return decideOne(desk, id, { ...act, action: "retry" })
    },
  }
}

async function* waitingFor(desk: ExceptionDesk, cases: ReturnType<MappingParts["answers"]>) {
  for (const filter of cases) yield* desk.all({ ...filter, state: "open" })
}
