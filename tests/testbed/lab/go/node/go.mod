module openvino.edge/lab/node

go 1.26.0
