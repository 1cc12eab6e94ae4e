"""What the containers run are command lines that reconcile understands."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import typer
import yaml

from reconciler.cli import COMMANDS
from reconciler.settings import Settings
from tests.k8s.manifests import CHART_VALUES, RENDERED, Refused, charted, of_kind, rendered, workloads

TARGETS = {"dev": "dev"}


def parsed(args: list[str]) -> dict[str, Any]:
    """The parameters of a command line, as the real command reads them; nothing is run."""
    name, *rest = args
    assert name in COMMANDS, f"there is no command {name}"
    application = typer.Typer()
    application.callback()(lambda: None)
    import_module(f"reconciler.cli.commands.{name}").register(application)
    group: Any = typer.main.get_command(application)
    command = group.get_command(None, name)
    context = command.make_context(name, list(rest))
    assert not context.args
    return dict(context.params)


@pytest.mark.parametrize("name", RENDERED)
def test_every_command_line_is_understood(name: str) -> None:
    for workload in workloads(rendered(name)):
        for container in workload.containers:
            if container["name"] in {"reconcile", "wait-for-schema"}:
                parameters = parsed(container["args"])
                if container["args"][0] not in {"health"}:
                    target = parameters["target"]
                    wanted = TARGETS.get(name, "prod")
                    assert target == wanted or list(target) == [wanted]


def test_a_flag_that_does_not_exist_is_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(["apply", "--all", "--taget", "prod"])


def test_which_commands_are_run() -> None:
    def of(name: str) -> dict[str | None, str]:
        return {
            one.component: " ".join(one.main["args"]) for one in workloads(rendered(name)) if one.component
        }

    base = of("base")
    assert base["deploy"].startswith("apply --all --target prod")
    assert base["drift"] == "drift --target prod --detailed-exitcode"
    assert "--mode=observe" in base["controller"]
    assert of("dev")["deploy"] == "run --target dev"
    assert "deploy" not in of("controller-apply")
    assert "--mode=apply" in of("controller-apply")["controller"]
    assert of("chart, all on")["deploy"].startswith("run --target prod")


@pytest.mark.parametrize("name", RENDERED)
def test_settings_are_valid_and_the_url_is_where_the_secret_is_mounted(name: str) -> None:
    for manifest in of_kind(rendered(name), "ConfigMap"):
        if "reconcile.yaml" not in manifest["data"]:
            continue
        settings = Settings.model_validate(yaml.safe_load(manifest["data"]["reconcile.yaml"]))
        for target in settings.targets.values():
            assert target.url is None
            for workload in workloads(rendered(name)):
                mounts = {
                    one["name"]: one["mountPath"] for one in workload.containers[-1].get("volumeMounts", [])
                }
                if "database" in mounts:
                    assert target.url_file == f"{mounts['database']}/url"


@pytest.mark.parametrize("name", RENDERED)
def test_the_mounts_are_where_the_settings_look(name: str) -> None:
    for workload in workloads(rendered(name)):
        if workload.component in {None, "test"} or any(
            one["name"] == "git-sync" for one in workload.containers
        ):
            continue
        paths = {one["name"]: one["mountPath"] for one in workload.main["volumeMounts"]}
        home = workload.main["workingDir"]
        assert paths["settings"] == f"{home}/reconcile.yaml"
        assert paths["schema"] == f"{home}/schema"
        assert paths["plans"].startswith(f"{home}/plans/")


def test_another_target_has_its_own_plans_folder() -> None:
    settings = {"targets": {"stage": {"url_file": "/etc/reconcile/database/url"}}}
    for workload in workloads(charted(CHART_VALUES["chart"] | {"target": "stage", "settings": settings})):
        if workload.component != "test":
            assert parsed(workload.main["args"])["target"] in ("stage", ["stage"], ("stage",))
            assert "/workspace/plans/stage" in {one["mountPath"] for one in workload.main["volumeMounts"]}


def test_a_target_without_settings_is_refused() -> None:
    with pytest.raises(Refused, match=r"settings\.targets has no stage"):
        charted({"target": "stage"})
