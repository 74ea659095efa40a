import { AppError } from '../../errors.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bodies up to this size are counted apart, so that they never depend on large ones. */
export const SMALL_BODY_BYTES = 64 * KIB;

/** Most bytes of request bodies that are in memory at once. */
export interface BodyBounds {
  /** Of bodies up to 64 KiB, of one project. All projects together are limited by the number of connections. */
  smallPerProject: number;
  /** Of larger bodies, of one project. */
  largePerProject: number;
  /** Of larger bodies, of all projects. */
  largeInAll: number;
}

/** A project may send one body of the largest size at a time. */
export const BODY_BOUNDS: BodyBounds = { smallPerProject: 4 * MIB, largePerProject: 16 * MIB, largeInAll: 64 * MIB };

/** Bytes of one request body. */
export interface BodyShare {
  /** Counts what a `Content-Length` announces for the project of the request. @throws AppError `too_many_requests`. */
  announce(bytes: number): void;
  /** Counts bytes that have arrived. @throws AppError `too_many_requests`. */
  arrived(bytes: number): void;
  /** Ends the counting. May be called again. */
  giveBack(): void;
}

/**
 * Counts the bytes of request bodies from their arrival until their answer is complete. Announced bytes count for
 * their own project only: a body that arrives slowly takes nothing from other projects.
 */
export class BodyShares {
  readonly #small = new Map<string, number>();
  readonly #large = new Map<string, number>();
  #largeInAll = 0;

  constructor(private readonly bounds: BodyBounds = BODY_BOUNDS) {}

  /** Opens the share of one body. `owner` is its project, or the address of its sender. */
  open(owner: string): BodyShare {
    let arrived = 0;
    let counted = 0;
    const count = (bytes: number): void => {
      if (bytes <= counted) return;
      this.#move(owner, counted, bytes);
      counted = bytes;
    };
    return {
      announce: count,
      arrived: (bytes) => {
        count(arrived + bytes);
        this.#moveInAll(largePart(arrived), largePart(arrived + bytes));
        arrived += bytes;
      },
      giveBack: () => {
        this.#move(owner, counted, 0);
        this.#moveInAll(largePart(arrived), 0);
        counted = arrived = 0;
      },
    };
  }

  #move(owner: string, from: number, to: number): void {
    const small = (this.#small.get(owner) ?? 0) + smallPart(to) - smallPart(from);
    const large = (this.#large.get(owner) ?? 0) + largePart(to) - largePart(from);
    const { smallPerProject, largePerProject } = this.bounds;
    if (to > from && (small > smallPerProject || large > largePerProject))
      throw new AppError('too_many_requests', 'Too many bytes of request bodies of this project at once');
    set(this.#small, owner, small);
    set(this.#large, owner, large);
  }

  #moveInAll(from: number, to: number): void {
    const large = this.#largeInAll + to - from;
    if (to > from && large > this.bounds.largeInAll)
      throw new AppError('too_many_requests', 'Too many bytes of request bodies at once');
    this.#largeInAll = large;
  }
}

function smallPart(bytes: number): number {
  return bytes <= SMALL_BODY_BYTES ? bytes : 0;
}

function largePart(bytes: number): number {
  return bytes - smallPart(bytes);
}

function set(bytesOf: Map<string, number>, owner: string, bytes: number): void {
  if (bytes > 0) bytesOf.set(owner, bytes);
  else bytesOf.delete(owner);
}
