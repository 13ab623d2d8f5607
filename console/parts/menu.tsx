import { Menu as AriaMenu, MenuItem, Popover } from "react-aria-components"
import { basePath } from "../routes/paths.ts"
import { en } from "../texts/en.ts"

export interface MenuEntry {
  name: string
  act: () => void
}

/** What every row's menu ends with. */
export function copies(path: string, id: string): MenuEntry[] {
  const copy = (text: string) => void navigator.clipboard.writeText(text)
  return [
    { name: en.list.copyLink, act: () => copy(`${location.origin}${basePath}${path}`) },
    { name: en.list.copyId, act: () => copy(id) },
  ]
}

/** The one menu of a list, at the button that opened it. */
export function RowMenu({
  anchor,
  name,
  entries,
  onClose,
}: {
  anchor: Element
  name: string
  entries: readonly MenuEntry[]
  onClose: () => void
}) {
  return (
    <Popover
      className="popover"
      aria-label={name}
      triggerRef={{ current: anchor }}
      isOpen
      onOpenChange={(isOpen) => !isOpen && onClose()}
      placement="bottom end"
    >
      <AriaMenu aria-label={name} autoFocus="first" onClose={onClose} className="row-menu">
        {entries.map(({ name: entry, act }) => (
          <MenuItem key={entry} className="row-menu-item" onAction={act}>
            {entry}
          </MenuItem>
        ))}
      </AriaMenu>
    </Popover>
  )
}
