import { memo, useCallback, useMemo, useRef, useState, type ReactNode } from "react"
import { useKeys } from "../app/keys.ts"
import { Icon } from "../parts/icon.tsx"
import { RowMenu, type MenuEntry } from "../parts/menu.tsx"
import { en } from "../texts/en.ts"
import { useIsNarrow } from "./is-narrow.ts"
import { focusRow, toggleFocusedRow } from "./row-focus.ts"

export interface Column<Row> {
  /** A word, or a word with what it is counted in: "Total (EUR)". */
  head: string
  cell: (row: Row) => ReactNode
  isNumber?: boolean
  /** Takes the room that is left, and is cut where there is none. */
  isWide?: boolean
  /** Where it stands on a card of a phone. Default: a line with its head. */
  onCard?: "title" | "aside" | "text" | "none"
}

export interface Selection {
  chosen: ReadonlySet<string>
  toggle: (key: string) => void
}

interface ListProps<Row> {
  /** What a reader of the screen hears: "Exceptions". */
  name: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  keyOf: (row: Row) => string
  /** What a row is called beside its box and menu. */
  nameOf?: (row: Row) => string
  goneKeys?: ReadonlySet<string>
  selection?: Selection
  menuOf?: (row: Row) => MenuEntry[]
  /** Short lists beside others have no keys of their own. */
  hasKeys?: boolean
}

/** Rows as a table, or as cards where it is narrow. `j` and `k` walk, Enter opens, `x` selects. */
export function List<Row>(props: ListProps<Row>) {
  const { rows, keyOf, menuOf, nameOf = keyOf, hasKeys = false } = props
  const isNarrow = useIsNarrow()
  const place = useRef<HTMLDivElement>(null)
  const [opened, setOpened] = useState<{ anchor: Element; key: string }>()
  const openMenu = useCallback((anchor: Element, key: string) => setOpened({ anchor, key }), [])
  const keys = useMemo(
    () => ({
      j: () => focusRow(place.current, 1),
      k: () => focusRow(place.current, -1),
      x: () => toggleFocusedRow(place.current),
    }),
    [],
  )
  const openedRow = opened && rows.find((row) => keyOf(row) === opened.key)
  const Shape = isNarrow ? Cards : Table
  return (
    <div className="list" ref={place}>
      {hasKeys && <ListKeys keys={keys} />}
      <Shape {...(props as ListProps<unknown>)} openMenu={openMenu} />
      {opened && openedRow !== undefined && menuOf && (
        <RowMenu
          anchor={opened.anchor}
          name={en.list.openMenu(nameOf(openedRow))}
          entries={menuOf(openedRow)}
          onClose={() => setOpened(undefined)}
        />
      )}
    </div>
  )
}

function ListKeys({ keys }: { keys: Readonly<Record<string, () => void>> }) {
  useKeys(keys)
  return null
}

type ShapeProps = ListProps<unknown> & { openMenu: (anchor: Element, key: string) => void }

function Table({ name, rows, columns, keyOf, nameOf = keyOf, goneKeys, selection, menuOf, openMenu }: ShapeProps) {
  return (
    <table aria-label={name}>
      <thead>
        <tr>
          {selection && (
            <th className="box">
              <span className="unseen">{en.list.select(name)}</span>
            </th>
          )}
          {columns.map(({ head, isNumber, isWide }) => (
            <th key={head} className={classOf({ isNumber, isWide })} scope="col">
              {head}
            </th>
          ))}
          {menuOf && (
            <th className="box">
              <span className="unseen">{en.list.openMenu(name)}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <TableRow
            key={keyOf(row)}
            {...{ row, columns, openMenu }}
            rowKey={keyOf(row)}
            name={nameOf(row)}
            isGone={goneKeys?.has(keyOf(row)) ?? false}
            isChosen={selection?.chosen.has(keyOf(row)) ?? false}
            toggle={selection?.toggle}
            hasMenu={menuOf !== undefined}
          />
        ))}
      </tbody>
    </table>
  )
}

