import { useEffect, useRef, useState } from "react"
import { ApiError } from "../../api/client.ts"
import { signIn } from "../../api/session.ts"
import { queryClient } from "../../api/use-api.ts"
import { Failed } from "../../parts/failed.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.signIn

/** By the one-time link (its token stands behind the `#`, which no server sees), or by name and password. */
export function SignInScreen() {
  const go = useGo()
  const { next } = useFilters()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const [isByLink, setByLink] = useState(() => tokenOf(location.hash) !== undefined)
  const isTried = useRef(false)

  const enter = async (credentials: Parameters<typeof signIn>[0]) => {
    setBusy(true)
    setError(undefined)
    try {
      await signIn(credentials)
      queryClient.clear()
      // Only to a page of ours, whatever the address says.
      go(next?.startsWith("/") && !next.startsWith("//") ? next : paths.today(), { isReplaced: true })
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)))
      setByLink(false)
      setBusy(false)
    }
  }

  useEffect(() => {
    document.title = `${t.title} · ${en.product}`
    const token = tokenOf(location.hash)
    if (token === undefined || isTried.current) return
    isTried.current = true
    history.replaceState(history.state, "", location.pathname + location.search)
    void enter({ token })
  })

  return (
    <main className="sign-in">
      <p className="wordmark">{en.product}</p>
      <h1 tabIndex={-1}>{isByLink ? t.byLink : t.title}</h1>
      {!isByLink && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            const fields = new FormData(event.currentTarget)
            if (!isBusy) void enter({ name: textOf(fields, "name"), password: textOf(fields, "password") })
          }}
        >
          <label className="field">
            <span>{t.name}</span>
            <input
              name="name"
              type="text"
              autoComplete="username"
              required
              autoFocus
              autoCapitalize="none"
              spellCheck={false}
            />
          </label>
          <label className="field">
            <span>{t.password}</span>
            <input name="password" type="password" autoComplete="current-password" required />
          </label>
          {error && <SignInFailed error={error} wasLink={isTried.current} />}
          <button type="submit" className="button primary" aria-disabled={isBusy}>
            {t.submit}
          </button>
        </form>
      )}
      <p className="dim">{t.help}</p>
    </main>
  )
}

function SignInFailed({ error, wasLink }: { error: Error; wasLink: boolean }) {
  if (!(error instanceof ApiError) || error.status !== 401) return <Failed error={error} />
  return (
    <p className="wrong" role="alert">
      {wasLink ? t.linkFailed : t.failed}
    </p>
  )
}

function tokenOf(hash: string): string | undefined {
  return new URLSearchParams(hash.slice(1)).get("token") ?? undefined
}

function textOf(fields: FormData, name: string): string {
  const value = fields.get(name)
  return typeof value === "string" ? value : ""
}
