/** German sentences and questions. */

import { conjunctions, prepositions } from '../lexicon/function-words.ts';
import { isAnimate, isName, verbOf } from '../lexicon/look-up.ts';
import type { Sentence } from '../sentence.ts';
import { assemble, attach, draft, mark, type Scope } from '../world/draft.ts';
import type { Clause, Frame, Role } from '../world/frame.ts';
import { germanClause, subordinate } from './clause.ts';

/** The German sentence of a frame. `number` is its place in the story. */
export function germanSentence(frame: Frame, scope: Scope, number: number): Sentence {
  const { main, link } = frame;
  if (link === undefined) {
    const { drafts, root, roles } = germanClause(main, 'second', scope);
    drafts.push(mark('.', root));
    return assemble(drafts, [{ clause: 'main', roles }], frame, 'de', number, scope);
  }
  const word = conjunctions[link.word]!;
  if (link.word === 'and' || link.word === 'but') {
    const first = germanClause(main, 'second', scope);
    const second = germanClause(link.clause, 'second', scope);
    attach(second.root, first.root, 'conj');
    const drafts = [
      ...first.drafts,
      mark(',', second.root),
      draft(word, word, 'CCONJ', 'cc', second.root),
      ...second.drafts,
      mark('.', first.root),
    ];
    const clauses = [
      { clause: 'main', roles: first.roles },
      { clause: 'linked', roles: second.roles },
    ] as const;
    return assemble(drafts, clauses, frame, 'de', number, scope);
  }
  const relation = link.word === 'that' ? 'ccomp' : 'advcl';
  // What is read first is built first, so that pronouns find what they refer to.
  const early = link.first ? subordinate(word, link.clause, scope) : undefined;
  const first = germanClause(main, link.first ? 'first' : 'second', scope);
  const second = early ?? subordinate(word, link.clause, scope);
  attach(second.root, first.root, relation);
  const comma = mark(',', second.root);
  const end = mark('.', first.root);
  const drafts = link.first
    ? [...second.drafts, comma, ...first.drafts, end]
    : [...first.drafts, comma, ...second.drafts, end];
  const clauses = [
    { clause: 'main', roles: first.roles },
    { clause: 'linked', roles: second.roles },
  ] as const;
  return assemble(drafts, clauses, frame, 'de', number, scope);
}

/** The German question for a role of the main clause. */
export function germanQuestion(frame: Frame, role: Role): string {
  const { main } = frame;
  const scope: Scope = { earlier: new Map(), here: new Map() };
  const asked = { role, word: questionWord(main, role) };
  const { preposition } = verbOf(main.verb).de;
  const { drafts } = germanClause(main, 'second', scope, asked);
  const text = drafts
    .filter((word, index) => !(word.text === ',' && index === drafts.length - 1))
    .map(word => (word.close ? word.text : ` ${word.text}`))
    .join('')
    .trim();
  const full = role === 'patient' && preposition !== '' ? aboutWhat(main, preposition, text, asked.word) : text;
  return `${full[0]!.toUpperCase()}${full.slice(1)}?`;
}

/** *Auf wen wartet ...?*, but *Woran denkt ...?* */
function aboutWhat(main: Clause, preposition: string, text: string, word: string): string {
  if (main.patient !== undefined && isAnimate(main.patient)) return `${preposition} ${text}`;
  const link = /^[aeiou]/.test(preposition) ? 'r' : '';
  return `wo${link}${preposition}${text.slice(word.length)}`;
}

function questionWord(main: Clause, role: Role): string {
  switch (role) {
    case 'agent':
      // An organisation is somebody, too.
      return isAnimate(main.agent) || isName(main.agent.head) ? 'wer' : 'was';
    case 'patient':
      return main.patient !== undefined && isAnimate(main.patient) ? 'wen' : 'was';
    case 'recipient':
      return 'wem';
    case 'place': {
      const preposition = prepositions.get(main.place?.preposition ?? '');
      return directions.has(preposition?.key ?? '') ? 'wohin' : 'wo';
    }
    case 'time':
      return 'wann';
    default:
      return 'wie';
  }
}

/** The keys of prepositions that say where to. */
const directions: ReadonlySet<string> = new Set(['into', 'onto', 'up', 'over', 'to', 'to town']);
