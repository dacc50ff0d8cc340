#!/usr/bin/env python3
"""Compare the templates of two commits: python3 .ci/compare_templates.py OLD [NEW]

Synthesizes the shipped environments and the tests' fixtures at both commits, masks
what a change of words may change, and compares the rest. NEW is the working tree
unless it is given. For refactorings: exits with 1 if a template differs.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = "PARROT_KEPT_FIXTURES"
MASK = "(masked)"


def run(directory, *command, **variables):
    """Run a command, and show its output only if it fails."""
    environment = os.environ | {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"} | variables
    done = subprocess.run(command, cwd=directory, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed in {directory}:\n{done.stdout}{done.stderr}")


def synthesize(tree, out):
    """Write the shipped assembly and the fixtures' assembly of a tree below out."""
    run(tree, "npx", "cdk", "synth", "--quiet", "--output", str(out / "shipped"), CDK_VALIDATION="false")
    fixtures = out / "fixtures"
    fixtures.mkdir()
    package = "./stacks" if list(tree.glob("stacks/*_test.go")) else "."
    run(tree, "go", "test", package, "-count=1", "-run", "Subnets", **{FIXTURES: str(fixtures)})


def masked(value, path=()):
    """Return the value without what words, code and assets may change."""
    if isinstance(value, dict):
        return {key: masked(child, (*path, key)) for key, child in value.items()}
    if isinstance(value, list):
        return [masked(child, path) for child in value]
    key = path[-1] if path else ""
    words = key in ("AlarmDescription", "InputTemplate")
    # Those of resources are compared: a new one may replace the resource.
    if words or key == "Description" and "Properties" not in path:
        return MASK
    return value


def template(document):
    """Return a template with masks."""
    resources = document.get("Resources", {})
    for resource in resources.values():
        properties = resource.get("Properties", {})
        kind = resource["Type"]
        if kind == "AWS::SSM::Parameter":
            properties["Description"] = MASK
        if kind == "AWS::CloudWatch::Dashboard":
            properties["DashboardBody"] = re.sub(r'(\\?"(?:title|markdown)\\?":\\?").*?(\\?")', rf"\1{MASK}\2", json.dumps(properties["DashboardBody"]))
        if kind == "AWS::CodeBuild::Project":
            properties["Source"]["BuildSpec"] = MASK
    text = json.dumps(masked(document), sort_keys=True, indent=1)
    # The rotation's program is an asset: its hash is that of its code.
    return re.sub(r"[0-9a-f]{64}", MASK, text)


def templates(out):
    """Return the masked templates by their path."""
    return {
        str(path.relative_to(out)): template(json.loads(path.read_text()))
        for path in sorted(out.rglob("*.template.json"))
    }


def main():
    """Compare, and say how many templates are equal."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        found = []
        for name, commit in zip(("old", "new"), (*sys.argv[1:], None)):
            out = pathlib.Path(scratch) / name
            out.mkdir()
            tree = ROOT
            if commit:
                tree = pathlib.Path(scratch) / f"{name}-tree"
                run(ROOT, "git", "worktree", "add", "--detach", str(tree), commit)
                os.symlink(ROOT / "node_modules", tree / "node_modules")
            try:
                synthesize(tree, out)
            finally:
                if commit:
                    run(ROOT, "git", "worktree", "remove", "--force", str(tree))
            found.append(templates(out))
    old, new = found
    different = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    for name in different:
        print(f"different: {name}")
        before, after = old.get(name, "").splitlines(), new.get(name, "").splitlines()
        for line in [f"  - {line.strip()}" for line in before if line not in after][:20]:
            print(line)
        for line in [f"  + {line.strip()}" for line in after if line not in before][:20]:
            print(line)
    print(f"{len(old.keys() | new.keys()) - len(different)} of {len(old.keys() | new.keys())} templates are equal")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
