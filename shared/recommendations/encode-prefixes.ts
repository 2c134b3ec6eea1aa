// The state of every prefix of a session, as a live request for that prefix would compute it. Up to
// the model's length one causal pass gives all of them; a longer prefix is read by its newest clicks.
import { encodeStates, type SessionEncoder } from '#shared/inference/session-encoder.ts'
import { partOf, type SessionInput } from './session-input.ts'

/** Clicks encoded in one go. */
const clicksPerPass = 8192

interface Part {
  readonly session: number
  readonly input: SessionInput
  /** Clicks of the session at the end of the first state that is wanted from this part. */
  readonly firstPrefix: number
  /** Whether every click's state is wanted, or only the last one's. */
  readonly isHead: boolean
}

/** @returns for each session, for each of its clicks, the state [D] after it. */
export function encodePrefixes(
  encoder: SessionEncoder,
  sessions: readonly SessionInput[]
): Float32Array[][] {
  const { maxLength, width } = encoder.config
  const states: Float32Array[][] = sessions.map(() => [])
  const parts = sessions.flatMap((session, s) => partsOf(session, s, maxLength))
  parts.sort((a, b) => a.input.items.length - b.input.items.length)
  for (const group of groupsOf(parts)) {
    const encoded = encodeStates(
      encoder,
      group.map(({ input }) => input)
    )
    group.forEach(({ session, input, firstPrefix, isHead }, i) => {
      const from = isHead ? 0 : input.items.length - 1
      for (let n = from; n < input.items.length; n++) {
        states[session]![firstPrefix + n - from] = encoded[i]!.slice(n * width, (n + 1) * width)
      }
    })
  }
  return states
}

function partsOf(session: SessionInput, index: number, maxLength: number): Part[] {
  const length = session.items.length
  if (length === 0) return []
  const parts: Part[] = [
    { session: index, input: partOf(session, 0, maxLength), firstPrefix: 0, isHead: true }
  ]
  for (let end = maxLength + 1; end <= length; end++) {
    const input = partOf(session, end - maxLength, end)
    parts.push({ session: index, input, firstPrefix: end - 1, isHead: false })
  }
  return parts
}

function groupsOf(parts: readonly Part[]): Part[][] {
  const groups: Part[][] = []
  for (const part of parts) {
    const open = groups.at(-1)
    if (open && (open.length + 1) * part.input.items.length <= clicksPerPass) open.push(part)
    else groups.push([part])
  }
  return groups
}
