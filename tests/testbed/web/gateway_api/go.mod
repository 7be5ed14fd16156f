// The definitions of the Gateway API that the tests use: config/crd/standard of this module.
module openvino.edge/tests/gateway-api

go 1.26.8

require sigs.k8s.io/gateway-api v1.6.3
