# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option that lets clients in from outside of the cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of C(server/exposing_options.py)."""

    DOCUMENTATION = r"""
options:
  reach:
    description:
      - Which way in clients are told to use, in C(clients) of the result. It makes no way; one that
        the other options do not make is refused.
      - V(cluster_ip) is the Service, V(headless) the Service of O(service.headless), V(ingress),
        V(route) and V(gateway) what O(expose) makes, depending on O(expose.controller).
      - With V(auto) that is decided for REST and gRPC each. What is exposed is reached from
        outside; else gRPC through the headless Service if there is one and there can be more than
        one replica, and all the rest through the Service.
    type: str
    choices: [auto, cluster_ip, headless, ingress, gateway, route]
    default: auto
    version_added: 0.2.0
  expose:
    description:
      - Lets clients outside of the cluster reach the server by a host name, through an Ingress, a
        Route of OpenShift, or a Gateway of the Gateway API. At least one of O(expose.rest) and
        O(expose.grpc) is needed.
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
            V(openshift) makes Routes. V(gateway) makes an HTTPRoute and a GRPCRoute on
            O(expose.gateway), whatever controller serves that.
          - With V(other) there are only the annotations that are given here.
          - V(auto) looks at what the cluster offers - Routes, IngressClasses (the default one, else
            all), HTTPProxies of Contour, and Gateways with a listener for the hosts - and takes the
            one with which all other options can be had; C(exposed_through) in the result says
            which, and why. None and more than one are refused by name; O(expose.class_name),
            O(expose.gateway) and O(reach) narrow the choice. What the server has by V(auto) already
            is kept as long as it fits. It needs the rights to list IngressClasses and Gateways.
        type: str
        choices: [auto, contour, gateway, haproxy, nginx, openshift, other, traefik]
        default: other
      class_name:
        description:
          - IngressClass. Without it the cluster's default one serves the Ingress.
          - Not with V(openshift) and V(gateway) as O(expose.controller).
        type: str
      annotations:
        description: Annotations for all Ingresses or routes; they win over those of the controller.
        type: dict
        default: {}
      client_auth:
        description:
          - Which clients may call, by their certificates (mutual TLS). Without it everybody who
            reaches the controller may. A client that is refused gets no TLS connection, or the
            status 403 (gRPC C(PERMISSION_DENIED)) if only its subject is not allowed.
          - V(contour) as O(expose.controller) checks all of it, by HTTPProxies in the place of the
            Ingresses. V(nginx) checks a CA, a revocation list and a depth. The others cannot, and
            are refused. So is everything that the named controller cannot check.
          - With V(gateway) the Gateway asks, for all clients of a port (C(spec.tls.frontend),
            Gateway API 1.5). It is not changed. The option is accepted where the Gateway admits
            clients of the same CAs and nobody without a certificate, and refused elsewhere. There
            is only O(expose.client_auth.ca) or O(expose.client_auth.secret_name) then.
          - Needs a certificate of the server, O(expose.tls) or O(expose.grpc.tls).
          - CA certificates and revocation lists by which every client would be refused are
            refused, if the Python package C(cryptography) is there.
        type: dict
        suboptions:
          ca:
            description:
              - Certificates of the CAs that sign clients, in PEM form, up to the root. They are
                kept in a Secret C(NAME-client-ca), but with V(gateway) as O(expose.controller),
                where they are compared with those of the Gateway.
              - One of O(expose.client_auth.ca) and O(expose.client_auth.secret_name) is needed.
            type: str
          secret_name:
            description: Name of an existing Secret in the namespace with C(ca.crt).
            type: str
          crl:
            description:
              - Revocation lists in PEM form, one of each CA. Clients in them are refused.
              - A list that is over refuses everybody, so it has to be renewed in time; the task
                warns two weeks before.
            type: str
          crl_secret_name:
            description:
              - Name of an existing Secret in the namespace with the revocation lists, in C(crl.pem)
                for V(contour) as O(expose.controller), in C(ca.crl) for V(nginx). There it has to
                be the Secret of the CA.
            type: str
          crl_leaf_only:
            description:
              - Looks up only the client's own certificate, so that the CAs above the one that
                signs clients need no list. Not with V(nginx) as O(expose.controller).
            type: bool
            default: false
          subjects:
            description:
              - The clients that are allowed, by names in their certificates; without it, all that
                a CA has signed. Names are compared letter by letter.
              - A client passes by its only common name, or by alternative names of the kinds
                given here, which all have to be listed. One of the three is enough.
              - Only with V(contour) as O(expose.controller). ingress-nginx looks for a text
                anywhere in the distinguished name, which is not the same.
            type: dict
            suboptions:
              common_names:
                description: Common names (CN).
                type: list
                elements: str
              dns_names:
                description: Subject alternative names of the kind DNS.
                type: list
                elements: str
              uris:
                description: Subject alternative names of the kind URI, as SPIFFE has them.
                type: list
                elements: str
          verify_depth:
            description:
              - How many certificates may be between the client's and the root; V(1) for clients of
                the root itself. Only with V(nginx) as O(expose.controller), whose default is V(1).
            type: int
      gateway:
        description:
          - The Gateway whose listeners let clients in. Needed with V(gateway) as
            O(expose.controller), and only then; with V(auto) it says that it is to be this one. It
            is not made here.
          - Before anything is changed it is compared with what is asked for - hostname and protocol
            of the listener, the namespaces and kinds of routes that it admits, what its controller
            has against it, and hosts that other routes have there already.
        type: dict
        suboptions:
          name:
            description: Name of the Gateway.
            type: str
            required: true
          namespace:
            description: Namespace of the Gateway. By default it is that of the server.
            type: str
          listener:
            description:
              - Name of the listener (C(sectionName) of the routes). With O(expose.tls) its protocol
                has to be HTTPS, without it HTTP.
              - By default the one that fits, which needs the right to get the Gateway. Of several
                it is the one with the most exact hostname.
            type: str
      rest:
        description: The REST interface. Without it REST is not exposed.
        type: dict
        suboptions:
          host:
            description: Name that clients use.
            type: str
            required: true
          listener:
            description: Listener for REST, in the place of O(expose.gateway.listener).
            type: str
          paths:
            description:
              - Paths that are let in, with all below them. Paths are not rewritten, so only those
                at which the server answers can be given.
              - By default all but the metrics. Give V(/) to let everything in.
            type: list
            elements: str
            default: [/v1, /v2, /v3]
          annotations:
            description: Annotations for this Ingress or route; they win over O(expose.annotations).
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
                V(openshift) as O(expose.controller), and with V(gateway) unless each has another
                listener.
            type: str
            required: true
          listener:
            description: Listener for gRPC, in the place of O(expose.gateway.listener).
            type: str
          annotations:
            description: Annotations for this Ingress or route; they win over O(expose.annotations).
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
          - With V(gateway) as O(expose.controller) the certificate is that of the listener. Set
            O(expose.tls.default_certificate) then; the others are refused.
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
