# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that every module has to reach and log in to a cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(kube/args.py)."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a dictionary.
      - Falls back to E(K8S_AUTH_KUBECONFIG). Without that and without O(host), E(KUBECONFIG), then
        C(~/.kube/config) is read; where neither is there, the service account of the pod.
      - It means what C(kubectl) says it means, exec plugins and impersonation included; a
        kubeconfig that C(kubectl) refuses is refused. Options win over what it says.
    type: raw
  context:
    description:
      - Name of the context in the kubeconfig; the current context if not given.
      - Falls back to E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - URL of the API server. A login in it is sent, and not shown.
      - Falls back to E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - Bearer token.
      - Falls back to E(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - User name. On OpenShift the task logs in with it at the cluster's OAuth server, which the
        API server names, works with the token that it gets, and gives the token back at its end.
      - Elsewhere it is basic authentication, where a proxy in front of the API server asks for it.
      - O(api_key) wins.
      - Falls back to E(K8S_AUTH_USERNAME).
    type: str
  password:
    description:
      - Password that belongs to O(username).
      - Falls back to E(K8S_AUTH_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether the API server's certificate must be valid. Without it O(ca_cert) means V(true),
        else the kubeconfig decides; a kubeconfig that does not say anything means V(true).
      - Falls back to E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description:
      - Path of the certificate authority that has signed the API server's certificate. An
        intermediate authority or the server's own certificate is trusted as it stands.
      - Falls back to E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - Path of a client certificate.
      - Falls back to E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the key of O(client_cert).
      - Falls back to E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  proxy:
    description:
      - URL of an HTTP proxy for the way to the API server. An empty string means no proxy.
      - Falls back to E(K8S_AUTH_PROXY). Without that the kubeconfig's C(proxy-url) is taken, then
        E(https_proxy) or E(HTTPS_PROXY) (for a C(http://) API server E(http_proxy) or
        E(HTTP_PROXY)) unless E(no_proxy) or E(NO_PROXY) names the API server. This is so with
        every version of the Kubernetes client.
    type: str
  no_proxy:
    description:
      - Comma-separated hosts, domains, addresses and networks (CIDR) that are reached without a
        proxy, wherever the proxy is configured.
      - Falls back to E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description: Headers for the proxy.
    type: dict
    suboptions:
      basic_auth:
        description:
          - C(user:password), sent to the proxy in an C(Authorization) header.
          - Falls back to E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      proxy_basic_auth:
        description:
          - C(user:password), sent to the proxy in a C(Proxy-Authorization) header. A login in the
            URL of O(proxy) does the same.
          - Falls back to E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      user_agent:
        description:
          - C(User-Agent) header.
          - Falls back to E(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
        type: str
  impersonate_user:
    description:
      - User to act as. It replaces all that the kubeconfig says about this (C(as), C(as-groups) and
        so on).
      - Falls back to E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Groups to act as, together with O(impersonate_user) or C(as) of the kubeconfig.
      - Falls back to E(K8S_AUTH_IMPERSONATE_GROUPS).
    type: list
    elements: str
  pod_carrier:
    description:
      - The way of requests to pods, for the copy and for what servers are asked. V(proxy) has the
        API server connect to the pod (C(pods/proxy)); V(portforward) goes through the kubelet
        (C(pods/portforward)), for clusters whose API server has no route to pods.
      - V(auto) asks by V(proxy), and turns to V(portforward) for the rest of the task when that
        reaches a pod which the API server says it cannot reach, or which has been silent for three
        seconds. The result names the carrier that was used. Name it here when it is known; where
        packets get lost, each task finds it out anew.
      - V(portforward) takes the rights to C(get) and C(create) C(pods/portforward), the role
        C(openvino-edge-port-forward). Without them V(auto) does not turn.
      - Falls back to E(EDGE_POD_CARRIER).
    type: str
    choices: [auto, proxy, portforward]
    default: auto
"""
