/** What stands for all projects in requests about pauses. */
export const ALL_PROJECTS = '*';
