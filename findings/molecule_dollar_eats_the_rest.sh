#!/bin/sh
# molecule 26.10.0: a $NAME before a hyphen eats the rest of molecule.yml, when the variable is set.
#
# Variables may be written $NAME or ${NAME}, and ${NAME-default} has a default. Without braces a default is read, too:
# from the hyphen to the next closing brace, or to the end of the file, over all lines. So "name: $BRANCH-site" becomes
# "name: main" and nothing follows: no provisioner, no scenario, no verifier. What is left is valid, and the defaults
# step in. Where the variable is not set, everything is there. Guess before the run: main-site, as in a shell.
#
# Who it hurts: scenarios that name their platforms after a branch or a build. They pass in CI, which sets the variable,
# with other playbooks than the file names, and fail at the desk.
#
# Seen: the playbook of the checks, which always fails, runs only where the variable has no value or has braces.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check molecule==26.10.0 ansible-core==2.19.14 || exit 2
scenario="$work/project/molecule/default"
mkdir -p "$scenario"
for name in converge checks; do
    cat >"$scenario/$name.yml" <<YAML
---
- name: Play $name
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Tell
      ansible.builtin.assert:
        that: "'$name' != 'checks'"
        fail_msg: the checks ran
YAML
done
# Call with the name of the platform as molecule.yml has it, and settings of the environment.
run() {
    cat >"$scenario/molecule.yml" <<YAML
---
prerun: false
driver: {name: default, options: {managed: false}}
platforms:
  - name: $1
provisioner:
  name: ansible
  playbooks:
    verify: checks.yml
scenario:
  test_sequence:
    - verify
YAML
    said="$*"
    shift
    status=0
    (
        cd "$work/project"
        env PATH="$work/venv/bin:$PATH" HOME="$work" NO_COLOR=1 "$@" molecule test >"$work/log" 2>&1
    ) || status=$?
    ran=$(grep -c 'the checks ran' "$work/log" || true)
    [ "$status" = 0 ] && status=passes || status=fails
    [ "$ran" = 0 ] && ran="not run" || ran=run
    echo "$said: $status, checks $ran"
}
unset BRANCH
# shellcheck disable=SC2016 # the dollars are molecule's
{
    run 'edge-site'
    run '$BRANCH-site'
    run '$BRANCH-site' BRANCH=main
    run '${BRANCH}-site' BRANCH=main
} >"$work/now"
cat >"$work/then" <<'OUTPUT'
edge-site: fails, checks run
$BRANCH-site: fails, checks run
$BRANCH-site BRANCH=main: passes, checks not run
${BRANCH}-site BRANCH=main: fails, checks run
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    cat "$work/log" >&2
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
