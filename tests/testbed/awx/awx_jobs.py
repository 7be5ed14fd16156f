# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job template of the stand-in for AWX with the real ansible-runner, as AWX runs a job.

What is written into the private data directory follows awx/main/tasks/jobs.py and
awx/main/models/credential of AWX 24.6.1: credentials as files of ``env`` and as variables of the
environment, answers of a survey as unsafe extra variables, the inventory as a program that prints
it. There is no container: the job runs in the environment of the tests.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from awx_standin import Row, Store
from jinja2.sandbox import ImmutableSandboxedEnvironment
from web.fetched import from_pypi

HERE = Path(__file__).parent
JOB_SECONDS = 400.0


class Unsafe(str):
    """A text that nobody renders as a template."""


class Dumper(yaml.SafeDumper):
    """Writes C(Unsafe) with the tag of Ansible."""


Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


@dataclass(frozen=True)
class Job:
    """One run of a job template.

    Attributes:
        folder: the private data directory.
        playbook: file of the project.
        ident: number of the job.
    """

    folder: Path
    playbook: str
    ident: str

    @property
    def artifacts(self) -> Path:
        """What ansible-runner leaves of the job."""
        return self.folder / "artifacts" / self.ident

    def result(self) -> tuple[str, int]:
        """Return the status of the job and the exit code of ansible-playbook."""
        status = (self.artifacts / "status").read_text()
        return status, int((self.artifacts / "rc").read_text())

    def events(self) -> list[Row]:
        """Return the events in their order."""
        found = [json.loads(path.read_text()) for path in self.artifacts.glob("job_events/*.json")]
        return sorted(found, key=lambda event: int(event["counter"]))

    def stdout(self) -> str:
        """Return what the job has printed, as AWX puts it together from the events."""
        return "\n".join(event["stdout"] for event in self.events() if event["stdout"])


def environment_of(
    store: Store, credentials: list[int], folder: Path, seen_as: Path
) -> dict[str, str]:
    """Write the files of credentials into C(env) and return the variables they set.

    C(seen_as) is where the job has the folder, as /runner in a container.
    """
    sandbox, env = ImmutableSandboxedEnvironment(), {}
    for number in credentials:
        row = store.rows["credentials"][number]
        injectors = store.rows["credential_types"][row["credential_type"]]["injectors"]
        names: dict[str, Any] = {**row["inputs"], "tower": {}}
        for template in injectors.get("file", {}).values():
            # Another name each time: a path that is remembered from another job leads nowhere.
            path = folder / "env" / f"tmp{secrets.token_hex(4)}"
            path.write_text(sandbox.from_string(template).render(names))
            path.chmod(0o600)
            names["tower"] = {"filename": str(seen_as / "env" / path.name)}
        for name, template in injectors.get("env", {}).items():
            env[name] = sandbox.from_string(template).render(names)
    return env


def extra_vars(
    store: Store, template: Row, answers: Row, ident: str, workflow: int | None = None
) -> Row:
    """Return extra variables: those of the template, defaults of its survey, answers, the job's.

    The jobs of a sliced template are told the number of their workflow job, and one that is
    launched again by itself is not (UnifiedJob.get_workflow_job).

    Raises:
        ValueError: the survey does not ask for an answer that is given, or lacks one it requires.
    """
    questions = store.surveys.get(template["id"], {}).get("spec", [])
    asked = {item["variable"]: item for item in questions}
    defaults = {name: item["default"] for name, item in asked.items() if "default" in item}
    needed = {name for name, item in asked.items() if item["required"]}
    if set(answers) - set(asked) or needed - set(answers) - set(defaults):
        raise ValueError(f"the survey asks for {sorted(asked)} and needs {sorted(needed)}")
    given = {k: Unsafe(v) if isinstance(v, str) else v for k, v in {**defaults, **answers}.items()}
    about = {
        "job_id": int(ident),
        "job_launch_type": "manual",
        "job_template_id": template["id"],
        "job_template_name": template["name"],
        "inventory_id": template["inventory"],
        "inventory_name": store.rows["inventories"][template["inventory"]]["name"],
        "user_name": "somebody",
        **({"workflow_job_id": workflow} if workflow is not None else {}),
    }
    twice = {f"{who}_{name}": value for who in ("awx", "tower") for name, value in about.items()}
    fixed: Row = json.loads(template["extra_vars"] or "{}")
    return {**fixed, **given, **twice}


