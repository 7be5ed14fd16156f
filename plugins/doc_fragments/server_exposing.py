# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option that lets clients in from outside of the cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(server/exposing_options.py)."""

    DOCUMENTATION = r"""
options:
  expose:
    description:
      - Lets clients outside of the cluster reach the server by a host name, through an Ingress, or
        a Route of OpenShift. At least one of O(expose.rest) and O(expose.grpc) is needed.
      - The server itself asks nobody who they are. Whoever reaches the host can use it.
      - A controller that serves Ingresses has to run in the cluster, and DNS has to point the host
        to it.
      - Without it clients come in through the Service alone. What is no longer asked for is
        removed.
    type: dict
    suboptions:
      controller:
        description:
          - What serves the Ingress. It decides on the annotations that gRPC and TLS need.
          - V(nginx) is ingress-nginx, V(haproxy) the controller of HAProxy Technologies,
            V(openshift) makes Routes.
          - With V(other) there are only the annotations that are given here.
        type: str
        choices: [contour, haproxy, nginx, openshift, other, traefik]
        default: other
      class_name:
        description: IngressClass. Without it the cluster's default one serves the Ingress.
        type: str
      annotations:
        description: Annotations for all Ingresses or Routes; they win over those of the controller.
        type: dict
        default: {}
      rest:
        description: The REST interface. Without it REST is not exposed.
        type: dict
        suboptions:
          host:
            description: Name that clients use.
            type: str
            required: true
          paths:
            description:
              - Paths that are let in, with all below them. Paths are not rewritten, so only those
                at which the server answers can be given.
              - By default all but the metrics. Give V(/) to let everything in.
            type: list
            elements: str
            default: [/v1, /v2, /v3]
          annotations:
            description: Annotations for this Ingress or Route; they win over O(expose.annotations).
            type: dict
            default: {}
      grpc:
        description:
          - The gRPC interface, with a second Service C(NAME-grpc). Without it gRPC is not exposed.
          - Needs O(expose.tls) or O(expose.grpc.tls) with V(nginx) and V(openshift) as
            O(expose.controller).
        type: dict
        suboptions:
          host:
            description:
              - Name that clients use. It may be that of O(expose.rest.host), except with
                V(openshift) as O(expose.controller).
            type: str
            required: true
          annotations:
            description: Annotations for this Ingress or Route; they win over O(expose.annotations).
            type: dict
            default: {}
          service_annotations:
            description: Annotations for the Service C(NAME-grpc); some controllers read these.
            type: dict
            default: {}
          tls:
            description:
              - A certificate for gRPC alone, in the place of that of O(expose.tls).
              - Needed with V(openshift) as O(expose.controller) where REST has a certificate too.
                The router offers HTTP/2 only for a certificate that no other Route uses, so it has
                to be another one, even if it is for the same names.
            type: dict
            suboptions:
              secret_name:
                description: Name of an existing Secret of type C(kubernetes.io/tls).
                type: str
              certificate:
                description:
                  - The certificate in PEM form, then those of its issuers. It is kept in a Secret
                    C(NAME-tls-grpc), together with O(expose.grpc.tls.key).
                type: str
              key:
                description: Private key of O(expose.grpc.tls.certificate) in PEM form, without a
                  passphrase.
                type: str
      tls:
        description:
          - Where the certificate comes from. The controller ends TLS; the way from there to the
            pods is plain.
          - A certificate that has expired, does not cover the hosts or does not fit its key is
            refused, if the Python package C(cryptography) is there.
          - Without it everything is plain text.
        type: dict
        suboptions:
          secret_name:
            description: Name of an existing Secret of type C(kubernetes.io/tls) in the namespace.
            type: str
          certificate:
            description:
              - The certificate in PEM form, then those of its issuers. It is kept in a Secret
                C(NAME-tls), together with O(expose.tls.key). Another one takes its place there.
            type: str
          key:
            description: Private key of O(expose.tls.certificate) in PEM form, without a passphrase.
            type: str
          issuer:
            description: Name of an Issuer of cert-manager, which makes the certificate.
            type: str
          cluster_issuer:
            description: Name of a ClusterIssuer of cert-manager, which makes the certificate.
            type: str
          default_certificate:
            description: Uses the certificate that the controller has for hosts without one.
            type: bool
"""
