import type { SampleType } from './resource-list.js';

/** A meter with its resources taken together. */
export interface ListedMeter {
  name: string;
  /** Type and unit of the resource with the newest sample. */
  type: SampleType;
  unit: string;
  /** Resources that have the meter. A resource id in two projects counts twice. */
  resources: number;
  /** False if not all resources were counted. Only the counted ones were read. */
  isComplete: boolean;
  lastSampleAt: Date;
}

/** Conditions on listed meters, which must all hold. */
export interface ListedMeterFilter {
  name?: string | undefined;
  /** A part of the name, in any letter case. */
  search?: string | undefined;
  resourceId?: string | undefined;
  /** The user of the newest sample. No index has the users of all projects: use it with the scope of one project. */
  userId?: string | undefined;
}

/** One page of meters, by name. */
export interface ListedMeterQuery {
  filter: ListedMeterFilter;
  limit: number;
  /** The name before the first one of the page. */
  after?: string | undefined;
  /** When it aborts, no further statement is executed: the page is incomplete then. */
  signal?: AbortSignal | undefined;
}

/** Meters of one page. A page can be short although another one follows. */
export interface ListedMeterPage {
  meters: ListedMeter[];
  /** The name after which the next page begins; undefined if none follows. */
  next: string | undefined;
}

/** A resource of one project. */
export interface ListedResource {
  resourceId: string;
  projectId: string | null;
  /** User and source of the newest sample. */
  userId: string | null;
  source: string;
  /** Names of its first meters. */
  meters: string[];
  meterCount: number;
  /** False if it has more meters. Only the counted ones were read. */
  isComplete: boolean;
  lastSampleAt: Date;
}

/** Conditions on the meters of listed resources, which must all hold. */
export interface ListedResourceFilter {
  meter?: string | undefined;
  /** A part of the id of the resource, in any letter case. */
  search?: string | undefined;
  userId?: string | undefined;
}

/** The order of listed resources. `projectId` is '' for none. */
export interface ResourcePosition {
  resourceId: string;
  projectId: string;
}

/** One page of resources, by id. */
export interface ListedResourceQuery {
  filter: ListedResourceFilter;
  limit: number;
  after?: ResourcePosition | undefined;
  /** See `ListedMeterQuery`. */
  signal?: AbortSignal | undefined;
}

/** Resources of one page. It can be short or empty although another one follows. */
export interface ListedResourcePage {
  resources: ListedResource[];
  /** The resource after which the next page begins, on no page if it does not match; undefined if none follows. */
  next: ResourcePosition | undefined;
}
