"""Does the chart give what Kubernetes accepts, what the program reads, and what the Restricted standard asks?

Usage: check.py HELM PROGRAM     (needs PyYAML and kubernetes-validate)
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import kubernetes_validate
import yaml

CHART = Path(__file__).resolve().parent / "oktawatch"
KUBERNETES = "1.34"
MONITORING = "monitoring.coreos.com/v1"
# What a user may get wrong, and the word by which they learn of it.
REFUSED = [
    ("replicaCount=2", "replicaCount"),
    ("config.engine.worker=2", "worker"),
    ("config.http.listen=127.0.0.1:9464", "listen"),
    ("kafka.security.protocol=SASL_SSL", "existingSecret"),
    ("image.digest=latest", "digest"),
    ("podDisruptionBudget.maxUnavailable=half", "maxUnavailable"),
]


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def render(helm, *arguments):
    done = run(helm, "template", "release", CHART, "--kube-version", KUBERNETES, *arguments)
    if done.returncode != 0:
        raise SystemExit(f"helm template {arguments}: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def check_kubernetes(documents):
    """Every object is one that the API server's own schemas allow, without unknown keys."""
    for document in documents:
        if document["apiVersion"] == MONITORING:
            continue
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def pods(documents):
    for document in documents:
        if document["kind"] == "Pod":
            yield document["spec"]
        elif document["kind"] in ("Deployment", "StatefulSet"):
            yield document["spec"]["template"]["spec"]


def check_restricted(documents):
    """The Restricted Pod Security Standard, and a root file system that is read-only."""
    for pod in pods(documents):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] != 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for volume in pod["volumes"]:
            assert not {"hostPath", "nfs"} & set(volume), volume
        for container in pod["containers"] + pod.get("initContainers", []):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"]["drop"] == ["ALL"]


def check_config(documents, program):
    """The program reads the rendered configuration."""
    for document in documents:
        text = document.get("data", {}).get("oktawatch.toml") if document["kind"] == "ConfigMap" else None
        if text is None:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            done = run(program, "config", "show", "--config", file.name)
        if done.returncode != 0:
            raise SystemExit(f"the program refuses the rendered configuration: {done.stderr}\n{text}")


def check_mounts(documents):
    """Every mount has its volume, and every volume of a ConfigMap or Secret that the chart makes exists."""
    made = {document["metadata"]["name"] for document in documents}
    for pod in pods(documents):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for container in pod["containers"]:
            for mount in container.get("volumeMounts", []):
                assert mount["name"] in volumes, mount
        for volume in volumes.values():
            name = volume.get("configMap", {}).get("name", "")
            assert not name.startswith("release") or name in made, volume


def check_swaps(documents):
    """A changed rule or list comes to the pod as it runs: a mount with a subPath would never change."""
    for pod in pods(documents):
        for container in pod["containers"]:
            for mount in container.get("volumeMounts", []):
                assert not mount["mountPath"].startswith("/etc/oktawatch/") or "subPath" not in mount, mount


def check_lists(helm, values):
    """Lists stand where the program looks for them, after those of the image."""
    documents = render(helm, "--values", values)
    config = next(d["data"]["oktawatch.toml"] for d in documents if "oktawatch.toml" in d.get("data", {}))
    paths = tomllib.loads(config)["rules"]["paths"]
    assert paths[0].startswith("/usr/share/") and paths[-1] == "/etc/oktawatch/detections/lists", paths
    mounts = [mount for pod in pods(documents) for mount in pod["containers"][0]["volumeMounts"]]
    assert any(mount["mountPath"] == paths[-1] for mount in mounts), mounts


