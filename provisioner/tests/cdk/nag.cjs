// Gives templates to cdk-nag: node nag.cjs TEMPLATE…, one JSON object on standard output.
//
// { pack: { failed: [finding], excused: [finding] } }, each finding with its rule, stack and resource. A finding is excused by its
// rule in the resource's metadata, `cdk_nag.rules_to_suppress`, with a reason.

const { readFileSync } = require("node:fs");
const { basename } = require("node:path");
const { App, LegacyStackSynthesizer, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks, NIST80053R5Checks, PCIDSS321Checks } = require("cdk-nag");

const packs = { AwsSolutions: AwsSolutionsChecks, "NIST.800.53.R5": NIST80053R5Checks, "PCI.DSS.321": PCIDSS321Checks };
const found = Object.fromEntries(Object.keys(packs).map((name) => [name, { failed: [], excused: [] }]));

for (const templateFile of process.argv.slice(2)) {
  const name = basename(templateFile, ".template.json");
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, name, { synthesizer: new LegacyStackSynthesizer() });
  new CfnInclude(stack, "Template", { templateFile });
  const resources = JSON.parse(readFileSync(templateFile, "utf8")).Resources;
  for (const [pack, Checks] of Object.entries(packs)) {
    for (const violation of new Checks(app).validateScope(app).violations) {
      for (const { constructPath } of violation.violatingResources) {
        const id = constructPath.split("/").pop();
        const excuses = resources[id]?.Metadata?.cdk_nag?.rules_to_suppress ?? [];
        const excuse = excuses.find((excuse) => violation.ruleName === excuse.id);
        const finding = { rule: violation.ruleName, stack: name, resource: id, reason: excuse?.reason };
        found[pack][excuse ? "excused" : "failed"].push(finding);
      }
    }
  }
}
console.log(JSON.stringify(found));
