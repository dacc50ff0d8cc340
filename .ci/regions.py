"""What regions do not offer, as cfn-lint knows it: config/regions.json.

    python3 .ci/regions.py            compares the file with cfn-lint
    python3 .ci/regions.py --update   rewrites it

The regions and the types of resources are those in the file: a test keeps the types
those of the templates. A new one is a line there, "AWS::…": [], before --update.
Needs the cfn-lint of .ci/run, which has the types from CloudFormation's registry in
each region, and the classes from RDS's and ElastiCache's offers.
"""

import importlib
import json
import pathlib
import sys

import cfnlint.data.schemas
import cfnlint.version

FILE = pathlib.Path(__file__).parent.parent / "config" / "regions.json"
SCHEMAS = pathlib.Path(cfnlint.data.schemas.__file__).parent

# Sizes from small to large, as people read them.
SIZES = ["micro", "small", "medium", "large", "xlarge"] + [f"{n}xlarge" for n in range(2, 100)]

# What Parrot offers of ElastiCache: Redis 7 on nodes of today, without data tiering
# (r6gd). cfn-lint knows no region that lacks a type.
NODES = ["c7gn", "m5", "m6g", "m7g", "r5", "r6g", "r7g", "t3", "t4g"]

# PostgreSQL runs on x2idn, too, by RDS's documentation; cfn-lint's list of classes by
# version has none of it.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html
ALSO_POSTGRES = ["x2idn"]
VERSIONS = ["17", "18"]

# Regions that have a family by now, and cfn-lint does not know: {"db.m8g": ["eu-west-3"]}.
# aws rds describe-orderable-db-instance-options --engine postgres shows it.
SINCE_THEN = {}


def extension(resource, name):
    return json.loads((SCHEMAS / "extensions" / resource / f"{name}.json").read_text())


def postgres(rules):
    """The classes of an allOf, by what its rules ask for besides the engine."""
    for rule in rules["allOf"]:
        asks = rule["if"]["properties"]
        if asks.get("Engine", {}).get("const") == "postgres":
            yield asks, rule["then"]["properties"]["DBInstanceClass"]["enum"]


def database_classes(regions):
    """The regions that have each class that runs all of Parrot's versions."""
    runs = {version: set() for version in VERSIONS}
    for asks, classes in postgres(extension("aws_rds_dbinstance", "db_instance_class")):
        for version in VERSIONS:
            if asks["EngineVersion"]["pattern"].startswith(f"^({version}\\."):
                runs[version].update(classes)
    offers = extension("aws_rds_dbinstance", "dbinstanceclass_enum")
    having = {}
    for region in regions:
        for _, classes in postgres(offers[region]):
            for name in classes:
                if name.split(".")[1] in ALSO_POSTGRES or all(name in runs[v] for v in VERSIONS):
                    having.setdefault(name, set()).add(region)
    return having


def node_types(regions):
    offers = extension("aws_elasticache_cachecluster", "cachenodetype_enum")
    having = {}
    for region in regions:
        for name in offers[region]["enum"]:
            if name.split(".")[1] in NODES:
                having.setdefault(name, set()).add(region)
    return having


def families(having, regions):
    """Classes as families: the sizes that the same regions lack."""
    grouped = {}
    for name, has in having.items():
        family, size = name.rsplit(".", 1)
        lacking = tuple(region for region in regions if region not in has and region not in SINCE_THEN.get(family, []))
        grouped.setdefault((family, lacking), []).append(size)
    return [
        {"family": family, "sizes": sorted(sizes, key=SIZES.index), "lacking": list(lacking)}
        for (family, lacking), sizes in sorted(grouped.items())
    ]


def resource_types(types, regions):
    """The regions that lack each type."""
    known = {
        region: importlib.import_module("cfnlint.data.schemas.providers." + region.replace("-", "_")).types
        for region in regions
    }
    for kind in types:
        if not any(kind in known[region] for region in regions):
            sys.exit(f"no region has {kind}: is it a type?")
    return {kind: [region for region in regions if kind not in known[region]] for kind in sorted(types)}


def text(value):
    """JSON with a line for each family and type."""
    lines = []
    for key, entry in value.items():
        if isinstance(entry, list) and entry and isinstance(entry[0], dict):
            rows = ",\n    ".join(json.dumps(row) for row in entry)
            lines.append(f"  {json.dumps(key)}: [\n    {rows}\n  ]")
        elif isinstance(entry, dict):
            rows = ",\n    ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in entry.items())
            lines.append(f"  {json.dumps(key)}: {{\n    {rows}\n  }}")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(entry)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main(update):
    now = FILE.read_text()
    regions, types = (json.loads(now)[key] for key in ("regions", "resourceTypes"))
    want = text({
        "source": f"cfn-lint {cfnlint.version.__version__}; .ci/regions.py writes this file",
        "regions": regions,
        "databaseClasses": families(database_classes(regions), regions),
        "nodeTypes": families(node_types(regions), regions),
        "resourceTypes": resource_types(types, regions),
    })
    if update:
        FILE.write_text(want)
    elif want != now:
        sys.exit(f"{FILE} is out of date: run {sys.argv[0]} --update, and read what changes")
    print(f"regions: {FILE.name} is what cfn-lint {cfnlint.version.__version__} knows of {len(regions)} regions")


if __name__ == "__main__":
    main("--update" in sys.argv[1:])
