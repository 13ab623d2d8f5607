import { useEffect, useState, type ReactNode } from "react"
import { Icon } from "../parts/icon.tsx"
import { en } from "../texts/en.ts"

/** The filters of a list, and a way out of them. */
export function Filters({ children, onClear }: { children: ReactNode; onClear?: (() => void) | undefined }) {
  return (
    <div className="filters" role="group" aria-label={en.list.filters}>
      {children}
      {onClear && (
        <button type="button" className="button quiet" onClick={onClear}>
          {en.list.clearFilters}
        </button>
      )}
    </div>
  )
}

interface ChoiceProps {
  name: string
  value: string | undefined
  /** Values of the address, with what they are called. */
  choices: readonly (readonly [string, string])[]
  onChange: (value: string | undefined) => void
  /** Without it, "any" is one of the choices. */
  isAlwaysSet?: boolean
}

export function Choice({ name, value, choices, onChange, isAlwaysSet = false }: ChoiceProps) {
  const isKnown = value === undefined || choices.some(([one]) => one === value)
  return (
    <label className={value !== undefined && !isAlwaysSet ? "choice set" : "choice"}>
      <span>{name}</span>
      <select value={value ?? ""} onChange={({ target }) => onChange(target.value === "" ? undefined : target.value)}>
        {!isAlwaysSet && <option value="">{en.list.any}</option>}
        {!isKnown && <option value={value}>{value}</option>}
        {choices.map(([one, called]) => (
          <option key={one} value={one}>
            {called}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Rows that came since the list was drawn. They show when somebody asks. */
export function NewRows({ count, onShow }: { count: number; onShow: () => void }) {
  return (
    <div className="new-rows" aria-live="polite">
      {count > 0 && (
        <button type="button" className="button" onClick={onShow}>
          {en.list.fresh(count)}
        </button>
      )}
    </div>
  )
}

interface ListFootProps {
  /** As `useList` gives it. */
  list: { rows: readonly unknown[]; hasMore: boolean; isLoadingMore: boolean; loadMore: () => void }
  /** Saves the rows that are shown. */
  onCsv?: () => void
}

/** How much of a list is shown, and more of it. */
export function ListFoot({ list: { rows, hasMore, isLoadingMore, loadMore }, onCsv }: ListFootProps) {
  return (
    <div className="list-foot">
      <span className="dim">{hasMore ? en.list.shownOf(rows.length) : en.list.allShown(rows.length)}</span>
      {hasMore && (
        <button type="button" className="button" onClick={loadMore} aria-disabled={isLoadingMore}>
          {isLoadingMore ? en.list.loading : en.list.more}
        </button>
      )}
      {onCsv && (
        <button type="button" className="button quiet" onClick={onCsv} title={en.list.csvDoes}>
          {en.list.csv}
        </button>
      )}
    </div>
  )
}

/** What is chosen, and what can be done with it. */
export function SelectionBar({ ids, onClear }: { ids: readonly string[]; onClear: () => void }) {
  return (
    <div className="selection" role="status">
      {ids.length > 0 && (
        <>
          <strong>{en.list.selected(ids.length)}</strong>
          <CopyButton text={ids.join("\n")} name={en.list.copyIds} />
          <button type="button" className="button quiet" onClick={onClear}>
            {en.list.clear}
          </button>
        </>
      )}
    </div>
  )
}

const saidForMs = 1500

export function CopyButton({ text, name, isSquare = false }: { text: string; name: string; isSquare?: boolean }) {
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), saidForMs)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = () => void navigator.clipboard.writeText(text).then(() => setCopied(true))
  return (
    <button type="button" className={`button quiet${isSquare ? " square" : ""}`} onClick={copy} title={name}>
      <Icon name="copy" />
      <span className={isSquare ? "unseen" : undefined} aria-live="polite">
        {isCopied ? en.list.copied : name}
      </span>
    </button>
  )
}
