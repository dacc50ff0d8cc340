"""Run cfn-lint on every template of a cloud assembly: no rule is ignored.

What cfn-lint gets wrong is listed here, by rule, resource type and property, with
the reason. An entry that no template needs any more is an error, too, unless the
templates have no resource of the type: the pipeline is there once it is configured.
"""

import json
import pathlib
import subprocess
import sys

FALSE_ALARMS = {
    ("W3691", "AWS::RDS::DBInstance", "Properties"):
        "A major version alone is never deprecated: RDS picks its newest minor version.",
    ("W3010", "AWS::EC2::Subnet", "Properties/AvailabilityZone"):
        "The zones are settings: a zone that AWS picks could be another one in the next deploy, "
        "and replace the subnet.",
    ("E3703", "AWS::CodePipeline::Pipeline", "Properties/Stages/Actions/Configuration/RoleArn"):
        "A matter of taste: CDK joins where it could substitute.",
    ("W3005", "AWS::CodePipeline::Pipeline", "DependsOn"):
        "CDK states a dependency that CloudFormation would find by itself.",
}


def main(assembly: pathlib.Path) -> int:
    templates = sorted(assembly.rglob("*.template.json"))
    if not templates:
        print(f"{assembly} has no templates: run npx cdk synth first", file=sys.stderr)
        return 1
    result = subprocess.run(
        ["cfn-lint", "--format", "json", "--", *map(str, templates)],
        capture_output=True, text=True, check=False,
    )
    try:
        findings = json.loads(result.stdout)
    except json.JSONDecodeError:
        print(f"cfn-lint did not report: {result.stderr or result.stdout}", file=sys.stderr)
        return 1

    resources = {str(t): json.loads(t.read_text())["Resources"] for t in templates}
    types = {resource["Type"] for template in resources.values() for resource in template.values()}
    used, errors = set(), 0
    for finding in findings:
        path = [str(step) for step in finding["Location"]["Path"] or []]
        alarm = None
        if path[:1] == ["Resources"] and len(path) > 1:
            kind = resources[finding["Filename"]][path[1]]["Type"]
            alarm = (finding["Rule"]["Id"], kind, "/".join(step for step in path[2:] if not step.isdigit()))
        if alarm in FALSE_ALARMS:
            used.add(alarm)
            continue
        errors += 1
        print(f'{finding["Filename"]}: {"/".join(path)}: {finding["Rule"]["Id"]} {finding["Message"]}', file=sys.stderr)
    for alarm in {alarm for alarm in FALSE_ALARMS if alarm[1] in types} - used:
        errors += 1
        print(f"{alarm} is no finding any more: remove it from {__file__}", file=sys.stderr)
    print(f"cfn-lint: {len(templates)} templates, {errors} findings, {len(used)} kinds of false alarms")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
