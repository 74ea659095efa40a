import type { JSX, TargetedEvent } from 'preact';

import { chooseProject, PROJECT, type PageAddress } from './address.js';

/** Chooses the project in whose name requests are sent, in a service without authentication. */
export function ProjectChoice({ address }: { address: PageAddress }): JSX.Element {
  const chosen = address.query.get(PROJECT) ?? '';
  const choose = (event: TargetedEvent<HTMLInputElement>): void => {
    chooseProject(event.currentTarget.value.trim() || undefined);
  };
  return (
    <label class="project">
      Project
      <input
        key={chosen}
        type="text"
        value={chosen}
        placeholder="all"
        size={12}
        maxLength={128}
        spellcheck={false}
        autocomplete="off"
        onChange={choose}
      />
    </label>
  );
}
