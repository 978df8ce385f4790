"""The page on installing: each helm command, with the values that the page writes, is what the chart takes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import ROOT
from tests.chart.test_chart import HELM

PAGE = (ROOT / "docs" / "install.md").read_text()
VALUES = re.findall(r"cat > values\.yaml <<'EOF'\n(.*?)^EOF", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [shlex.split(line) for line in re.findall(r"^helm .*$", PAGE.replace("\\\n", " "), re.MULTILINE)]
CHANGES = [command for command in COMMANDS if command[1] in ("install", "upgrade")]
