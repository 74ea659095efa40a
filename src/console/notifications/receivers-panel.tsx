import type { JSX } from 'preact';

import { errorWords } from '../elements/delivery-errors.js';
import { Empty, Loaded } from '../elements/notices.js';
import { countText } from '../elements/numbers.js';
import { Age } from '../elements/time.js';
import type { Schemas } from '../requests/client.js';
import type { Answer } from '../requests/use-answer.js';
import { linkTo, linkWithout, type PageAddress } from '../shell/address.js';
import { FAILING, filterIn } from './notification-list.js';

/** Receivers with notifications that wait, fail or are dead, the worst first. A number shows its notifications. */
export function ReceiversPanel({
  answer,
  address,
}: {
  answer: Answer<Schemas['CountsByReceiver']>;
  address: PageAddress;
}): JSX.Element {
  return (
    <section class="group" aria-labelledby="receivers">
      <h2 id="receivers">By receiver</h2>
      <Loaded answer={answer} what="receivers" unfiltered={linkWithout(address, ['project_id'])}>
        {({ receivers, total, is_complete }) =>
          receivers.length === 0 ? (
            <Empty>All is delivered: no notification waits, fails or is dead.</Empty>
          ) : (
            <>
              <ReceiverTable receivers={receivers} address={address} />
              {total > receivers.length && (
                <p class="muted">
                  The {receivers.length} worst of {countText(total)} receivers.
                </p>
              )}
              {!is_complete && (
                <p class="muted">
                  More than 100,000 notifications wait or are dead. Only these are counted: receivers may be missing.
                </p>
              )}
            </>
          )
        }
      </Loaded>
    </section>
  );
}

function ReceiverTable({
  receivers,
  address,
}: {
  receivers: readonly Schemas['ReceiverCounts'][];
  address: PageAddress;
}): JSX.Element {
  return (
    <div class="scroll receivers">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Receiver</th>
            <th scope="col">Failing</th>
            <th scope="col">Pending</th>
            <th scope="col">In flight</th>
            <th scope="col">Dead</th>
            <th scope="col">Oldest waits for</th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          {receivers.map((receiver) => (
            <ReceiverRow key={receiver.host} receiver={receiver} address={address} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ReceiverRow({
  receiver: { host, failing, pending, in_flight, dead, oldest_pending_at, last_error, last_http_status, is_complete },
  address,
}: {
  receiver: Schemas['ReceiverCounts'];
  address: PageAddress;
}): JSX.Element {
  const { project_id } = filterIn(address);
  const link = (status?: string): string => linkTo('notifications', undefined, { status, host, project_id });
  const number = (name: string, status: string, count: number): JSX.Element => (
    <td class="number" data-name={name}>
      {count === 0 ? (
        <span class="muted">0</span>
      ) : (
        <a href={link(status)} class={status === FAILING || status === 'dead' ? 'outside' : undefined}>
          {countText(count)}
          {!is_complete && '+'}
        </a>
      )}
    </td>
  );
  return (
    <tr>
      <td class="main">
        <a href={link()}>{host}</a>
      </td>
      {number('Failing', FAILING, failing)}
      {number('Pending', 'pending', pending)}
      {number('In flight', 'in_flight', in_flight)}
      {number('Dead', 'dead', dead)}
      <td data-name="Oldest waits for">{oldest_pending_at === null ? '–' : <Age at={oldest_pending_at} />}</td>
      <td data-name="Last error">{errorWords(last_error, last_http_status) ?? '–'}</td>
    </tr>
  );
}
