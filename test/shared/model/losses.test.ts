import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { isTensorflowAddonBuilt } from '#services/trainer/tensorflow-addon.ts'
import { classCrossEntropy, itemCrossEntropy } from '#shared/model/losses.ts'
import {
  expectClose,
  normalTensor,
  numbersOf,
  numericGradient,
  useBackend
} from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

const backends = ['cpu', 'wasm', ...(isTensorflowAddonBuilt() ? ['native' as const] : [])] as const
const integers = (values: number[]) => tf.tensor1d(values, 'int32')

describe('itemCrossEntropy', () => {
  test('is the mean of -log softmax, as computed by hand', () => {
    const states = tf.tensor2d([1, 0, 0, 2], [2, 2])
    const items = tf.tensor2d([1, 0, 0, 1, 0, 0], [3, 2])

    const loss = itemCrossEntropy(states, items, integers([0, 2]))

    // Logits 1, 0, 0 and 0, 2, 0: ln(e + 2) - 1 = 0.551445 and ln(e^2 + 2) - 0 = 2.239544.
    expect(loss.shape).toEqual([])
    expectClose(loss, [(0.551445 + 2.239544) / 2])
  })

  test('has the gradients that TF.js makes from plain operations', () => {
    const [states, items] = [normalTensor<tf.Tensor2D>([5, 3], 1), normalTensor([7, 3], 2)]
    const targets = integers([6, 0, 3, 3, 1])
    const plain = (h: tf.Tensor, v: tf.Tensor) => {
      const logSoftmax = tf.logSoftmax(tf.matMul(h as tf.Tensor2D, v as tf.Tensor2D, false, true))
      return tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(targets, 7), logSoftmax), -1)))
    }

    const ours = tf.grads((h, v) => tf.mul(crossEntropy(h!, v!, targets), 3))([states, items])

    const theirs = tf.grads((h, v) => tf.mul(plain(h!, v!), 3))([states, items])
    ours.forEach((gradient, i) => {
      expectClose(gradient, theirs[i]!)
    })
  })

  test('has the gradient of numeric differences', () => {
    const states = Float32Array.of(0.5, -1, 1.5, 0.2)
    const items = normalTensor<tf.Tensor2D>([3, 2], 3)
    const loss = (h: tf.Tensor) => itemCrossEntropy(h as tf.Tensor2D, items, integers([2, 0]))

    const gradient = tf.grad(loss)(tf.tensor2d(states, [2, 2]))

    const numeric = numericGradient(h => loss(tf.tensor2d(h, [2, 2])).dataSync()[0]!, states)
    expectClose(gradient, numeric, 2e-3)
  })

  test('in chunks of any size is what it is in one', () => {
    const sizes = fc.record({
      positions: fc.integer({ min: 1, max: 9 }),
      items: fc.integer({ min: 1, max: 6 }),
      chunkLogits: fc.integer({ min: 1, max: 60 })
    })

    fc.assert(
      fc.property(sizes, ({ positions: T, items: I, chunkLogits }) =>
        tf.tidy(() => {
          const [states, items] = [normalTensor([T, 4], T), normalTensor([I, 4], I)]
          const targets = integers(Array.from({ length: T }, (_, t) => (t * 5) % I))
          const run = (limit?: number) =>
            tf.valueAndGrads((h, v) => crossEntropy(h!, v!, targets, limit))([states, items])
          const [chunked, whole] = [run(chunkLogits), run()]

          expectClose(chunked.value, whole.value)
          expectClose(chunked.grads[0]!, whole.grads[0]!)
          expectClose(chunked.grads[1]!, whole.grads[1]!)
        })
      ),
      { numRuns: 30 }
    )
  })

  test('stays a number when logits are large: 87.5 at most for each target', () => {
    const items = tf.tensor2d([1, -1], [2, 1])
    const loss = (h: tf.Tensor) => itemCrossEntropy(h as tf.Tensor2D, items, integers([0, 0]))

    const { value, grad } = tf.valueAndGrad(loss)(tf.tensor2d([1000, -1000], [2, 1]))

    // Right with certainty, then wrong by 2,000, which is beyond the least float32; pulled still.
    expectClose(value, [Math.log(1e38) / 2], 1e-4)
    expectClose(grad, [0, -1])
  })

  test.each(backends)('of states that are no numbers is none, on %s', async backend => {
    await useBackend(backend)

    const loss = itemCrossEntropy(
      tf.tensor2d([1, Number.NaN], [2, 1]),
      tf.tensor2d([1, -1], [2, 1]),
      integers([0, 0])
    )

    expect(numbersOf(loss)).toEqual([Number.NaN])
    await useBackend('cpu')
  })

  test('leaves no tensor behind but the loss', () => {
    const [states, items] = [normalTensor<tf.Tensor2D>([5, 3], 1), normalTensor([7, 3], 2)]
    const targets = integers([6, 0, 3, 3, 1])
    const before = tf.memory().numTensors

    const loss = itemCrossEntropy(states, items as tf.Tensor2D, targets, undefined, 14)

    expect(tf.memory().numTensors).toBe(before + 1)
    loss.dispose()
  })
})

