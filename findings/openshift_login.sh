#!/bin/sh
# openshift 0.13.2: its login helper cannot be made with the kubernetes package that pip installs beside it.
#
# OCPLoginConfiguration hands discard_unknown_keys to kubernetes.client.Configuration, which has no such argument any
# more. The package asks for kubernetes >= 12.0 without an upper bound, so pip finds no fault. The other half of the
# package, openshift.dynamic, imports and works. Guess before the run: an old package that still logs in.
#
# Who it hurts: playbooks and scripts that log in to OpenShift with user and password by this package; the error comes
# before the first request, and speaks of a keyword, not of versions.
#
# Seen: TypeError, unexpected keyword argument 'discard_unknown_keys'.
#
# Exit status 0: the behaviour is as it was seen. 1: it has changed. 2: the packages could not be had.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openshift==0.13.2 kubernetes==37.0.0 requests==2.32.5 requests-oauthlib==2.0.0 || exit 2
cat >"$work/seen.py" <<'PYTHON'
from importlib.metadata import requires

import openshift.dynamic
from openshift.helper.userpassauth import OCPLoginConfiguration

print([line for line in requires("openshift") if line.startswith("kubernetes")], openshift.dynamic.DynamicClient.__name__)
try:
    OCPLoginConfiguration(ocp_username="user", ocp_password="password")
except TypeError as error:
    print(error)
PYTHON
"$work/venv/bin/python" -W ignore "$work/seen.py" >"$work/now"
cat >"$work/then" <<'OUTPUT'
['kubernetes (>=12.0)'] DynamicClient
Configuration.__init__() got an unexpected keyword argument 'discard_unknown_keys'
OUTPUT
if diff "$work/then" "$work/now"; then
    echo "as seen on 2026-11-30"
else
    echo "the behaviour has changed (< then, > now)" >&2
    exit 1
fi
