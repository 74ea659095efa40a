import type { JSX } from 'preact';

import { Choice } from '../elements/fields.js';
import { SpanFields } from '../elements/span-fields.js';
import { usePageUser } from '../requests/page-user.js';
import { changeQuery, PROJECT, type PageAddress } from '../shell/address.js';
import { serviceTime } from '../shell/clock.js';
import {
  choicesIn,
  DEFAULT_SPAN,
  DEFAULT_STATISTIC,
  GROUPS,
  periodsFor,
  periodText,
  rangeOf,
  STATISTICS,
} from './meter-choices.js';
import { OwnerFields } from './owner-fields.js';

const OTHER_STATISTICS = Object.entries(STATISTICS).filter(([name]) => name !== DEFAULT_STATISTIC);
const SPAN_WORDS = [
  ['1h', 'last hour'],
  ['24h', 'last 24 hours'],
  ['7d', 'last 7 days'],
] as const;

/** Fields for these choices. The address has all that differ from the defaults. */
export function ChoiceFields({ address }: { address: PageAddress }): JSX.Element {
  const { hasAllProjects } = usePageUser();
  const choices = choicesIn(address);
  const periods = periodsFor(rangeOf(choices, serviceTime()));
  const hasProjects = hasAllProjects && !address.query.has(PROJECT);
  return (
    <form class="filters" aria-label="Chart" onSubmit={(event) => event.preventDefault()}>
      <SpanFields
        label="Time"
        value={{ ...choices, span: choices.span === DEFAULT_SPAN ? undefined : choices.span }}
        spans={SPAN_WORDS}
        any="last 6 hours"
        onChange={changeQuery}
      />
      <Choice
        label="Statistic"
        value={choices.statistic === DEFAULT_STATISTIC ? undefined : choices.statistic}
        options={OTHER_STATISTICS}
        any={STATISTICS[DEFAULT_STATISTIC]}
        onChange={(statistic) => changeQuery({ statistic })}
      />
      <Choice
        label="Period"
        value={periods.find((period) => period === choices.period)?.toString()}
        options={periods.map((period) => [`${period}`, periodText(period)])}
        any="automatic"
        onChange={(period) => changeQuery({ period })}
      />
      <Choice
        label="Series"
        value={choices.group}
        options={Object.entries(GROUPS)
          .filter(([field]) => hasProjects || field !== 'project_id')
          .map(([field, word]) => [field, `by ${word}`])}
        any="one for all"
        onChange={(group) => changeQuery({ group })}
      />
      <OwnerFields address={address} />
    </form>
  );
}
