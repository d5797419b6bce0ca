/** What the command line says in German and in English. Error texts stay English: they are what people search for. */

export type Language = 'en' | 'de';

const MESSAGES = {
  // inspect
  architecture: ['architecture', 'Architektur'],
  notRunnable: ['heed cannot run this architecture', 'heed kann diese Architektur nicht ausführen'],
  causalLM: ['causal language model', 'kausales Sprachmodell'],
  encoderLayers: ['encoder layers', 'Encoder-Schichten'],
  decoderLayers: ['decoder layers', 'Decoder-Schichten'],
  experts: ['experts', 'Experten'],
  expertsPerToken: ['experts per token', 'Experten je Token'],
  imageSize: ['image size', 'Bildgröße'],
  patchSize: ['patch size', 'Kachelgröße'],
  melBins: ['mel bands', 'Mel-Bänder'],
  seq2seqLM: ['encoder-decoder language model', 'Encoder-Decoder-Sprachmodell'],
  maskedLM: ['masked language model', 'maskiertes Sprachmodell'],
  enhancedMaskedLM: ['masked language model with mask decoder', 'maskiertes Sprachmodell mit Masken-Decoder'],
  pretraining: ['masked language model and next sentence', 'maskiertes Sprachmodell und nächster Satz'],
  nextSentence: ['next-sentence classifier', 'Klassifikator für den nächsten Satz'],
  replacedToken: ['detector of replaced tokens', 'Erkenner ersetzter Tokens'],
  sequenceClassification: ['classifier of texts', 'Klassifikator für Texte'],
  tokenClassification: ['classifier of tokens', 'Klassifikator für Tokens'],
  questionAnswering: ['extractive question answering', 'extraktive Fragebeantwortung'],
  imageClassification: ['classifier of images', 'Klassifikator für Bilder'],
  pooled: ['encoder with pooled output', 'Encoder mit gepooltem Ausgang'],
  base: ['model without a head', 'Modell ohne Kopf'],
  config: ['Configuration', 'Konfiguration'],
  layers: ['layers', 'Schichten'],
  width: ['width', 'Breite'],
  heads: ['attention heads', 'Attention-Köpfe'],
  keyValueHeads: ['key/value heads', 'Key/Value-Köpfe'],
  headWidth: ['width of a head', 'Breite eines Kopfes'],
  feedForward: ['feed-forward width', 'Feed-Forward-Breite'],
  activation: ['activation', 'Aktivierung'],
  normEpsilon: ['norm epsilon', 'Norm-Epsilon'],
  ropeBase: ['rotary base', 'RoPE-Basis'],
  slidingWindow: ['attention window', 'Attention-Fenster'],
  contextLength: ['context length', 'Kontextlänge'],
  vocabulary: ['vocabulary', 'Vokabular'],
  tiedHead: ['output = embedding', 'Ausgabe = Embedding'],
  labels: ['labels', 'Klassen'],
  tokens: ['tokens', 'Tokens'],
  parameters: ['Parameters', 'Parameter'],
  ofParameters: ['parameters', 'Parameter'],
  total: ['total', 'gesamt'],
  share: ['share', 'Anteil'],
  name: ['name', 'Name'],
  shape: ['shape', 'Form'],
  number: ['number', 'Anzahl'],
  memory: ['Memory', 'Speicher'],
  onDisk: ['weights on disk', 'Gewichte auf der Platte'],
  weightsInMemory: ['weights in memory', 'Gewichte im Speicher'],
  cachePerToken: ['cache for a token', 'Cache für ein Token'],
  cacheFull: ['cache of a full context', 'Cache bei vollem Kontext'],
  allInAll: ['all in all', 'insgesamt'],
  tokenizer: ['Tokenizer', 'Tokenizer'],
  none: ['none', 'keiner'],
  kind: ['kind', 'Art'],
  specialTokens: ['special tokens', 'Sondertokens'],
  chatTemplate: ['chat template', 'Chat-Vorlage'],
  yes: ['yes', 'ja'],
  no: ['no', 'nein'],
  metadata: ['Metadata', 'Metadaten'],
  file: ['File', 'Datei'],
  // trace
  mean: ['mean', 'Mittel'],
  deviation: ['std', 'Streuung'],
  least: ['min', 'Min'],
  most: ['max', 'Max'],
  firstValues: ['first values', 'erste Werte'],
  query: ['query', 'Query'],
  key: ['key', 'Key'],
  head: ['head', 'Kopf'],
  percentOfAttention: [
    'rows are queries, columns keys, numbers are percent',
    'Zeilen sind Queries, Spalten Keys, Zahlen sind Prozent',
  ],
  shadesOfAttention: [
    'rows are queries, columns keys, darker is more',
    'Zeilen sind Queries, Spalten Keys, dunkler ist mehr',
  ],
  moreColumns: ['more columns: --json has all', 'weitere Spalten: --json enthält alle'],
  // run
  loading: ['loading', 'lade'],
  loaded: ['load', 'Laden'],
  prompt: ['prompt', 'Prompt'],
  generated: ['generated', 'Ausgabe'],
  kernels: ['kernels', 'Kernel'],
  ofTheTime: ['of the time', 'der Zeit'],
  peakMemory: ['peak memory', 'Speicherspitze'],
  seed: ['seed', 'Seed'],
  perToken: ['per token', 'pro Token'],
  perSecond: ['tokens/s', 'Tokens/s'],
  token: ['token', 'Token'],
  probability: ['probability', 'Wahrscheinlichkeit'],
  alternatives: ['alternatives', 'Alternativen'],
  finished: ['finished', 'Ende'],
  // tokenize
  character: ['character', 'Zeichen'],
  characters: ['characters', 'Zeichen'],
  // npm start
  whatHeedIs: [
    'runs, explains and measures transformer models on your machine, from the checkpoint you have.',
    'führt Transformer-Modelle auf deinem Rechner aus, erklärt und vermisst sie, direkt aus dem Checkpoint.',
  ],
  whatStartDoes: [
    'This is a GPT-2 of 31,360 parameters that comes with the repository. Its weights are random and it has no tokenizer, so it reads and writes token numbers, and what it says means nothing. How it is computed is real.',
    'Dies ist ein GPT-2 mit 31.360 Parametern aus dem Repository. Seine Gewichte sind zufällig und es hat keinen Tokenizer: Es liest und schreibt Token-Nummern, und was es sagt, bedeutet nichts. Wie es gerechnet wird, ist echt.',
  ],
  noExample: [
    'The example model is part of the repository and is not here. Give heed a folder with a model of your own, with config.json and model.safetensors:',
    'Das Beispielmodell gehört zum Repository und ist nicht hier. Gib heed einen Ordner mit einem eigenen Modell, mit config.json und model.safetensors:',
  ],
  whereItLooked: ['Where it looked', 'Wohin es geschaut hat'],
  next: ['Next', 'Weiter'],
  tryOwnModel: [
    'a model of yours: a folder with config.json and model.safetensors',
    'ein Modell von dir: ein Ordner mit config.json und model.safetensors',
  ],
  tryInspect: [
    'what is in a model, and how much memory it needs',
    'was in einem Modell steckt und wie viel Speicher es braucht',
  ],
  tryDoctor: ['how fast this machine is, kernel by kernel', 'wie schnell dieser Rechner ist, Kernel für Kernel'],
  // doctor
  machine: ['Machine', 'Rechner'],
  processor: ['processor', 'Prozessor'],
  cores: ['cores', 'Kerne'],
  ram: ['memory', 'Arbeitsspeicher'],
  available: ['available', 'verfügbar'],
  engine: ['Engine', 'Engine'],
  backend: ['backend', 'Backend'],
  threads: ['threads', 'Threads'],
  relaxedSimd: ['relaxed SIMD', 'Relaxed SIMD'],
  revectoriser: ['256-bit vectoriser', '256-Bit-Vektorisierer'],
  tile: ['register tile', 'Registerkachel'],
  memoryLimit: ['memory limit', 'Speichergrenze'],
  startTime: ['start', 'Start'],
  selfTest: ['Self-test: each kernel against its definition', 'Selbsttest: jeder Kernel gegen seine Definition'],
  kernel: ['kernel', 'Kernel'],
  error: ['error', 'Fehler'],
  time: ['time', 'Zeit'],
  speed: ['speed', 'Tempo'],
  allRight: ['Everything works.', 'Alles funktioniert.'],
  notRight: ['Some kernels give wrong numbers on this machine', 'Einige Kernel rechnen auf diesem Rechner falsch'],
  helpWrong: [
    'Try --no-revectorize, work with --device reference until it is repaired, and report this page.',
    'Versuche --no-revectorize, nimm bis zur Reparatur --device reference, und melde diese Seite.',
  ],
  on: ['on', 'an'],
  off: ['off', 'aus'],
} as const satisfies Record<string, readonly [string, string]>;

export type Message = keyof typeof MESSAGES;
/** A text by its key. */
export type Say = (message: Message) => string;

export function createMessages(language: Language): Say {
  return message => MESSAGES[message][language === 'en' ? 0 : 1];
}

/** German where the environment asks for it, by POSIX's order of variables; else English. */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  return /^de\b|^de_/.test(env.LC_ALL || env.LC_MESSAGES || env.LANG || '') ? 'de' : 'en';
}
