# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what C(expose.client_auth) needs: given texts, and Secrets on the cluster."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Callable, List

from ...errors import UnsupportedError
from ...kube.client import KubeClient
from ..render.exposure.objects import CA_KEY, CRL_KEYS
from ..spec.exposure.client_auth import NGINX, OPTION, ClientAuth
from ..spec.exposure.options import ExposeSpec
from .client_authorities import Place, check_authorities, check_lists
from .secrets import Warn, read_secret


def check_given(expose: ExposeSpec, warn: Warn) -> None:
    """Check the given CA certificates and revocation lists, without a request to the cluster.

    Raises:
        InputError: a controller would refuse every client with them.
    """
    auth = expose.client_auth
    if auth is None:
        return
    now = datetime.now(timezone.utc)
    if auth.ca:
        place = Place(f"{OPTION}.ca")
        _say(place, warn, lambda: check_authorities(auth.ca, now, place))
    if auth.crl and auth.ca:  # Where the CA is in a Secret, both wait until that is read.
        _lists(auth, auth.crl, auth.ca, Place(f"{OPTION}.crl"), warn)


def check(client: KubeClient, namespace: str, expose: ExposeSpec, warn: Warn) -> None:
    """Check the Secrets that the option names.

    Raises:
        InputError: one is missing, or a controller would refuse every client with it.
    """
    auth = expose.client_auth
    if auth is None:
        return
    authorities, crl_key = auth.ca, CRL_KEYS.get(expose.controller, "")
    now = datetime.now(timezone.utc)
    if auth.secret_name:
        name, option = auth.secret_name, f"{OPTION}.secret_name"
        hint = f"kubectl create secret generic {name} --from-file={CA_KEY}=FILE -n {namespace}"
        secret = read_secret(client, namespace, name, option, hint, warn)
        if secret is not None:
            authorities = secret.text(CA_KEY)
            place = Place(option, secret.subject)
            _say(place, warn, lambda: check_authorities(authorities, now, place))
            beside = secret.text_or_none(crl_key)
            if beside and expose.controller == NGINX and not auth.crl_secret_name:
                # It reads the list, whether it was asked for or not.
                _lists(auth, beside, authorities, place, warn)
    if auth.crl and not auth.ca:
        _lists(auth, auth.crl, authorities, Place(f"{OPTION}.crl"), warn)
    if auth.crl_secret_name:
        name, option = auth.crl_secret_name, f"{OPTION}.crl_secret_name"
        hint = f"kubectl create secret generic {name} --from-file={crl_key}=FILE -n {namespace}"
        secret = read_secret(client, namespace, name, option, hint, warn)
        if secret is not None:
            place = Place(option, secret.subject)
            _lists(auth, secret.text(crl_key), authorities, place, warn)


def _lists(auth: ClientAuth, text: str, authorities: str, place: Place, warn: Warn) -> None:
    now, leaf_only = datetime.now(timezone.utc), auth.crl_leaf_only
    _say(place, warn, lambda: check_lists(text, authorities, now, place, leaf_only=leaf_only))


def _say(place: Place, warn: Warn, look: Callable[[], List[str]]) -> None:
    try:
        texts = look()
    except UnsupportedError as error:
        texts = [f"{place.option}: it was not checked: {error.message}."]
    for text in texts:
        warn(text)
