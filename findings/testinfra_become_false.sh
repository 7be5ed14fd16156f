#!/bin/sh
# pytest-testinfra 10.2.2: "become = False" in ansible.cfg makes the tests use sudo.
#
# The backend reads become from ansible.cfg, from ANSIBLE_BECOME and from the inventory as text, and any text but an
# empty one counts as true: False, no, 0. In an INI inventory "false" is a text as well. Ansible itself takes all of
# them for what they say. Guess before the run: no sudo.
#
# Who it hurts: roles that are to work without root. The tests look at the host as root, and see what the account of the
# play may not; or they wait for a password that nobody asked for.
#
# Seen, with a program sudo that only tells that it was called: as below; of five ways to say no, one is heard.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pytest-testinfra==10.2.2 pytest==9.2.0 ansible-core==2.19.14 || exit 2
mkdir "$work/bin" "$work/site"
printf '#!/bin/sh\necho through sudo\n' >"$work/bin/sudo"
chmod +x "$work/bin/sudo"
cat >"$work/seen.py" <<'PYTHON'
import testinfra

print(testinfra.get_host("ansible://site?ansible_inventory=hosts").run("echo as myself").stdout.strip())
PYTHON
# Call with how it was said, the line of the inventory, the lines of ansible.cfg and settings of the environment.
asked() {
    said=$1
    printf '%s\n' "$2" >"$work/site/hosts"
    printf '%b' "$3" >"$work/site/ansible.cfg"
    shift 3
    (
        cd "$work/site"
        export HOME="$work" PATH="$work/bin:$work/venv/bin:$PATH"
        tests=$(env "$@" python "$work/seen.py")
        play=$(env "$@" ansible site -i hosts -m ansible.builtin.raw -a 'echo as myself' | grep -v '^site' | head -n 1)
        echo "$said: tests $tests, ansible $play"
    )
}
local="site ansible_connection=local"
{
    asked "nothing" "$local" ""
    asked "ansible.cfg become = False" "$local" '[privilege_escalation]\nbecome = False\n'
    asked "ANSIBLE_BECOME=false" "$local" "" ANSIBLE_BECOME=false
    asked "INI ansible_become=false" "$local ansible_become=false" ""
    asked "INI ansible_become=no" "$local ansible_become=no" ""
    asked "INI ansible_become=False" "$local ansible_become=False" ""
} >"$work/now"
cat >"$work/then" <<'OUTPUT'
nothing: tests as myself, ansible as myself
ansible.cfg become = False: tests through sudo, ansible as myself
ANSIBLE_BECOME=false: tests through sudo, ansible as myself
INI ansible_become=false: tests through sudo, ansible as myself
INI ansible_become=no: tests through sudo, ansible as myself
INI ansible_become=False: tests as myself, ansible as myself
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-12-01"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
