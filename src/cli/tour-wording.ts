/** What `npm start` says, in English and German. The texts of the models are German in both: they know both languages. */
import type { Language } from './messages.ts';

const WORDING = {
  intro: [
    'Five small models, trained by heed itself on a world of 450 words, show what it does. Nothing is downloaded.',
    'Fünf kleine Modelle, von heed selbst an einer Welt aus 450 Wörtern trainiert, zeigen, was es kann. Nichts wird geladen.',
  ],
  writes: [
    'A decoder writes: each token is drawn from probabilities',
    'Ein Decoder schreibt: jedes Token wird aus Wahrscheinlichkeiten gezogen',
  ],
  fills: ['An encoder finds a hidden word', 'Ein Encoder findet ein verdecktes Wort'],
  translates: ['An encoder-decoder translates', 'Ein Encoder-Decoder übersetzt'],
  judges: ['A head on the encoder judges', 'Ein Kopf auf dem Encoder urteilt'],
  denoises: [
    'A diffusion model writes all places at once, the surest first',
    'Ein Diffusionsmodell schreibt alle Stellen zugleich, die sichersten zuerst',
  ],
  attends: [
    'Where jagt looks: attention in percent, a line for each head',
    'Wohin jagt schaut: Attention in Prozent, eine Zeile je Kopf',
  ],
  layerAndHead: ['layer.head', 'Schicht.Kopf'],
  missing: [
    'The bundled models are not here. Run a model of your own:',
    'Die mitgelieferten Modelle fehlen. Mit einem eigenen Modell:',
  ],
  tryChat: ['look inside any model: every tensor by name', 'in jedes Modell schauen: jeder Tensor mit Namen'],
  tryHeads: ['what each attention head does, measured', 'was jeder Attention-Kopf tut, gemessen'],
  tryOwn: [
    'your own model: a folder, a file or an id on the hub',
    'ein eigenes Modell: ein Ordner, eine Datei oder ein Name auf dem Hub',
  ],
  tryTrain: ['train a model of your own from a text', 'ein eigenes Modell aus einem Text trainieren'],
  all: ['all of it', 'alles zusammen'],
} as const satisfies Readonly<Record<string, readonly [english: string, german: string]>>;

export type TourSay = (key: keyof typeof WORDING) => string;
export const createTourWording =
  (language: Language): TourSay =>
  key =>
    WORDING[key][language === 'de' ? 1 : 0];
