# shellcheck shell=sh
# Which image of OVMS runs: sourced by the tools that run servers. Wants root, the checkout.
#
# EDGE_OVMS_IMAGE=FILE is an OCI or Docker archive of an image. It is checked here, before anything starts, and
# EDGE_SERVER_IMAGE becomes the name that tools/lab-up gives it on the nodes of the lab.

: "${root:?}"
if [ -n "${EDGE_OVMS_IMAGE:-}" ]; then
    if [ -n "${EDGE_KUBECONFIG:-}" ]; then
        echo "EDGE_OVMS_IMAGE is for the clusters of the lab; the cluster of EDGE_KUBECONFIG has to have the image:" \
            "unset EDGE_OVMS_IMAGE and name that image in EDGE_SERVER_IMAGE" >&2
        exit 2
    fi
    case $EDGE_OVMS_IMAGE in /*) ;; *) EDGE_OVMS_IMAGE=$PWD/$EDGE_OVMS_IMAGE ;; esac
    EDGE_SERVER_IMAGE=$("$root/tools/run" tests/testbed/images/given "$EDGE_OVMS_IMAGE") || exit 2
    export EDGE_OVMS_IMAGE EDGE_SERVER_IMAGE
fi
