/** English sentences and questions. */

import { adjectiveOf, isAnimate, isName, verbOf } from '../lexicon/look-up.ts';
import type { Sentence } from '../sentence.ts';
import { assemble, attach, type Draft, draft, mark, type Scope } from '../world/draft.ts';
import type { Clause, Frame, Role } from '../world/frame.ts';
import { englishClause, englishParts } from './clause.ts';

/** The English sentence of a frame. `number` is its place in the story. */
export function englishSentence(frame: Frame, scope: Scope, number: number): Sentence {
  const { main, link } = frame;
  if (link === undefined) {
    const { drafts, root, roles } = englishClause(main, scope);
    drafts.push(mark('.', root));
    return assemble(drafts, [{ clause: 'main', roles }], frame, 'en', number, scope);
  }
  const { word } = link;
  const early = link.first ? englishClause(link.clause, scope) : undefined;
  const first = englishClause(main, scope);
  const second = early ?? englishClause(link.clause, scope);
  const coordinated = word === 'and' || word === 'but';
  attach(second.root, first.root, coordinated ? 'conj' : word === 'that' ? 'ccomp' : 'advcl');
  const joint = draft(word, word, coordinated ? 'CCONJ' : 'SCONJ', coordinated ? 'cc' : 'mark', second.root);
  const end = mark('.', first.root);
  const drafts = link.first
    ? [joint, ...second.drafts, mark(',', second.root), ...first.drafts, end]
    : [...first.drafts, ...(coordinated ? [mark(',', second.root)] : []), joint, ...second.drafts, end];
  const clauses = [
    { clause: 'main', roles: first.roles },
    { clause: 'linked', roles: second.roles },
  ] as const;
  return assemble(drafts, clauses, frame, 'en', number, scope);
}

/** The English question for a role of the main clause. */
export function englishQuestion(frame: Frame, role: Role): string {
  const { main } = frame;
  // A question is asked in the active voice, whatever order the statement has.
  const clause: Clause = main.first === 'patient' || main.first === 'recipient' ? { ...main, first: 'agent' } : main;
  const scope: Scope = { earlier: new Map(), here: new Map() };
  const { root, subject, verb, objects, quality, particle, place, time } = englishParts(clause, scope, role);
  const tail = [...objects, ...stranded(main, role, root), ...particle, ...quality, ...place, ...time];
  const [auxiliary, ...rest] = verb;
  const words: Draft[] = role === 'agent' ? [...verb, ...tail] : [auxiliary!, ...subject, ...rest, ...tail];
  const said = words.map(word => (word.close ? word.text : ` ${word.text}`)).join('');
  return `${questionWord(main, role)}${said}?`;
}

/** What stays behind without the words that are asked for: *give tulips to*, *What is the house like*. */
function stranded(main: Clause, role: Role, root: Draft): Draft[] {
  // A pronoun that is given has *to* behind it in any case.
  const given = role === 'recipient' && verbOf(main.verb).kind === 'give' && main.patient?.form !== 'pronoun';
  const word = given ? 'to' : role === 'quality' && isNature(main) ? 'like' : undefined;
  return word === undefined ? [] : [draft(word, word, 'ADP', 'case', root)];
}

/** Whether a quality says what something is like, not how it is at the moment: *friendly*, not *tired*. */
function isNature({ verb, quality }: Clause): boolean {
  const { classes } = adjectiveOf(quality!);
  return verb === 'be' && !classes.has('state') && !classes.has('feeling');
}

function questionWord(main: Clause, role: Role): string {
  switch (role) {
    case 'agent':
      // An organisation is somebody, too.
      return isAnimate(main.agent) || isName(main.agent.head) ? 'Who' : 'What';
    case 'patient':
      return main.patient !== undefined && isAnimate(main.patient) ? 'Who' : 'What';
    case 'recipient':
      return 'Who';
    case 'place':
      return 'Where';
    case 'time':
      return 'When';
    case 'name':
      return 'What';
    case 'quality':
      return isNature(main) ? 'What' : 'How';
  }
}
