// Gives templates to cdk-nag: node nag.cjs OUT TEMPLATE…, one JSON object on standard output.
//
// { pack: { failed: [finding], excused: [finding] } }, each finding with its rule, stack, resource and, if excused, the reason.

const { mkdirSync, readFileSync, readdirSync } = require("node:fs");
const { basename, join } = require("node:path");
const { App, Aspects, LegacyStackSynthesizer, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks, NIST80053R5Checks, PCIDSS321Checks, NagReportFormat } = require("cdk-nag");

const [out, ...templates] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const app = new App({ outdir: out, analyticsReporting: false });
for (const templateFile of templates) {
  const stack = new Stack(app, basename(templateFile, ".template.json"), { synthesizer: new LegacyStackSynthesizer() });
  new CfnInclude(stack, "Template", { templateFile });
}
const packs = { AwsSolutions: AwsSolutionsChecks, "NIST.800.53.R5": NIST80053R5Checks, "PCI.DSS.321": PCIDSS321Checks };
for (const Pack of Object.values(packs)) {
  Aspects.of(app).add(new Pack({ reports: true, reportFormats: [NagReportFormat.JSON] }));
}
app.synth();

const found = {};
for (const [name] of Object.entries(packs)) {
  found[name] = { failed: [], excused: [] };
}
for (const file of readdirSync(out).filter((file) => file.endsWith("NagReport.json"))) {
  const pack = Object.keys(packs).find((name) => file.startsWith(name));
  const stack = file.slice(pack.length + 1, -"-NagReport.json".length);
  for (const line of JSON.parse(readFileSync(join(out, file), "utf8")).lines) {
    const finding = { rule: line.ruleId, stack, resource: line.resourceId, level: line.ruleLevel };
    if (line.compliance === "Compliant") continue;
    if (line.compliance === "Suppressed") {
      found[pack].excused.push({ ...finding, reason: line.exceptionReason });
    } else {
      found[pack].failed.push({ ...finding, compliance: line.compliance });
    }
  }
}
console.log(JSON.stringify(found));
