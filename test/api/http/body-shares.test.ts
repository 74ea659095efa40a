import { afterEach, describe, expect, test } from '@jest/globals';

import { BodyShares, type BodyShare } from '../../../src/api/http/body-shares.js';

const KIB = 1024;
const BOUNDS = { smallPerProject: 100 * KIB, largePerProject: 200 * KIB, largeInAll: 300 * KIB };
const OWN = 'Too many bytes of request bodies of this project at once';
const ALL = 'Too many bytes of request bodies at once';

describe('the bytes of request bodies', () => {
  let shares = new BodyShares(BOUNDS);
  afterEach(() => {
    shares = new BodyShares(BOUNDS);
  });
  const announced = (project: string, kib: number): BodyShare => {
    const share = shares.open(project);
    share.announce(kib * KIB);
    return share;
  };
  const arrived = (project: string, kib: number): BodyShare => {
    const share = shares.open(project);
    share.arrived(kib * KIB);
    return share;
  };

  test('of one project are limited, and no other project is concerned', () => {
    announced('p', 150);
    expect(() => announced('p', 70)).toThrow(OWN);
    announced('q', 200);
  });

  test('announced for one project take nothing from all; those that arrived do', () => {
    announced('p', 200);
    announced('q', 200);
    arrived('r', 200);
    arrived('s', 100);
    expect(() => arrived('t', 70)).toThrow(ALL);
  });

  test('of small bodies are counted apart', () => {
    arrived('p', 200);
    arrived('q', 100);
    arrived('p', 60);
    expect(() => arrived('p', 60)).toThrow(OWN);
    arrived('r', 60);
  });

  test('count as those of a large body once they are more than 64 KiB', () => {
    const growing = arrived('p', 60);
    growing.arrived(60 * KIB);
    arrived('p', 60);
    announced('p', 80);
    expect(() => growing.arrived(KIB)).toThrow(OWN);
  });

  test.each([
    ['announced', announced],
    ['arrived', arrived],
  ])('%s are given back once, however often that is said', (_, open) => {
    const first = open('p', 150);
    first.giveBack();
    first.giveBack();
    const second = open('p', 200);
    expect(() => open('p', 70)).toThrow(OWN);
    second.giveBack();
    open('p', 200);
  });

  test('that are refused can be given back', () => {
    const refused = arrived('p', 150);
    expect(() => refused.arrived(100 * KIB)).toThrow(OWN);
    refused.giveBack();
    arrived('p', 200);
  });
});
