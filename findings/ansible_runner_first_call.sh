#!/bin/sh
# ansible-runner 2.4.3: what the first run() of a directory was given wins over what the next ones are given.
#
# run() writes envvars, extravars, passwords and settings to env/ of private_data_dir, unless such a file is there. They
# stay, and all but extravars are read over the arguments of the next call. So a second call with another KUBECONFIG
# runs with the first one's, and is "successful"; a call without extravars gets those of the first. The documentation
# says that such files are read, not that arguments become files, nor which wins. Guess before the run: each call runs
# with what it is given.
#
# Who it hurts: a loop over clusters in one directory. Every turn changes the first cluster, and each is reported under
# the name of another. suppress_env_files=True, or a directory of its own for each call, helps.
#
# Seen: as below.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check ansible-runner==2.4.3 ansible-core==2.19.14 || exit 2
cat >"$work/seen.py" <<'PYTHON'
import pathlib
import sys

import ansible_runner

SAY = "{{ lookup('ansible.builtin.env', 'KUBECONFIG') or 'none' }}, release {{ release | default('none') }}"
PLAY = [{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": SAY}}]}]


def call(folder, **given):
    """Run the play in a folder and tell what it was given and what it saw."""
    folder = pathlib.Path(sys.argv[1], folder)
    folder.mkdir(exist_ok=True)
    ran = ansible_runner.run(
        private_data_dir=str(folder), playbook=PLAY, inventory="site ansible_connection=local\n", quiet=True, **given
    )
    saw = [event["event_data"]["res"]["msg"] for event in ran.events if event["event"] == "runner_on_ok"]
    told = {**given.get("envvars", {}), **given.get("extravars", {})}
    print(f"{folder.name}: given {told} {ran.status}, the play saw {saw}")


for suppress in (False, True):
    name = "kept" if not suppress else "suppress_env_files"
    call(name, envvars={"KUBECONFIG": "north"}, extravars={"release": 1}, suppress_env_files=suppress)
    call(name, envvars={"KUBECONFIG": "south"}, extravars={"release": 2}, suppress_env_files=suppress)
    call(name, suppress_env_files=suppress)
PYTHON
unset KUBECONFIG
PATH="$work/venv/bin:$PATH" HOME="$work" "$work/venv/bin/python" "$work/seen.py" "$work" >"$work/now"
cat >"$work/then" <<'OUTPUT'
kept: given {'KUBECONFIG': 'north', 'release': 1} successful, the play saw ['north, release 1']
kept: given {'KUBECONFIG': 'south', 'release': 2} successful, the play saw ['north, release 2']
kept: given {} successful, the play saw ['north, release 1']
suppress_env_files: given {'KUBECONFIG': 'north', 'release': 1} successful, the play saw ['north, release 1']
suppress_env_files: given {'KUBECONFIG': 'south', 'release': 2} successful, the play saw ['south, release 2']
suppress_env_files: given {} successful, the play saw ['none, release none']
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
