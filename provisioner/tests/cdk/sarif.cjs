// Is a file valid SARIF 2.1.0? Usage: node sarif.cjs FILE ; exits 1 with the reasons if it is not.
const fs = require('fs');
const path = require('path');
const Ajv = require('ajv');

const packages = path.dirname(require.resolve('@microsoft/jest-sarif/package.json'));
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const ajv = new Ajv({ schemaId: 'id', meta: false, unknownFormats: 'ignore', allErrors: true });
ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
const validate = ajv.compile(read(path.join(packages, 'lib/schemas/sarif-2.1.0-rtm.5.json')));
if (!validate(read(process.argv[2]))) {
  console.error(ajv.errorsText(validate.errors, { separator: '\n' }));
  process.exit(1);
}