def check_alerts(documents):
    """The alerts about the program use metrics that it has."""
    source = (CHART.parent.parent / "src" / "telemetry" / "metrics.rs").read_text()
    known = {f"oktawatch_{name}" for name in re.findall(r"^    (\w+): (?:Counter|Gauge|Histogram) \[", source, re.M)}
    for document in documents:
        if document["kind"] == "PrometheusRule":
            used = set(re.findall(r"oktawatch_\w+", json.dumps([
                rule["expr"] for group in document["spec"]["groups"] for rule in group["rules"]
            ])))
            assert used and used <= known, f"no such metrics: {sorted(used - known)}"


def check_refusals(helm):
    for wrong, word in REFUSED:
        done = run(helm, "template", "release", CHART, "--kube-version", KUBERNETES, "--set", wrong)
        if done.returncode == 0 or word not in done.stderr:
            raise SystemExit(f"--set {wrong} is not refused with a word about {word}: {done.stderr}")


def check_rolling(helm):
    """Pods are replaced when the configuration changes, and not when rules or lists do, unless set otherwise."""

    def checksum(*arguments, of="config"):
        deployment = next(d for d in render(helm, *arguments) if d["kind"] == "Deployment")
        return deployment["spec"]["template"]["metadata"]["annotations"].get(f"checksum/{of}")

    changed = ("--set", "config.engine.workers=3")
    assert checksum() and checksum() != checksum(*changed)
    assert checksum("--set", "rollOnConfigChange=false") is None
    listed = ("--set", "detections.lists.vips\\.txt=ana@example.com")
    assert checksum(*listed, of="detections") is None
    rolling = (*listed, "--set", "detections.rollOnChange=true")
    changed = (*rolling, "--set", "detections.lists.vips\\.txt=ben@example.com")
    assert checksum(*rolling, of="detections") != checksum(*changed, of="detections")


def check_documented():
    """Every value has a comment of its own for helm-docs, and the schema knows it."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    lines = (CHART / "values.yaml").read_text().splitlines()
    values = yaml.safe_load("\n".join(lines))
    for name, value in values.items():
        assert name in schema["properties"], f"values.schema.json does not know {name}"
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{name}:"))
        above = at - 1
        while above > 0 and lines[above].startswith("# ") and not lines[above].startswith("# --"):
            above -= 1
        own = lines[above].startswith("# --")
        inner = isinstance(value, dict) and re.match(r"  +# --|  \w+:", lines[at + 1])
        assert own or inner, f"values.yaml: {name} has no comment"


def check_settings():
    """The schema knows every setting that the example configuration shows, and no other."""
    example = tomllib.loads((CHART.parent.parent / "deploy" / "oktawatch.example.toml").read_text())
    example["geoip"] |= dict.fromkeys(["city", "asn", "anonymous"])
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["config"]["properties"]
    assert set(schema) == set(example), set(schema) ^ set(example)
    for section, keys in example.items():
        known = set(schema[section]["properties"])
        assert known == set(keys), f"[{section}]: {known ^ set(keys)}"


def main(helm, program):
    cases = sorted((CHART / "ci").glob("*-values.yaml"))
    for case in cases:
        lint = run(helm, "lint", "--strict", "--kube-version", KUBERNETES, CHART, "--values", case)
        if lint.returncode != 0:
            raise SystemExit(f"helm lint {case.name}: {lint.stdout}{lint.stderr}")
        for api in ([], ["--api-versions", MONITORING]):
            documents = render(helm, "--values", case, *api)
            check_kubernetes(documents)
            check_restricted(documents)
            check_mounts(documents)
            check_swaps(documents)
            check_config(documents, program)
            check_alerts(documents)
        monitors = {document["kind"] for document in documents} & {"ServiceMonitor", "PrometheusRule"}
        assert len(monitors) == (2 if case.name.startswith("monitoring") else 0), case.name
    check_refusals(helm)
    check_rolling(helm)
    check_lists(helm, CHART / "ci" / "detections-values.yaml")
    check_documented()
    check_settings()
    print(f"the chart passes with {len(cases)} sets of values")


if __name__ == "__main__":
    main(*sys.argv[1:])
