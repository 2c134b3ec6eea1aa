// Asks each method for the next item after every prefix of held-out sessions, and compares their
// lists with what was clicked. All methods answer the same questions.
import { type Metrics, MetricsSum } from './metrics.ts'

/** A prefix of a held-out session and the item that was clicked after it. */
export interface Question {
  /** Items clicked so far, oldest first. */
  readonly clicked: Int32Array
  /** [D] what the model's session encoder made of them. */
  readonly state: Float32Array
  readonly target: number
}

/** A way to answer: the first twenty items by falling score. */
export interface Method {
  readonly name: string
  readonly recommend: (question: Question) => readonly number[]
}

export interface EvaluationRow extends Metrics {
  readonly method: string
}

/**
 * @param onProgress called with the number of questions answered so far.
 * @returns one row for each method, in their order.
 */
export function evaluate(
  methods: readonly Method[],
  questions: readonly Question[],
  itemCount: number,
  onProgress: (done: number) => void = () => {}
): EvaluationRow[] {
  const sums = methods.map(() => new MetricsSum(itemCount))
  questions.forEach((question, i) => {
    methods.forEach((method, m) => {
      sums[m]!.add(method.recommend(question), question.target)
    })
    onProgress(i + 1)
  })
  return methods.map(({ name }, m) => ({ method: name, ...sums[m]!.average() }))
}
