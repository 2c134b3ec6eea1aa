// What the literature printed, for the line beside our figures.

/** CID+IID as the paper printed it: our default, generating alone, is to be better. */
export const paperFigures: Readonly<Record<string, { recall: number; ndcg: number }>> = {
  'amazon-beauty-2014': { recall: 0.0732, ndcg: 0.0427 },
  'amazon-sports-2014': { recall: 0.0456, ndcg: 0.027 }
}
