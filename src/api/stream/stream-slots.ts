import { AppError } from '../../errors.js';

/** Most open streams of this process. */
export interface StreamLimits {
  inAll: number;
  perProject: number;
}

const RETRY_AFTER_S = 10;

/** Counts open streams. */
export class StreamSlots {
  readonly #ofProject = new Map<string | null, number>();
  #total = 0;

  constructor(private readonly limits: StreamLimits) {}

  get open(): number {
    return this.#total;
  }

  /** Counts a stream until the returned function is called. @throws AppError if there are too many. */
  take(projectId: string | null): () => void {
    const { inAll, perProject } = this.limits;
    const held = this.#ofProject.get(projectId) ?? 0;
    if (held >= perProject)
      throw new AppError(
        'too_many_requests',
        `Too many streams of this project at once: at most ${perProject} (api.max_project_streams)`,
        { retryAfterS: RETRY_AFTER_S },
      );
    if (this.#total >= inAll)
      throw new AppError('unavailable', `Too many streams at once: at most ${inAll} (api.max_streams)`, {
        retryAfterS: RETRY_AFTER_S,
      });
    this.#ofProject.set(projectId, held + 1);
    this.#total += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#total -= 1;
      const left = (this.#ofProject.get(projectId) ?? 1) - 1;
      if (left > 0) this.#ofProject.set(projectId, left);
      else this.#ofProject.delete(projectId);
    };
  }
}
