# shellcheck shell=sh
# Where things go that are made by running: sourced by the other tools. Nothing is kept in the tree.

EDGE_CACHE="${EDGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/openvino-edge}"
EDGE_STATE="${EDGE_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/openvino-edge}"
export EDGE_CACHE EDGE_STATE
