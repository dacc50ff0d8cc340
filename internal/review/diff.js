// Compares templates with the library that the CDK CLI uses, which knows
// CloudFormation's specification of each type. Reads {key: {old, new}} and writes
// what Changes in diff.go says. In the templates a reference is a text,
// ${Stack.LogicalID.Attribute}, whatever function it was written with.
const { fullDiff } = require('@aws-cdk/cloudformation-diff');
const { loadResourceModel } = require('@aws-cdk/cloudformation-diff/lib/diff/util');

const templates = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const replaces = new Set(['WILL_REPLACE', 'MAY_REPLACE']);

// What refers to a replaced resource gets another value, and may be replaced for
// it. The library follows Ref and Fn::GetAtt in one stack; this follows all.
const markReplaced = (stack, id, value) => {
  if (typeof value === 'string') {
    return value.replaceAll(`\${${stack}.${id}}`, `\${${stack}.${id}'}`).replaceAll(`\${${stack}.${id}.`, `\${${stack}.${id}'.`);
  }
  if (Array.isArray(value)) return value.map((element) => markReplaced(stack, id, element));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, markReplaced(stack, id, member)]));
};

const withReplacements = (stack, old, template) => {
  const marked = new Set();
  for (;;) {
    const diff = fullDiff(old, template);
    const next = Object.entries(diff.resources.changes)
      .filter(([id, change]) => change.isUpdate && change.changeImpact === 'WILL_REPLACE' && !marked.has(id));
    if (next.length === 0) return diff;
    for (const [id] of next) {
      marked.add(id);
      template = markReplaced(stack, id, template);
    }
  }
};

const statement = (s) => ({
  effect: s.effect,
  actions: s.actions, resources: s.resources, principals: s.principals,
  condition: s.condition ? JSON.stringify(s.condition) : '',
  unread: s.serializedIntrinsic ?? '',
});
const added = (collection, write) => collection.additions.map(write);
const removed = (collection, write) => collection.removals.map(write);
const policy = (p) => ({ identity: p.identityArn, policy: p.managedPolicyArn });
const rule = (direction) => (r) => ({ direction, ...r.toJson() });

const stacks = {};
const types = {};
for (const [key, { stack, old, new: template }] of Object.entries(templates)) {
  const diff = fullDiff(old, template);
  const replaced = withReplacements(stack, old, template);
  const resources = {};
  for (const [id, change] of Object.entries(replaced.resources.changes)) {
    const own = diff.resources.get(id);
    if (!own.isDifferent && !replaces.has(change.changeImpact)) continue; // only another value, in place
    const properties = {};
    for (const [name, update] of Object.entries(change.propertyUpdates)) {
      if (own.propertyUpdates[name] || replaces.has(update.changeImpact)) properties[name] = update.changeImpact;
    }
    resources[id] = { impact: change.changeImpact, properties, attributes: Object.keys(own.otherChanges) };
  }
  const { iamChanges: iam, securityGroupChanges: groups } = diff;
  stacks[key] = {
    resources,
    granted: added(iam.statements, statement), revoked: removed(iam.statements, statement),
    attached: added(iam.managedPolicies, policy), detached: removed(iam.managedPolicies, policy),
    opened: [...added(groups.ingress, rule('in')), ...added(groups.egress, rule('out'))],
    closed: [...removed(groups.ingress, rule('in')), ...removed(groups.egress, rule('out'))],
  };
  for (const t of [old, template]) {
    for (const { Type } of Object.values(t.Resources ?? {})) {
      const model = loadResourceModel(Type);
      const identifier = model?.primaryIdentifier ?? [];
      types[Type] ??= {
        stateful: model?.isStateful ?? false,
        // A type without an identifier, like a record of a zone, is not named by Name alone.
        name: identifier.length === 1 ? [...identifier, 'Name'].find((p) => model.properties[p]?.causesReplacement === 'yes') ?? '' : '',
      };
    }
  }
}
process.stdout.write(JSON.stringify({ stacks, types }));
