// Loaded into jest and its workers (--import): a worker ends when jest has ended, also by `kill -9`, instead of running
// its test file to the end. Jest itself has no channel to a parent, and so no such event.
process.once('disconnect', () => process.exit(1));
