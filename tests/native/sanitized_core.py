# SPDX-License-Identifier: MIT
"""A pytest plugin: heapkit over the extension that HEAPKIT_NATIVE names."""

import importlib.util
import os
import sys

NAME = "heapkit._native"

spec = importlib.util.spec_from_file_location(NAME, os.environ["HEAPKIT_NATIVE"])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
# Found here before the import looks for the installed one.
sys.modules[NAME] = module
