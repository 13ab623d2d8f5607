import { useState } from "react"
import { Autocomplete, Input, Menu, MenuItem, MenuSection, Header, SearchField } from "react-aria-components"
import { Dialog } from "../parts/dialog.tsx"
import { useGo } from "../routes/navigation.ts"
import { paths } from "../routes/paths.ts"
import { en } from "../texts/en.ts"
import { places } from "./places.ts"

const t = en.commands

interface Command {
  name: string
  act: () => void
}

/** What the buttons of the page do that is open, by what stands on them; those of single rows belong to their rows. */
function actsOfPage(): Command[] {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("main button.button")]
  const seen = new Set<string>()
  return buttons.flatMap((button) => {
    const name = (button.textContent ?? "").trim() || (button.getAttribute("aria-label") ?? "")
    const isOff = button.disabled || button.getAttribute("aria-disabled") === "true"
    if (name === "" || isOff || seen.has(name) || !button.checkVisibility() || button.closest("li, tr, [role=row]"))
      return []
    seen.add(name)
    return [{ name, act: () => button.click() }]
  })
}

/** Every place and every act of the page by typing a part of its name; anything else is looked for. */
export function Commands({ onClose }: { onClose: () => void }) {
  const go = useGo()
  const [text, setText] = useState("")
  const [acts] = useState(actsOfPage)
  const fits = ({ name }: Command) => name.toLowerCase().includes(text.trim().toLowerCase())
  const find = text.trim() === "" ? [] : [{ name: t.find(text.trim()), act: () => go(paths.find(text.trim())) }]
  const sections = [
    { name: t.onPage, commands: acts.filter(fits) },
    { name: t.goTo, commands: places.map(({ name, path }) => ({ name, act: () => go(path) })).filter(fits) },
    { name: t.search, commands: find },
  ].filter(({ commands }) => commands.length > 0)
  const choose = ({ act }: Command) => {
    onClose()
    // The dialog gives the focus back first: what the act opens must have it.
    setTimeout(act)
  }
  return (
    <Dialog title={t.title} onClose={onClose}>
      <Autocomplete inputValue={text} onInputChange={setText}>
        <SearchField aria-label={t.hint} autoFocus className="commands-field">
          <Input placeholder={t.hint} spellCheck={false} />
        </SearchField>
        <Menu aria-label={t.title} className="commands">
          {sections.map(({ name, commands }) => (
            <MenuSection key={name}>
              <Header>{name}</Header>
              {commands.map((command) => (
                <MenuItem key={command.name} className="row-menu-item" onAction={() => choose(command)}>
                  {command.name}
                </MenuItem>
              ))}
            </MenuSection>
          ))}
        </Menu>
      </Autocomplete>
    </Dialog>
  )
}
