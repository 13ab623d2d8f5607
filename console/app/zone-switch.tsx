import { useMe } from "../api/session.ts"
import { changeSettings, useSettings, type ZoneChoice } from "../format/settings.ts"
import { en } from "../texts/en.ts"

const choices: readonly ZoneChoice[] = ["store", "mine", "utc"]

/** In which zone every time of the page is shown. */
export function ZoneSwitch() {
  const { zone } = useSettings()
  const me = useMe()
  const hint = zone === "store" && me.data && me.data.storeTimeZone === undefined ? en.time.noStoreZone : undefined
  return (
    <label className="zone" title={hint}>
      <span>{en.time.zone}</span>
      <select value={zone} onChange={({ target }) => changeSettings({ zone: target.value as ZoneChoice })}>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {en.time[choice]}
          </option>
        ))}
      </select>
    </label>
  )
}
