// Arrows point down only. Each package may import the packages listed with it, by their names, and nothing that lies
// above it; a package that is not listed here fails, so that a new one takes its place on purpose.
const kernels = ['core', 'embedding', 'kernels'];
const recurrence = [...kernels, 'autograd', 'recurrence'];
const below = {
  core: [],
  embedding: ['core'],
  safetensors: ['core'],
  storage: ['core'],
  kernels: ['core', 'embedding'],
  conformance: kernels,
  'backend-[a-z]+': kernels,
  autograd: kernels,
  recurrence: [...kernels, 'autograd'],
  model: [...recurrence, 'safetensors', 'storage'],
  // Below evaluation, which generates text.
  inference: [...recurrence, 'safetensors', 'storage', 'model'],
  data: ['core', 'storage'],
  distributed: ['core'],
  training: [...recurrence, 'storage', 'model', 'data'],
  backends: [...recurrence, 'storage', 'model', 'data', 'training', 'backend-[a-z]+'],
  evaluation: [...recurrence, 'storage', 'model', 'inference', 'data'],
  start: [...recurrence, 'storage', 'model', 'inference', 'data', 'training', 'backends'],
  experiments: [...recurrence, 'storage', 'model', 'inference', 'data', 'training', 'evaluation'],
};
// Those that may bring packages of others. All the rest are used where every kilobyte and every licence counts.
const bringing = require('./tools/checks/bringing.json').join('|');
const npm = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

const tests = '\\.(test|cases)\\.ts$';
const names = Object.keys(below).join('|');

module.exports = {
  forbidden: [
    ...Object.entries(below).map(([name, allowed]) => ({
      name: `arrows-${name.replace('-[a-z]+', '')}`,
      comment: allowed.length ? `${name} imports ${allowed.join(', ')} at most.` : `${name} imports no other package.`,
      severity: 'error',
      from: { path: `^packages/${name}/src/`, pathNot: tests },
      to: { path: '^(packages|apps|tools)/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
    })),
    {
      name: 'arrows-unlisted',
      comment: 'A new package takes its place in .dependency-cruiser.cjs.',
      severity: 'error',
      from: { path: '^packages/', pathNot: [`^packages/(${names})/`, tests] },
      to: {},
    },
    {
      name: 'by-name',
      comment: 'Another package is imported by its name, never by a path into it.',
      severity: 'error',
      from: { path: '^(packages|apps|tools)/([^/]+)/src/' },
      to: {
        path: '^(packages|apps|tools)/',
        pathNot: '^$1/$2/',
        dependencyTypesNot: ['aliased', 'aliased-tsconfig', 'aliased-tsconfig-paths', 'aliased-workspace'],
      },
    },
    {
      name: 'no-internals',
      comment: 'Only what index.ts exports is public.',
      severity: 'error',
      from: { path: '^(packages|apps|tools)/([^/]+)/src/' },
      to: { path: '^packages/[^/]+/', pathNot: ['^$1/$2/', '^packages/[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'core-without-dependencies',
      comment: 'A package needs nothing at run time but the others, unless tools/checks/bringing.json lists it.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: [`^packages/(${bringing})/`, tests] },
      to: { dependencyTypes: npm },
    },
    {
      name: 'declared',
      comment: 'What is imported stands under dependencies in package.json.',
      severity: 'error',
      from: { path: '^(packages|apps)/[^/]+/src/', pathNot: tests },
      // An optional peer is a development dependency as well, to be there for the tests.
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
    {
      name: 'runs-anywhere',
      comment: 'These packages run in browsers too: no Node modules.',
      severity: 'error',
      from: {
        path: '^packages/(core|embedding|safetensors|storage|kernels|autograd|recurrence|model|inference|backends|start)/src/',
        pathNot: tests,
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-tests-in-sources',
      severity: 'error',
      from: { pathNot: tests },
      to: { path: tests },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    // A package of global types alone has nothing to resolve to.
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^@webgpu/types$' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
