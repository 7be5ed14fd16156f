# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server serves: models, graphs and pipelines, or a configuration that the user brings."""

from __future__ import annotations


class ModuleDocFragment:
    """Options from which C(config.json) is rendered, then C(own): the user's own one."""

    DOCUMENTATION = r"""
options:
  models:
    description:
      - The models and MediaPipe graphs to serve. An empty list is a server without models.
      - The format of a model (OpenVINO IR, ONNX, TensorFlow, TensorFlow Lite, PaddlePaddle) needs
        no option, the server looks at the files.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - Name under which the model is served, and its directory in the store.
          - A name such as V(ORG/MODEL) is fine. Its directory is C(ORG--MODEL) then, where
            M(openvino.edge.model_repository) puts a model of that name.
        type: str
        required: true
      directory:
        description:
          - Directory of the model in the store, if it is not called C(name). It has no C(/).
          - Several models may be in one, for example the same for two devices.
        type: str
      versions:
        description:
          - Versions to serve, all others are not. A model needs this or C(version_policy).
          - Versions with different numbers of digits at the same time (9 and 10) are warned about.
            When the newer one fails to load, OVMS also retires the older one.
          - A graph (C(graph_path)) has at most one. It is then the directory of that number in
            which the graph is, so that another version is another configuration, which makes the
            server read the graph again. A graph that is edited in place is only read again at a
            restart.
        type: list
        elements: int
      version_policy:
        description:
          - Lets the server choose among the versions that are in the store, instead of C(versions).
          - A version is then served as soon as it is published, and a rollback needs another
            policy.
        type: dict
        suboptions:
          all:
            description: All versions.
            type: bool
            default: false
          latest:
            description: So many of the highest versions.
            type: int
          specific:
            description: The same as C(versions).
            type: list
            elements: int
      target_device:
        description:
          - OpenVINO device, for example V(CPU), V(GPU), V(NPU) or V(AUTO:GPU,CPU).
          - Without it V(CPU), with every release of OVMS.
        type: str
      nireq:
        description: Number of inference requests. Without it the server chooses.
        type: int
      batch_size:
        description:
          - A number, a range such as V(1:8), V(-1) for any, or V(auto).
          - Without it the model's own.
        type: str
      shape:
        description:
          - Shape for all inputs, or a dictionary of input and shape, for example
            V((1,3,224,224\)), V(auto), or a list of dimensions.
          - Without it the model's own.
        type: raw
      layout:
        description:
          - Layout for all inputs, or a dictionary of input or output and layout, for example
            V(NHWC:NCHW).
          - Without it the model's own.
        type: raw
      plugin_config:
        description:
          - OpenVINO properties for the device, for example C(PERFORMANCE_HINT) or C(NUM_STREAMS).
          - A key that the device does not know makes OVMS retire this and all later models, so such
            keys are refused, or warned about where that is not sure.
        type: dict
        default: {}
      allow_cache:
        description:
          - Whether the compiled model may be kept in the server's cache directory.
          - Without it the server decides.
        type: bool
      graph_path:
        description:
          - File of a MediaPipe graph in the directory of C(name), usually V(graph.pbtxt). With it
            this is a graph and no model.
          - A graph takes no device, batch size, shape, layout, plugin_config or policy. They belong
            into its subconfig.
        type: str
      subconfig:
        description:
          - File with the configuration of the models that the graph uses.
          - Without it C(subconfig.json) in the directory of the graph, if it is there.
        type: str
      stateful:
        description: The model keeps a state between requests. Gone with OVMS 2026.3.
        type: bool
      idle_sequence_cleanup:
        description: Ends sequences of a stateful model that are not used. Gone with OVMS 2026.3.
        type: bool
      low_latency_transformation:
        description: Applies this transformation to a stateful model. Gone with OVMS 2026.3.
        type: bool
      max_sequence_number:
        description: Most sequences of a stateful model at a time. Gone with OVMS 2026.3.
        type: int
  pipelines:
    description:
      - Pipelines (DAGs) of models and custom nodes, written as in C(pipeline_config_list) of OVMS.
        The type of a node follows from its keys.
      - Refused if a node names a model, version, library, node or output that is not there, or if
        nodes wait for each other.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name under which the pipeline is served. No model or graph may have it.
        type: str
        required: true
      inputs:
        description: Names of the inputs that a client sends.
        type: list
        elements: str
        required: true
      outputs:
        description:
          - What a client gets. Each item is a name with C(node_name) and C(data_item).
        type: list
        elements: dict
        required: true
      nodes:
        description: The nodes.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Name of the node.
            type: str
            required: true
          type:
            description: As OVMS has it. Without it, C(library_name) tells.
            type: str
            choices: [DL model, custom]
          model_name:
            description: The model that the node runs. A node has this or C(library_name).
            type: str
          version:
            description: Version of the model. Without it the default one.
            type: int
          library_name:
            description: The custom node library that the node runs.
            type: str
          params:
            description: Parameters for the library, names and values.
            type: dict
            default: {}
          inputs:
            description:
              - Where the inputs come from. Each item is a name with C(node_name), which may be
                V(request), and C(data_item).
            type: list
            elements: dict
            required: true
          outputs:
            description: Outputs of the model or library (C(data_item)) and their names (C(alias)).
            type: list
            elements: dict
            required: true
          demultiply_count:
            description: Splits the outputs into so many parts. V(-1) takes it from the data.
            type: int
          gather_from_node:
            description: Joins what that node has split.
            type: str
      demultiply_count:
        description: Splits the request into so many parts. V(-1) takes it from the data.
        type: int
  custom_node_libraries:
    description: The libraries that nodes of pipelines run.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the library.
        type: str
        required: true
      base_path:
        description:
          - The C(.so) file. A relative path begins at C(models) in the store, and is written to the
            configuration as the server sees it. An absolute one is a file of the image.
        type: str
        required: true
  monitoring:
    description:
      - Metrics on C(/metrics) of the REST port. Without it the server has none.
      - A server reads this once, at its start, so a change replaces the pods.
    type: dict
    suboptions:
      enable:
        description: Whether there are metrics.
        type: bool
        default: true
      metrics_list:
        description: Names of the metrics. Without it those that OVMS has by default.
        type: list
        elements: str
        default: []
  ovms_version:
    description:
      - Release of OVMS, for example V(2026.2). What it does not know is refused.
      - Without it the release is read from the tag of the image. Where that tells none, only what
        all releases from 2022.3 on know is written, and the rest is refused.
    type: str
"""

    OWN = r"""
options:
  config_map:
    description:
      - Name of your own ConfigMap in O(namespace), whose key C(config.json) is the configuration.
      - It is linted and used as it is. A relative path in it would begin in C(/config), where only
        the ConfigMap is, so write C(/models/NAME) for models of the store.
      - If you have changed it, run this module again. Running servers then load it at once, or are
        replaced if its C(monitoring) differs.
      - Excludes O(models) and O(config_path). One of the three is required if O(state=present).
    type: str
  config_path:
    description:
      - Your own configuration, a file on the store. A relative path begins at C(models) in the
        store.
      - The server reads it and its changes. The module does not see the file. Lint it with
        M(openvino.edge.model_config) before you publish it.
      - Relative paths in it begin at its own directory.
      - Excludes O(models) and O(config_map).
    type: str
"""