interface RowProps {
  row: unknown
  rowKey: string
  name: string
  columns: readonly Column<unknown>[]
  isGone: boolean
  isChosen: boolean
  toggle: ((key: string) => void) | undefined
  hasMenu: boolean
  openMenu: (anchor: Element, key: string) => void
}

const TableRow = memo(function TableRow(props: RowProps) {
  const { row, columns, isGone, isChosen, toggle, hasMenu } = props
  return (
    <tr data-row className={rowClass(isGone, isChosen)} title={isGone ? en.list.gone : undefined}>
      {toggle && (
        <td className="box">
          <Box {...props} toggle={toggle} />
        </td>
      )}
      {columns.map(({ head, cell, isNumber, isWide }) => (
        <td key={head} className={classOf({ isNumber, isWide })}>
          {cell(row)}
        </td>
      ))}
      {hasMenu && (
        <td className="box">
          <MenuButton {...props} />
        </td>
      )}
    </tr>
  )
})

function Cards({ name, rows, columns, keyOf, nameOf = keyOf, goneKeys, selection, menuOf, openMenu }: ShapeProps) {
  return (
    <ul className="cards" aria-label={name}>
      {rows.map((row) => (
        <Card
          key={keyOf(row)}
          {...{ row, columns, openMenu }}
          rowKey={keyOf(row)}
          name={nameOf(row)}
          isGone={goneKeys?.has(keyOf(row)) ?? false}
          isChosen={selection?.chosen.has(keyOf(row)) ?? false}
          toggle={undefined}
          hasMenu={menuOf !== undefined}
        />
      ))}
    </ul>
  )
}

const Card = memo(function Card(props: RowProps) {
  const { row, columns, isGone, isChosen, hasMenu } = props
  const at = (place: Column<unknown>["onCard"]) => columns.filter((column) => column.onCard === place)
  return (
    <li data-row className={`card ${rowClass(isGone, isChosen)}`}>
      <div className="card-head">
        <span className="card-title">
          {at("title").map(({ head, cell }) => (
            <span key={head}>{cell(row)}</span>
          ))}
        </span>
        <span className="card-aside">
          {at("aside").map(({ head, cell }) => (
            <span key={head}>{cell(row)}</span>
          ))}
        </span>
        {hasMenu && <MenuButton {...props} />}
      </div>
      {at("text").map(({ head, cell }) => (
        <div key={head} className="card-text">
          {cell(row)}
        </div>
      ))}
      {at(undefined).length > 0 && (
        <dl>
          {at(undefined).map(({ head, cell }) => (
            <div key={head}>
              <dt>{head}</dt>
              <dd>{cell(row)}</dd>
            </div>
          ))}
        </dl>
      )}
      {isGone && <p className="dim">{en.list.gone}</p>}
    </li>
  )
})

function Box({ rowKey, name, isChosen, toggle }: RowProps & { toggle: (key: string) => void }) {
  return (
    <label className="box-target">
      <input type="checkbox" checked={isChosen} onChange={() => toggle(rowKey)} aria-label={en.list.select(name)} />
    </label>
  )
}

function MenuButton({ rowKey, name, openMenu }: RowProps) {
  return (
    <button
      type="button"
      className="button quiet square row-menu-button"
      aria-haspopup="menu"
      aria-label={en.list.openMenu(name)}
      onClick={({ currentTarget }) => openMenu(currentTarget, rowKey)}
    >
      <Icon name="more" />
    </button>
  )
}

const rowClass = (isGone: boolean, isChosen: boolean) => `${isGone ? "gone" : ""}${isChosen ? " chosen" : ""}`

function classOf({ isNumber, isWide }: { isNumber: boolean | undefined; isWide: boolean | undefined }) {
  return isNumber ? "number" : isWide ? "wide" : undefined
}
