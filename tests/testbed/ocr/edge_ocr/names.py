# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the OCR test data and its users share."""

from __future__ import annotations

DETECTION = "ocr_detection"
RECOGNITION = "ocr_recognition"
