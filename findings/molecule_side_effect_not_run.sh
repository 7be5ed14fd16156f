#!/bin/sh
# molecule 26.10.0: a step "side_effect FILE" of a test sequence is not run when the scenario has no side_effect.yml.
#
# The step names a playbook of its own, which is there. Whether to run it is decided by whether the default playbook is
# there; if not, the step counts as "Missing playbook", a warning, and the sequence goes on and ends with status 0.
# With an empty side_effect.yml beside it, which no step names, the same step runs. Guess before the run: the named file
# runs, or its absence would be an error.
#
# Who it hurts: scenarios that strike in several steps (upgrade, damage, roll back). All checks after a strike that
# never happened pass if they ask for what was true before it.
#
# Seen: the play's line once with the default file, not at all without it; exit status 0 both times.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check molecule==26.10.0 ansible-core==2.19.14 || exit 2
scenario="$work/project/molecule/default"
mkdir -p "$scenario"
cat >"$scenario/molecule.yml" <<'YAML'
---
prerun: false
driver: {name: default, options: {managed: false}}
scenario:
  test_sequence: [side_effect strike.yml]
YAML
for name in converge side_effect strike; do
    cat >"$scenario/$name.yml" <<YAML
---
- name: Play $name
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Say it
      ansible.builtin.debug:
        msg: the play $name runs
YAML
done
run() {
    status=0
    (
        cd "$work/project"
        PATH="$work/venv/bin:$PATH" HOME="$work" NO_COLOR=1 molecule test >"$work/log" 2>&1
    ) || status=$?
    echo "$1: status $status, strike ran $(grep -c '"msg": "the play strike runs"' "$work/log")," \
        "side_effect ran $(grep -c '"msg": "the play side_effect runs"' "$work/log")," \
        "missing $(grep -c 'side_effect\].*Missing playbook' "$work/log")"
}
{
    run "with side_effect.yml"
    rm "$scenario/side_effect.yml"
    run "without side_effect.yml"
} >"$work/now"
cat >"$work/then" <<'OUTPUT'
with side_effect.yml: status 0, strike ran 1, side_effect ran 0, missing 0
without side_effect.yml: status 0, strike ran 0, side_effect ran 0, missing 1
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-11-30"
else
    cat "$work/log" >&2
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
