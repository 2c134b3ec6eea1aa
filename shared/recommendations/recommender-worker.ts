// The worker thread behind recommender.ts: loads one release and answers questions with it.
import { parentPort, workerData } from 'node:worker_threads'
import { startInferenceBackend } from '#shared/inference/backend.ts'
import { readRelease } from '#shared/releases/release-folder.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { answerQuery } from './answer-query.ts'
import type { WorkerMessage, WorkerQuestion } from './recommender.ts'
import { type LoadedModel, loadModel, readModel } from './release-model.ts'
import { checkSample } from './sample.ts'

const say = (message: WorkerMessage) => parentPort!.postMessage(message)

async function main(): Promise<void> {
  const { folder } = workerData as { folder: string }
  await startInferenceBackend()
  const { manifest, files } = await readRelease(folder)
  const model = loadModel(readModel(files))
  checkSample(model, manifest.sample)
  parentPort!.on('message', (question: WorkerQuestion) => answer(model, question))
  say({ kind: 'ready', releaseId: manifest.releaseId })
}

function answer(model: LoadedModel, { id, query }: WorkerQuestion): void {
  try {
    say({ kind: 'answer', id, items: answerQuery(model, query) })
  } catch (error) {
    say({ kind: 'failed', id, message: String(error) })
  }
}

main().catch(error => {
  if (!(error instanceof RecommenderError)) throw error
  say({ kind: 'refused', code: error.code, message: error.message })
})
