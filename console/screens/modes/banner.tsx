import type { Page as Items } from "../../api/answers.ts"
import type { Mode } from "../../api/mode-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { isUnderWay, modeState } from "./state.ts"
import { StateIcon } from "../../parts/icon.tsx"
import { Link } from "../../parts/link.tsx"
import { When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.modes

/** The modes that are entered: what goes on and what waits, and since when. Nothing while all is normal. */
export function ModesUnderWay() {
  const { data } = useApi<Items<Mode>>("/v1/modes")
  return (data?.items ?? []).filter(isUnderWay).map((mode) => <UnderWay key={mode.name} mode={mode} />)
}

function UnderWay({ mode }: { mode: Mode }) {
  const { name, since, waiting, accepts, defers } = mode
  const { role, word } = modeState(mode)
  return (
    <div className={`headline mode ${role}`}>
      <StateIcon role={role} />
      <div>
        <p className="headline-title">
          <Link to={paths.mode(name)}>{name}</Link>: {word}, <When at={since} isShort />
        </p>
        <p>
          {t.goesOn}: {accepts.join("; ")}. {t.waits}: {defers.join("; ")}. {t.now(waiting)}.
        </p>
      </div>
    </div>
  )
}
