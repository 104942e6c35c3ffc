// Makes the files beside it from the npm package @bufbuild/cel-spec, which carries the test data of cel-spec (Apache-2.0) and what cel-go
// made of each expression: node generate.mjs [folder of the unpacked package]. Without a folder it fetches the pinned version by npm.
//
// A case is left out when it names a message type, an enum type or an extension of protocol buffers, which Plinth has no use for, and for
// no other reason: excluded.tsv holds every case that was, with which of the three it is and the word that it names.
// google.protobuf.Timestamp and .Duration are not such words: they are the names of CEL's own types, unless one is made as a message. Nor
// is an enum's constant, which is an int with a long name: GlobalEnum's are declared to the cases that use them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const version = '0.6.1';
const here = dirname(fileURLToPath(import.meta.url));

function fetched() {
  const folder = mkdtempSync(join(tmpdir(), 'cel-spec-'));
  execFileSync('npm', ['pack', `@bufbuild/cel-spec@${version}`, '--silent'], { cwd: folder });
  execFileSync('tar', ['xzf', `bufbuild-cel-spec-${version}.tgz`], { cwd: folder });
  return join(folder, 'package');
}

const data = join(process.argv[2] ?? fetched(), 'dist/esm/testdata');

// Message types of the suite and of protocol buffers, their extensions, and the parts of the test format that hold messages.
const words = new RegExp([
  /google\.protobuf\.(?!Timestamp\b|Duration\b)\w+/, /google\.protobuf\.(?:Timestamp|Duration)(?=\s*\{)/, /google\.expr\.\w[\w.]*/,
  /"enumValue":\{"type":"[^"]+"/, /cel\.expr\.conformance\.\w[\w.]*/, /\b(?:Nested)?TestAllTypes\b/, /\bTestRequired\b/,
  /\bGlobalEnum(?=\()/, /\bproto\.(?:has|get)Ext\b/, /"wrapper":"\w+"/, /"wellKnown":"ANY"/,
].map(r => r.source).join('|'));

/** What the case itself says. Its container alone names nothing, but a message that is made in it is one of the container's. */
const named = test => {
  const { container, description, name, expr, ...said } = test.original;
  const made = container ? /\b[A-Z]\w*(?=\s*\{)/.exec(expr)?.[0] : undefined;
  return words.exec(expr)?.[0] ?? words.exec(JSON.stringify(said))?.[0] ?? words.exec(`${test.type ?? ''}`)?.[0]
    ?? (made && `${container}.${made}`);
};

const kindOf = word => /Ext$|_ext\b|proto2\.(repeated_test_all_types|Proto2ExtensionScopedMessage)/.test(word) ? 'extension'
  : /GlobalEnum/.test(word) ? 'enum' : 'message';

/** The constants of the suite's enum, in the container of a case that speaks of them. */
const enumerated = ({ expr, container }) => !/\bGlobalEnum\./.test(expr) ? []
  : ['GOO', 'GAR', 'GAZ'].map((word, number) => ({ name: `${container}.GlobalEnum.${word}`, number }));

// The variables and functions that cel-go's checker test gives to each of its expressions; the data does not repeat them.
const primitive = { is: 'STRING', ii: 'INT64', iu: 'UINT64', iz: 'BOOL', ib: 'BYTES', id: 'DOUBLE' };
const checkerEnvironment = [
  ...Object.entries(primitive).map(([name, type]) => ({ name, ident: { type: { primitive: type } } })),
  { name: 'ix', ident: { type: { null: null } } },
  { name: 'fg_s', function: { overloads: [{ resultType: { primitive: 'STRING' } }] } },
  { name: 'fi_s_s', function: { overloads: [
    { params: [{ primitive: 'STRING' }], resultType: { primitive: 'STRING' }, isInstanceFunction: true }] } },
];

const excluded = [];
for (const suite of ['conformance', 'parsing', 'checking', 'comprehension']) {
  const { tests } = await import(pathToFileURL(join(data, `${suite}.js`)));
  const lines = [];
  let number = 0;
  (function walk(node, path) {
    for (const test of node.tests ?? []) {
      number++;
      const o = test.original, name = [...path, o.name ?? `${number}`].join('/');
      const word = named(test);
      if (word) excluded.push([suite, name, kindOf(word), word, JSON.stringify(o.expr)].join('\t'));
      else {
        // The tree is kept where it is what the suite is about; elsewhere the value says enough.
        const keepsTree = suite === 'parsing' || suite === 'comprehension';
        const constants = enumerated(o);
        const typeEnv = suite === 'checking' ? [...checkerEnvironment, ...(o.typeEnv ?? [])]
          : constants.length ? constants.map(c => ({ name: c.name, ident: { type: { primitive: 'INT64' } } })) : o.typeEnv;
        const bindings = constants.length
          ? Object.fromEntries(constants.map(c => [c.name, { value: { int64Value: `${c.number}` } }])) : o.bindings;
        const recorded = (test.error ?? '').split('\n').filter(l => l.startsWith('ERROR: ')).map(l => l.replace(/^ERROR: \S+ /, '')).join('; ');
        lines.push(JSON.stringify({
          name, expr: o.expr, container: o.container, typeEnv, bindings, value: o.value, typedResult: o.typedResult,
          evalError: o.evalError ? true : undefined, unchecked: o.disableCheck, checkOnly: o.checkOnly, type: test.type,
          tree: keepsTree ? test.ast : undefined, error: suite === 'conformance' ? undefined : recorded || undefined,
        }));
      }
    }
    for (const child of node.suites ?? []) walk(child, [...path, child.name]);
  })(tests, []);
  writeFileSync(join(here, `${suite}.jsonl`), lines.join('\n') + '\n');
  console.log(`${suite}: ${number} cases, ${lines.length} kept`);
}
writeFileSync(join(here, 'excluded.tsv'), excluded.join('\n') + '\n');