def update_inventory(store: Store, name: str, project: Path, folder: Path, env: Row) -> str:
    """Return the inventory of a source as JSON, read as AWX reads it: in a container of its own.

    Its credential's files are gone afterwards.
    """
    source = store.named("inventory_sources", name)
    (folder / "env").mkdir(parents=True)
    login = environment_of(store, [source["credential"]], folder, folder)
    done = subprocess.run(
        ["ansible-inventory", "--list", "--export", "-i", source["source_path"]],
        cwd=project,
        env={**env, **login, "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True"},
        capture_output=True,
        text=True,
        check=False,
    )
    for path in (folder / "env").iterdir():
        path.unlink()
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def prepare(
    store: Store,
    name: str,
    project: Path,
    folder: Path,
    inventory: str,
    seen_as: Path | None = None,
    workflow: int | None = None,
    **answers: Any,
) -> Job:
    """Write the private data directory of a job, with a copy of its project.

    Args:
        store: of the stand-in, which has the template.
        name: of the job template.
        project: the repository of the fleet.
        folder: is made.
        inventory: as JSON.
        seen_as: where the job will have the folder, if it is sent elsewhere.
        workflow: number of the workflow job that a slice belongs to.
        answers: to the survey; C(limit) is that of the launch.
    """
    template, ident = store.named("job_templates", name), str(store.new_id())
    limit = answers.pop("limit", template["limit"])
    for part in ("env", "inventory"):
        (folder / part).mkdir(parents=True)
    shutil.copytree(project, folder / "project")
    hosts = folder / "inventory" / "hosts"
    hosts.write_text(f"#!{sys.executable}\nprint({inventory!r})\n")
    hosts.chmod(0o700)
    linked = store.links.get(f"job_templates/{template['id']}/credentials", [])
    variables = {
        **environment_of(store, linked, folder, seen_as or folder),
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "JOB_ID": ident,
    }
    given = yaml.dump(extra_vars(store, template, answers, ident, workflow), Dumper=Dumper)
    files = {
        "envvars": json.dumps(variables),
        "extravars": given,
        "settings": json.dumps({"job_timeout": JOB_SECONDS, "pexpect_use_poll": True}),
        "cmdline": f"--forks {template['forks']}" + (f" --limit '{limit}'" if limit else ""),
    }
    for part, text in files.items():
        (folder / "env" / part).write_text(text)
        (folder / "env" / part).chmod(0o600)
    return Job(folder, template["playbook"], ident)


def runner(*arguments: str) -> list[str]:
    """Return the command of ansible-runner, which is fetched once; its packages are its own."""
    program = "import sys; sys.path.insert(0, sys.argv.pop(1))"
    program += "; from ansible_runner.__main__ import main; sys.exit(main())"
    return [sys.executable, "-c", program, str(from_pypi("runner", HERE)), *arguments]


def run(job: Job, env: Row) -> int:
    """Run a job on this machine; returns the exit code of ansible-runner."""
    command = runner("run", str(job.folder), "-p", job.playbook, "--ident", job.ident)
    quiet = subprocess.DEVNULL
    done = subprocess.run(command, env=env, stdout=quiet, timeout=JOB_SECONDS, check=False)
    return done.returncode


def transmit(job: Job) -> list[str]:
    """Return the command that packs a job for a worker."""
    return runner("transmit", str(job.folder), "-p", job.playbook, "--ident", job.ident)


def process(job: Job) -> list[str]:
    """Return the command that writes the artifacts of a job from what its worker tells."""
    return runner("process", str(job.folder), "--ident", job.ident)


def run_apart(job: Job, env: Row, folder: Path) -> tuple[int, int]:
    """Run a job as AWX's mesh does, with a worker that has nothing but what it is sent.

    Args:
        job: what is run.
        env: of all three programs.
        folder: the private data directory that the worker unpacks into.

    Returns:
        The exit codes of the worker and of C(process), which writes the artifacts.
    """
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    with (
        subprocess.Popen(transmit(job), env=env, stdout=pipe) as sender,
        subprocess.Popen(
            runner("worker", "--private-data-dir", str(folder)),
            env=env,
            stdin=sender.stdout,
            stdout=pipe,
        ) as worker,
        subprocess.Popen(process(job), env=env, stdin=worker.stdout, stdout=quiet) as last,
    ):
        last.wait(JOB_SECONDS)
        worker.wait(JOB_SECONDS)
    return worker.returncode, last.returncode


def environment(collections: list[Path]) -> dict[str, str]:
    """Return the environment of the execution environment: what it has, and no other login."""
    names = ("PATH", "HOME", "LC_ALL", "LANG", "TMPDIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    path = os.pathsep.join(str(place) for place in collections)
    return {**kept, "ANSIBLE_COLLECTIONS_PATH": path, "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
