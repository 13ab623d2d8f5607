import { useRef } from "react"
import type { Page as Items } from "../../api/answers.ts"
import type { Channel, ShownRow } from "../../api/channel-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { Choice, Filters, ListFoot, NewRows } from "../../list/around.tsx"
import { List } from "../../list/list.tsx"
import { useList, useSelection } from "../../list/use-list.ts"
import { Empty } from "../../parts/failed.tsx"
import { copies } from "../../parts/menu.tsx"
import { Loaded, Page } from "../../parts/page.tsx"
import { useFilters, useGo, usePart } from "../../routes/navigation.ts"
import { paths, type ShownFilters } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { PlanActs } from "../operations/plan.tsx"
import { columns } from "./columns.tsx"
import { freshnessText } from "./section.tsx"

const t = en.channels
const keyOf = ({ locationId, sku }: ShownRow) => `${locationId}/${sku}`
const skuOf = (key: string) => key.slice(key.indexOf("/") + 1)

const states = ["drifted", "held", "refused", "unmapped", "unknown", "stale", "withdrawing", "due", "live", "gone"].map(
  (state) => [state, state] as const,
)
/** States in which rows can be chosen for an operation. */
const actable = new Set(["drifted", "held", "refused", "unmapped", "live", "gone"])

/** The stock that a channel shows: a row for each article and place, with its cause, and the acts on many rows. */
export function ChannelScreen() {
  const go = useGo()
  const channel = usePart("name")
  const { state, sku } = useFilters()
  const set = (change: ShownFilters) => go(paths.channel(channel, { state, sku, ...change }))
  const path = `/v1/channels/${encodeURIComponent(channel)}/published`
  const list = useList<ShownRow>(path, { state, sku }, { keyOf })
  const selection = useSelection()
  const isFiltered = state !== undefined || sku !== undefined
  const menuOf = (row: ShownRow) => [
    { name: en.stock.title, act: () => go(paths.stock({ sku: row.sku })) },
    ...(row.exceptionId === null ? [] : [{ name: t.exception, act: () => go(paths.exception(row.exceptionId ?? "")) }]),
    ...copies(paths.channel(channel, { sku: row.sku }), row.sku),
  ]
  return (
    <Page title={channel} reading={list.reading}>
      <Standing channel={channel} />
      <Filters onClear={isFiltered ? () => go(paths.channel(channel)) : undefined}>
        <Choice name={t.state} value={state} choices={states} onChange={(value) => set({ state: value })} />
        <SkuField sku={sku} onAsk={(value) => set({ sku: value })} />
        <NewRows count={list.newCount} onShow={list.showNew} />
      </Filters>
      <Acts channel={channel} state={state} chosen={[...new Set([...selection.chosen].map(skuOf))]} />
      <Loaded reading={list.reading} lines={8}>
        {() =>
          list.rows.length === 0 ? (
            <Empty {...(isFiltered ? en.empty.noneMatch : en.empty.noneYet)} />
          ) : (
            <>
              <List
                name={t.section}
                rows={list.rows}
                columns={columns}
                keyOf={keyOf}
                nameOf={({ sku: one, locationId }) => `${one} ${locationId}`}
                goneKeys={list.goneKeys}
                selection={selection}
                menuOf={menuOf}
                hasKeys
              />
              <ListFoot list={list} />
            </>
          )
        }
      </Loaded>
    </Page>
  )
}

/** How fresh the channel is, in a sentence. */
function Standing({ channel }: { channel: string }) {
  const { data } = useApi<Items<Channel>>("/v1/channels")
  const found = data?.items.find((one) => one.channel === channel)
  if (!found) return null
  return (
    <p className="dim">
      {found.dryRun ? `${t.dryRun}. ` : ""}
      {t.freshness}: {freshnessText(found)}.
    </p>
  )
}

function SkuField({ sku = "", onAsk }: { sku?: string | undefined; onAsk: (sku: string | undefined) => void }) {
  const field = useRef<HTMLInputElement>(null)
  return (
    <form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault()
        onAsk(field.current?.value.trim() || undefined)
      }}
    >
      <label className="choice">
        <span>{t.sku}</span>
        <input key={sku} ref={field} type="search" defaultValue={sku} autoComplete="off" size={16} />
      </label>
      <button type="submit" className="button">
        {t.lookUp}
      </button>
    </form>
  )
}

function Acts({ channel, state, chosen }: { channel: string; state: string | undefined; chosen: readonly string[] }) {
  if (chosen.length > 0) return <PlanActs says={en.plan.onChosen(chosen.length)} preset={{ channel, skus: chosen }} />
  if (state !== undefined && actable.has(state)) return <PlanActs says={t.inState(state)} preset={{ channel, state }} />
  return <p className="dim">{t.chooseFirst}</p>
}
