// A port is an interface with methods that another file implements. It needs two implementations, or a boundary to
// guard. Elsewhere, `Pick` of the real thing says the same and cannot drift from it.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

import { root } from './prepare.mjs';

/** The boundaries: ports with one implementation, by file. `*` stands for all of a file. */
const BOUNDARIES = {
  // The API does not know who stores and who wires.
  'src/api/ports.ts': ['*'],
  // The pure core reports to `explain`.
  'src/alarm/types/judged-point.ts': ['JudgementListener'],
  // Datasources know neither the evaluator nor Keystone, and the built-in one does not know the database.
  'src/datasource/datasource.ts': ['Trace'],
  'src/datasource/token-source.ts': ['TokenSource'],
  'src/datasource/meters/meters.ts': ['MeterSeriesStore'],
  // Ownership of partitions knows neither the database nor the evaluator.
  'src/partition/membership.ts': ['MemberStore'],
  'src/partition/ownership.ts': ['PartitionStore', 'OwnershipListener'],
  // The regular expressions of clients run in RE2, which only the API has.
  'src/storage/queries/complex-filter.ts': ['Pattern'],
  // The process, to a command.
  'src/cli/terminal.ts': ['Terminal'],
};

/** Ports that lack a second implementation and are no boundary, and listed boundaries that are no ports. */
export function portProblems(base, files, boundaries) {
  const program = ts.createProgram({ rootNames: files, options: compilerOptions() });
  const checker = program.getTypeChecker();
  const sources = program.getSourceFiles().filter(({ fileName }) => files.includes(fileName));
  const described = interfacesWithMethods(checker, sources);
  for (const source of sources) {
    forEachImplementation(checker, source, (type) => described.get(type)?.implementedIn.push(source.fileName));
  }
  const nameOf = (file) => path.relative(base, file);
  const ports = [...described.values()]
    .filter(({ file, implementedIn }) => !implementedIn.includes(file) && implementedIn.length < 2)
    .map(({ name, file, implementedIn: [only] }) => ({ name, file: nameOf(file), only: only && nameOf(only) }));
  const isListed = ({ name, file }) => boundaries[file]?.some((each) => each === '*' || each === name);
  return [
    ...ports
      .filter((port) => !isListed(port))
      .map(
        ({ name, file, only }) =>
          `${file}: ${name} has one implementation (${only ?? 'which does not name it'}). ` +
          'Use Pick of that, or list the boundary in scripts/check-ports.mjs',
      ),
    ...Object.entries(boundaries).flatMap(([file, names]) =>
      names
        .filter((name) => !ports.some((port) => port.file === file && (name === '*' || port.name === name)))
        .map((name) => `scripts/check-ports.mjs lists a boundary that is no port: ${name} of ${file}`),
    ),
  ];
}

function interfacesWithMethods(checker, sources) {
  const found = new Map();
  for (const source of sources) {
    ts.forEachChild(source, (node) => {
      const members = node.members ?? node.type?.members;
      if (!ts.isInterfaceDeclaration(node) && !ts.isTypeAliasDeclaration(node)) return;
      if (!members?.some(ts.isMethodSignature)) return;
      const { symbol } = checker.getTypeAtLocation(node.name);
      found.set(symbol, { name: node.name.text, file: source.fileName, implementedIn: [] });
    });
  }
  return found;
}

/** Calls `note` with each type that a class or an object literal of this file implements, base types included. */
function forEachImplementation(checker, source, note) {
  const noteAll = (type) => {
    if (type === undefined) return;
    if (type.isUnionOrIntersection()) return type.types.forEach(noteAll);
    const declared = type.target ?? type;
    if (declared.symbol) note(declared.symbol);
    if (declared.isClassOrInterface()) checker.getBaseTypes(declared).forEach(noteAll);
  };
  const visit = (node) => {
    if (ts.isObjectLiteralExpression(node)) noteAll(checker.getContextualType(node));
    if (ts.isClassDeclaration(node)) {
      for (const { types } of node.heritageClauses ?? [])
        types.forEach((type) => noteAll(checker.getTypeAtLocation(type)));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function compilerOptions() {
  return ts.convertCompilerOptionsFromJson(
    ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile).config.compilerOptions,
    root,
  ).options;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = ts.sys.readDirectory(path.join(root, 'src'), ['.ts']);
  const problems = portProblems(root, files, BOUNDARIES);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
