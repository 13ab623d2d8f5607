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

/** The page's own buttons by their texts, without those that are switched off. A row's buttons are left to the row. */
function buttonsOfPage(): Map<string, HTMLButtonElement> {
  const buttons = new Map<string, HTMLButtonElement>()
  for (const button of document.querySelectorAll<HTMLButtonElement>("main button.button")) {
    const name = (button.textContent ?? "").trim() || (button.getAttribute("aria-label") ?? "")
    const isOff = button.disabled || button.getAttribute("aria-disabled") === "true"
    if (name === "" || isOff || buttons.has(name) || !button.checkVisibility() || button.closest("li, tr, [role=row]"))
      continue
    buttons.set(name, button)
  }
  return buttons
}

/** The page may have been drawn anew since it was looked at, so a button is looked for again. */
function actsOfPage(): Command[] {
  return [...buttonsOfPage().keys()].map((name) => ({ name, act: () => buttonsOfPage().get(name)?.click() }))
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
