/** Tests of social bias. A score says something about a model and a list of words or sentences, not about its use. */
export {
  type CrowsGroup,
  type CrowsPair,
  type CrowsPairScore,
  type CrowsPairsReport,
  crowsPairs,
  readCrowsPairs,
} from './crows-pairs.ts';
export {
  correlationWith,
  type OccupationPair,
  type OccupationReport,
  type OccupationScore,
  occupationPairs,
  readWinoBias,
  readWinogender,
} from './occupation-pairs.ts';
export {
  readStereoSet,
  readStereoSetPredictions,
  type StereoSetItem,
  type StereoSetReport,
  type StereoSetScore,
  scoreStereoSet,
} from './stereoset.ts';
export {
  type StereoSetOptions,
  type StereoSetPredictions,
  stereoSetPredictions,
} from './stereoset-predictions.ts';
export {
  type Embedder,
  readWeat,
  readWeatDictionary,
  translateWeat,
  type WeatOptions,
  type WeatResult,
  type WeatTest,
  type WordSet,
  weat,
  weatOf,
} from './weat.ts';
