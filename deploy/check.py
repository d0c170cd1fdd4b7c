"""Are the files of this folder what their programs read?

Usage: check.py PROGRAM     (needs PyYAML; rsyslogd and the oktawatch program)
"""

import ast
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
# Values that a compose file may refer to and that are ours.
SERVICES = {"kafka", "topics", "oktawatch", "forwarder"}


def settings(program, config):
    """What `config show` says of a file; fails when the program refuses it."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OKTAWATCH_")}
    done = subprocess.run(
        [program, "config", "show", "--config", config], capture_output=True, text=True, env=clean
    )
    if done.returncode != 0:
        raise SystemExit(f"{config}: {done.stderr.strip()}")
    return done.stdout


def keys(tree, prefix=""):
    """Every key of a TOML document with its section."""
    for key, value in tree.items():
        if isinstance(value, dict) and not prefix:
            yield from keys(value, f"{key}.")
        else:
            yield prefix + key


def check_example(program):
    """Every key of the example is shown by the program, and the program knows no other."""
    file = HERE / "oktawatch.example.toml"
    shown = settings(program, file)
    example = set(keys(tomllib.loads(file.read_text())))
    known = {line.split()[0] for line in shown.splitlines() if line and line.split()[0].count(".") == 1}
    # Files that are nobody's by default can only stand in comments.
    known -= {"geoip.city", "geoip.asn", "geoip.anonymous"}
    if known - example:
        raise SystemExit(f"{file}: leaves out {sorted(known - example)}")
    if example - known:
        raise SystemExit(f"{file}: {sorted(example - known)} are not shown by `config show`")


def check_compose():
    """The services that others wait for are there, and the files that they mount."""
    compose = yaml.safe_load((HERE / "compose.yaml").read_text())
    services = compose["services"]
    if set(services) != SERVICES:
        raise SystemExit(f"compose.yaml: services are {sorted(services)}")
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            if other not in services:
                raise SystemExit(f"compose.yaml: {name} waits for {other}, which is not there")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and not (HERE / source).exists():
                raise SystemExit(f"compose.yaml: {name} mounts {source}, which is not there")


def check_forwarders():
    """Each example parses, and is in the list; rsyslog reads its own."""
    listed = (HERE / "forwarders" / "README.md").read_text()
    for file in sorted((HERE / "forwarders").iterdir()):
        text = file.read_text()
        if file.suffix in {".yaml", ".yml"}:
            yaml.safe_load(text)
        elif file.suffix == ".py":
            ast.parse(text)
        if file.name != "README.md" and f"({file.name})" not in listed:
            raise SystemExit(f"{file.name} is not in the list of forwarders")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "rsyslog.conf"
        rules = (HERE / "forwarders" / "rsyslog.conf").read_text()
        config.write_text(f'global(workDirectory="{folder}")\n{rules}')
        done = subprocess.run(["rsyslogd", "-N1", "-f", config], capture_output=True, text=True)
        if done.returncode != 0 or "error" in done.stderr.lower():
            raise SystemExit(f"rsyslog.conf: {done.stderr}")


def main(program):
    check_example(program)
    settings(program, HERE / "oktawatch.container.toml")
    check_compose()
    check_forwarders()
    print("the files of deploy/ are read as they should be")


if __name__ == "__main__":
    main(sys.argv[1])
