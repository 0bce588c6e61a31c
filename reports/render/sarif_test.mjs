// A SARIF file against the OASIS schema: node sarif_test.mjs FILE. With ajv, and the schema that
// SARIF_SCHEMA names or that comes with Microsoft's validator. Exit status 125: not here.
import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const require = createRequire(import.meta.url);
const file = process.argv[2];

function found(name) {
  try { return require(name); } catch { return undefined; }
}

function with_ajv(Ajv, schema) {
  const ajv = new Ajv({ allErrors: true, strict: false });
  const formats = found('ajv-formats');
  if (formats) formats(ajv);
  const validate = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')));
  if (validate(JSON.parse(readFileSync(file, 'utf8')))) return [];
  return validate.errors.map((error) => error.instancePath + ': ' + error.message);
}

const schema = [process.env.SARIF_SCHEMA, ...(process.env.NODE_PATH || '').split(':').filter(Boolean)
  .map((folder) => path.join(folder, '@microsoft/sarif-multitool-linux/sarif-2.1.0.json'))].find((one) => one && existsSync(one));
// The standard is of draft 04, the tool's copy of a newer draft.
const is_new = schema && readFileSync(schema, 'utf8').includes('draft/2020-12');
const module = found(is_new ? 'ajv/dist/2020' : 'ajv-draft-04');
if (!module || !schema) {
  console.log('skipped: neither SARIF_SCHEMA nor @microsoft/sarif-multitool-linux in NODE_PATH, or no ajv');
  process.exit(125);
}
const problems = with_ajv(module.default || module, schema);
for (const problem of problems.slice(0, 20)) console.log(problem);
console.log(problems.length === 0 ? 'valid' : problems.length + ' problems');
process.exit(problems.length === 0 ? 0 : 1);
