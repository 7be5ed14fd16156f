# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit tests talk to in the place of a cluster.

C(cluster) stands for the client: the engine is given it, and no byte leaves the process.
C(loopback) stands for the API server: the client itself is tested with it, over real sockets.
"""
