// Files belong to the world outside: they are missing, or closed to us, or cut off, and none of that is a
// bug. What Node says of them is put in our words here, for those who read files and for the end of a program.
import { RecommenderError } from './errors.ts'

/** What is wrong with a file, by Node's code. */
const faults: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EEXIST: 'something else has its name',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'there is no such file, or no folder to put it in',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'something above it is no folder',
  EPERM: 'this user may not',
  EROFS: 'nothing can be written there'
}

/**
 * One of our errors for an error about a file: FILE_UNUSABLE, or DATASET_INVALID when gzip did not make
 * what is in it. Any other error comes back as it is.
 *
 * @param path what was read or written, where that is known: Node does not name a file that is open.
 */
export function fileError(error: unknown, path?: string): unknown {
  if (!(error instanceof Error) || error instanceof RecommenderError) return error
  const { code = '', path: named = path } = error as NodeJS.ErrnoException
  if (code.startsWith('Z_') && named !== undefined) {
    const message = `${named} is no file of gzip, or not all of one: ${error.message}`
    return new RecommenderError('DATASET_INVALID', message, { cause: error })
  }
  const fault = faults[code]
  if (fault === undefined || (named === undefined && code !== 'ENOSPC')) return error
  const message = `${named ?? 'a file'} cannot be used: ${fault} (${code})`
  return new RecommenderError('FILE_UNUSABLE', message, { cause: error })
}
