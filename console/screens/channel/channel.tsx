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
import { columns, whereOf } from "./columns.tsx"
import { freshnessText } from "./section.tsx"

const t = en.channels
const keyOf = (row: ShownRow) => `${row.aspect}:${whereOf(row)}/${row.sku}`
const skuOf = (key: string) => key.slice(key.indexOf("/") + 1)
const aspects = [
  ["stock", t.stock],
  ["price", t.price],
  ["product", t.product],
] as const

const states = [
  "drifted",
  "held",
  "refused",
  "unmapped",
  "derived",
  "unknown",
  "stale",
  "withdrawing",
  "due",
  "live",
  "gone",
].map((state) => [state, state] as const)
/** States in which rows can be chosen for an operation. */
const actable = new Set(["drifted", "held", "refused", "unmapped", "derived", "live", "gone"])

/** What a channel shows: a row for each article and place, market or field, with its cause, and the acts on many rows. */
export function ChannelScreen() {
  const go = useGo()
  const channel = usePart("name")
  const { state, sku, aspect } = useFilters()
  const set = (change: ShownFilters) => go(paths.channel(channel, { state, sku, aspect, ...change }))
  const path = `/v1/channels/${encodeURIComponent(channel)}/published`
  const list = useList<ShownRow>(path, { state, sku, aspect }, { keyOf })
  const selection = useSelection()
  const isFiltered = state !== undefined || sku !== undefined || aspect !== undefined
  const menuOf = (row: ShownRow) => [
    { name: en.stock.title, act: () => go(paths.stock({ sku: row.sku })) },
    ...(row.exceptionId === null ? [] : [{ name: t.exception, act: () => go(paths.exception(row.exceptionId ?? "")) }]),
    ...copies(paths.channel(channel, { sku: row.sku }), row.sku),
  ]
  return (
    <Page title={channel} reading={list.reading}>
      <Standing channel={channel} />
      <Filters onClear={isFiltered ? () => go(paths.channel(channel)) : undefined}>
        <Choice name={t.aspect} value={aspect} choices={aspects} onChange={(value) => set({ aspect: value })} />
        <Choice name={t.state} value={state} choices={states} onChange={(value) => set({ state: value })} />
        <SkuField sku={sku} onAsk={(value) => set({ sku: value })} />
        <NewRows count={list.newCount} onShow={list.showNew} />
      </Filters>
      <Acts channel={channel} aspect={aspect} state={state} chosen={[...new Set([...selection.chosen].map(skuOf))]} />
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
                nameOf={(row) => `${row.sku} ${whereOf(row)}`}
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
  const found = data?.items.filter((one) => one.channel === channel) ?? []
  if (found.length === 0) return null
  const said = found.map((one) => `${t.aspects[one.aspect] ?? one.aspect} ${freshnessText(one)}`)
  return (
    <p className="dim">
      {found.some(({ dryRun }) => dryRun) ? `${t.dryRun}. ` : ""}
      {t.freshness}: {said.join("; ")}.
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

interface Acted {
  channel: string
  aspect: string | undefined
  state: string | undefined
  chosen: readonly string[]
}

/** An operation is about one aspect; without a choice about stock. */
function Acts({ channel, aspect, state, chosen }: Acted) {
  const of = aspect === undefined || aspect === "stock" ? { channel } : { channel, aspect }
  if (chosen.length > 0) return <PlanActs says={en.plan.onChosen(chosen.length)} preset={{ ...of, skus: chosen }} />
  if (state !== undefined && actable.has(state)) return <PlanActs says={t.inState(state)} preset={{ ...of, state }} />
  return <p className="dim">{t.chooseFirst}</p>
}
