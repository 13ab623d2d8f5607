import { useState } from "react"
import type { Operation } from "../../api/answers.ts"
import { change } from "../../api/client.ts"
import { useRight } from "../../api/session.ts"
import { queryClient } from "../../api/use-api.ts"
import { Failed } from "../../parts/failed.tsx"
import { en } from "../../texts/en.ts"

const t = en.operations
type Verb = "run" | "approval" | "pause" | "stop"

const verbs: Readonly<Record<Operation["state"], readonly Verb[]>> = {
  previewed: ["run", "stop"],
  "waiting for approval": ["approval", "stop"],
  running: ["pause", "stop"],
  paused: ["run", "stop"],
  stopped: [],
  done: [],
}

/** What may be done with an operation in its state. To run or approve it names the preview that is on the screen. */
export function OperationActs({ operation, isStale }: { operation: Operation; isStale: boolean }) {
  const [error, setError] = useState<Error>()
  const [running, approving] = [useRight("decide exceptions"), useRight("approve operations")]
  const act = async (verb: Verb) => {
    setError(undefined)
    const isSeen = verb === "run" || verb === "approval"
    try {
      await change(
        "POST",
        `/v1/operations/${encodeURIComponent(operation.id)}/${verb}`,
        isSeen ? { body: { hash: operation.hash } } : {},
      )
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)))
    }
    await queryClient.invalidateQueries()
  }
  const rightOf = (verb: Verb) => (verb === "approval" ? approving : running)
  const reasons = new Set(verbs[operation.state].flatMap((verb) => rightOf(verb).reason ?? []))
  return (
    <>
      <div className="group-acts">
        {verbs[operation.state].map((verb) => (
          <button
            key={verb}
            type="button"
            className={verb === "run" || verb === "approval" ? "button primary" : "button"}
            disabled={isStale || !rightOf(verb).isAllowed}
            onClick={() => void act(verb)}
          >
            {t.verbs[verb]}
          </button>
        ))}
        {isStale ? <span className="why-off">{en.stale.actsOff}</span> : null}
        {[...reasons].map((reason) => (
          <span key={reason} className="why-off">
            {reason}
          </span>
        ))}
      </div>
      {error && <Failed error={error} isAct />}
    </>
  )
}