describe('itemCrossEntropy over a sample', () => {
  const T = 4
  const states = () => normalTensor<tf.Tensor2D>([T, 3], 1)
  const items = () => normalTensor<tf.Tensor2D>([5, 3], 2)
  const targets = () => integers([4, 0, 2, 2])

  test('is the full softmax where every candidate is certain to be one', () => {
    const run = (inclusion?: tf.Tensor1D) =>
      tf.valueAndGrads((h, v) =>
        itemCrossEntropy(h as tf.Tensor2D, v as tf.Tensor2D, targets(), inclusion, 10)
      )([states(), items()])

    const [sampled, full] = [run(tf.ones([5])), run()]

    expectClose(sampled.value, full.value)
    expectClose(sampled.grads[0]!, full.grads[0]!)
    expectClose(sampled.grads[1]!, full.grads[1]!)
  })

  test('lets each candidate but the target stand for others, as computed by hand', () => {
    const inclusion = tf.tensor1d([0.5, 0.25, 0.1])
    const scores = tf.tensor2d([Math.log(2), Math.log(3), Math.log(7)], [3, 1])

    const loss = itemCrossEntropy(tf.tensor2d([[1]]), scores, integers([2]), inclusion)

    expectClose(loss, [-Math.log(7 / (2 / 0.5 + 3 / 0.25 + 7))])
  })

  test('is right on average: over all samples the sum of exponents is the whole one', () => {
    const logits = [0.3, -1, 1.2, 0.5] // the last is the target
    const chances = [0.9, 0.2, 0.5, 0.3]
    const others = [0, 1, 2]
    let [average, certainty] = [0, 0]

    for (let sample = 0; sample < 8; sample++) {
      const isIn = (item: number) => item === 3 || (sample >> item) % 2 === 1
      const drawn = [0, 1, 2, 3].filter(isIn)
      const chance = others.reduce((p, i) => p * (isIn(i) ? chances[i]! : 1 - chances[i]!), 1)
      const loss = itemCrossEntropy(
        tf.tensor2d([[1]]),
        tf.tensor2d(drawn.map(i => logits[i]!), [drawn.length, 1]), // biome-ignore format: one line
        integers([drawn.length - 1]),
        tf.tensor1d(drawn.map(i => chances[i]!))
      )
      average += chance * Math.exp(loss.dataSync()[0]! + logits[3]!)
      certainty += chance
    }

    expect(certainty).toBeCloseTo(1, 6)
    expect(average).toBeCloseTo(
      logits.reduce((sum, logit) => sum + Math.exp(logit), 0),
      4
    )
  })

  test.each([7, 20, 1 << 22])('has the gradients of numeric differences, chunks of %i', limit => {
    const inclusion = tf.tensor1d([0.1, 0.9, 0.4, 1, 0.6])
    const [h, v] = [states().dataSync() as Float32Array, items().dataSync() as Float32Array]
    const loss = (left: Float32Array, right: Float32Array) =>
      tf.tidy(() =>
        itemCrossEntropy(
          tf.tensor2d(left, [T, 3]),
          tf.tensor2d(right, [5, 3]),
          targets(),
          inclusion,
          limit
        ).dataSync()
      )[0]!

    const [toStates, toItems] = tf.grads((a, b) =>
      itemCrossEntropy(a as tf.Tensor2D, b as tf.Tensor2D, targets(), inclusion, limit)
    )([states(), items()])

    expectClose(toStates!, numericGradient(values => loss(values, v), h), 2e-3) // biome-ignore format: one line
    expectClose(toItems!, numericGradient(values => loss(h, values), v), 2e-3) // biome-ignore format: one line
  })

  test.each([
    ['right', 1000],
    ['wrong', -1000]
  ])('stays a number, and so do its gradients, when it is %s by far', (_, state) => {
    const { value, grads } = tf.valueAndGrads((h, v) =>
      itemCrossEntropy(h as tf.Tensor2D, v as tf.Tensor2D, integers([0]), tf.tensor1d([1e-6, 1e-6]))
    )([tf.tensor2d([[state]]), tf.tensor2d([1, -1], [2, 1])])

    const numbers = [value, ...grads].flatMap(tensor => numbersOf(tensor))
    expect(numbers.every(Number.isFinite)).toBe(true)
    if (state > 0) expectClose(numbers, [0, 0, 0, 0], 1e-4)
    else expect(numbers[0]).toBeGreaterThan(80)
  })
})

describe('classCrossEntropy', () => {
  test('averages over the positions whose class is known', () => {
    const logits = tf.tensor2d([0, 0, Math.log(3), 0, 50, -50], [3, 2])

    const loss = classCrossEntropy(logits, integers([0, 0, -1]))

    // -ln(1/2) = ln 2 and -ln(3/4) = 0.287682; the third position does not count.
    expectClose(loss, [(Math.LN2 + 0.287682) / 2])
  })

  test('gives no gradient to a position whose class is not known', () => {
    const logits = tf.tensor2d([1, 2, 3, 4], [2, 2])

    const gradient = tf.grad(x => classCrossEntropy(x as tf.Tensor2D, integers([-1, 1])))(logits)

    const share = 1 / (1 + Math.E) // softmax of the other class
    expectClose(gradient, [0, 0, share, -share])
  })

  test('is zero when no class is known', () => {
    expectClose(classCrossEntropy(tf.tensor2d([1, 2], [1, 2]), integers([-1])), [0])
  })
})

function crossEntropy(h: tf.Tensor, v: tf.Tensor, targets: tf.Tensor1D, limit?: number): tf.Scalar {
  return itemCrossEntropy(h as tf.Tensor2D, v as tf.Tensor2D, targets, undefined, limit)
}
