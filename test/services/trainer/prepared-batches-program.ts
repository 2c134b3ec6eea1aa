// A program that takes an epoch of batches, closes, and has nothing more to do while the next is drawn.
import { prepareBatches } from '#services/trainer/prepared-batches.ts'
import { tinySession } from '#test/support/tiny-training.ts'

const sessions = Array.from({ length: 20 }, () => tinySession([0, 1, 2]))
const prepared = await prepareBatches(sessions, { maxLength: 4, clicksPerBatch: 8 }, 1)
await prepared.next()
await prepared.close()
process.stdout.write('closed')
