// Chooses what the trainer computes on: native TensorFlow where its addon has been built, otherwise
// WebAssembly. Which one runs is said in one line, never chosen silently.
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-layers' // registers the gradients of TF.js's kernels; nothing else is used
import { startInferenceBackend } from '#shared/inference/backend.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { BackendChoice } from './config.ts'
import { loadTensorflowAddon, relinkAddon } from './tensorflow-addon.ts'
import { registerWasmKernels } from './wasm-kernels.ts'

type Backend = Exclude<BackendChoice, 'auto'>

/** @throws RecommenderError SETUP_FAILED when native TensorFlow is asked for and not built. */
export async function startTrainingBackend(choice: BackendChoice, log: Logger): Promise<Backend> {
  const backend = choice === 'auto' ? (relinkAddon() ? 'native' : 'wasm') : choice
  await start[backend]()
  await tf.ready()
  const hint = backend === 'native' ? {} : { faster: 'npm run setup:tensorflow' }
  log.info({ backend, ...hint }, 'training backend')
  return backend
}

const start: Record<Backend, () => Promise<unknown>> = {
  native: async () => {
    if (!relinkAddon()) {
      throw new RecommenderError(
        'SETUP_FAILED',
        'TRAINING_BACKEND is native, but the TensorFlow addon is not built: run npm run setup:tensorflow'
      )
    }
    loadTensorflowAddon()
    await tf.setBackend('tensorflow')
  },
  wasm: async () => {
    await startInferenceBackend()
    registerWasmKernels()
  },
  cpu: async () => {
    await import('@tensorflow/tfjs-backend-cpu')
    await tf.setBackend('cpu')
  }
}
