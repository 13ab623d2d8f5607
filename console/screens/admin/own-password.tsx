import { useState } from "react"
import { change } from "../../api/client.ts"
import { Failed } from "../../parts/failed.tsx"
import { Section } from "../../parts/page.tsx"
import { useAct } from "../../parts/use-act.ts"
import { en } from "../../texts/en.ts"

const t = en.admin
const lengthMin = 12

/** Chooses the password of whoever is signed in. */
export function OwnPassword() {
  const [password, setPassword] = useState("")
  const [isSet, setSet] = useState(false)
  const { error, run } = useAct()
  const isReady = password.length >= lengthMin
  const set = async () => {
    setSet(false)
    await change("PUT", "/v1/me/password", { body: { password } })
    setPassword("")
    setSet(true)
  }
  return (
    <Section title={t.password}>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) void run(set)
        }}
      >
        <label className="choice">
          <span>{en.signIn.password}</span>
          <input
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={({ target }) => setPassword(target.value)}
          />
        </label>
        <button type="submit" className="button" aria-disabled={!isReady}>
          {t.passwordSet}
        </button>
      </form>
      <p className="dim" role="status">
        {isSet ? t.passwordIsSet : t.passwordDoes}
      </p>
      {error && <Failed error={error} isAct />}
    </Section>
  )
}
